import { expect, it } from 'vitest';
import { WINDOW } from './chain.ts';
import { createToldLogs } from './told-logs.ts';

it('keeps texts up to its bytes, drops the oldest, and knows still that something was told', () => {
  const told = createToldLogs(100);
  for (let k = 0; k < 10; k++) told.put(`${k}`, k, ['"é"', `"${'x'.repeat(20)}"`]);
  expect(told.bytes).toBe(87);
  expect(told.size).toBe(10);
  expect(told.take('6')).toEqual({ step: 6, logs: null });
  expect(told.take('7')).toEqual({ step: 7, logs: `["é","${'x'.repeat(20)}"]` });
  expect(told.take('7')).toBeUndefined();
  expect(told.bytes).toBe(58);
  told.put('large', 11, ['x'.repeat(101)]);
  expect([told.bytes, told.take('large'), told.take('9')]).toEqual([
    0,
    { step: 11, logs: null },
    { step: 9, logs: null },
  ]);
});

it('remembers as many blocks as a fork is looked for', () => {
  const told = createToldLogs(1e6);
  for (let k = 0; k < WINDOW + 5; k++) told.put(`${k}`, k, ['1']);
  expect(told.size).toBe(WINDOW);
  expect([told.take('4'), told.take('5')]).toEqual([undefined, { step: 5, logs: '[1]' }]);
  told.clear();
  expect([told.size, told.bytes]).toEqual([0, 0]);
});
