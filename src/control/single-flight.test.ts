import { expect, test } from 'vitest';
import { createSingleFlight } from './single-flight.ts';

function build() {
  const finish: ((value: string | Error) => void)[] = [];
  const flight = createSingleFlight(
    () =>
      new Promise<string>((resolve, reject) => {
        finish.push((value) => (value instanceof Error ? reject(value) : resolve(value)));
      }),
  );
  return { flight, finish };
}

test('calls during a run share one further run', async () => {
  const { flight, finish } = build();
  const first = flight();
  const [second, third] = [flight(), flight()];
  expect(finish).toHaveLength(1);
  finish[0]?.('one');
  expect(await first).toBe('one');
  await new Promise(setImmediate);
  expect(finish).toHaveLength(2);
  const fourth = flight();
  finish[1]?.('two');
  expect(await Promise.all([second, third])).toEqual(['two', 'two']);
  await new Promise(setImmediate);
  finish[2]?.('three');
  expect(await fourth).toBe('three');
});

test('a run that fails stops nobody', async () => {
  const { flight, finish } = build();
  const first = flight();
  const second = flight();
  finish[0]?.(new Error('no'));
  await expect(first).rejects.toThrow('no');
  await new Promise(setImmediate);
  finish[1]?.('yes');
  expect(await second).toBe('yes');
});
