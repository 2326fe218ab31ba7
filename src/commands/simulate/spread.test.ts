import { expect, test } from 'vitest';
import type { LoggedCall } from './logged-call.ts';
import { createSpread } from './spread.ts';

const call = (at: number, sample: number, address = 'a'): LoggedCall => ({
  ...{ at, sample, address, endAt: at, keyId: '', keyPrefix: '', network: '', method: 'm' },
  ...{
    cached: false,
    failed: false,
    banned: false,
    refusedThen: false,
    dropped: 0,
    worker: 0,
    request: 0,
    item: 0,
  },
});

test('a logged call stands for those since its caller’s last', () => {
  const spread = createSpread();
  expect(spread(call(1000, 1))).toEqual([1000]);
  expect(spread(call(1400, 0.25))).toEqual([1100, 1200, 1300, 1400]);
  expect(spread(call(1500, 0.25, 'b'))).toEqual([1125, 1250, 1375, 1500]);
  expect(spread(call(1404, 0.25))).toEqual([1401, 1402, 1403, 1404]);
});

test('in the mean a share that divides 1 into no whole number is kept', () => {
  const spread = createSpread();
  const counts = Array.from({ length: 300 }, (_, k) => spread(call(k * 10, 0.3)).length);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(1000);
});
