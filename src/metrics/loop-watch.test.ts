import { expect, test } from 'vitest';
import { createLoopWatch } from './loop-watch.ts';

test('says how late a timer was: the mean and the greatest of the last one to two windows', () => {
  let now = 0;
  const watch = createLoopWatch({ intervalMs: 100, windowTicks: 4, nowMs: () => now });
  const tick = (...afterMs: number[]) => {
    for (const ms of afterMs) {
      now += ms;
      watch.tick();
    }
  };
  expect([watch.lagMicros, watch.maxLagMicros]).toEqual([0, 0]);
  // One that comes early is not late.
  tick(100, 99, 300, 101);
  expect([watch.lagMicros, watch.maxLagMicros]).toEqual([(201 * 1000) / 4, 200_000]);
  tick(100, 100);
  expect(watch.maxLagMicros).toBe(200_000);
  tick(100, 100, 100, 100, 100, 100);
  expect([watch.lagMicros, watch.maxLagMicros]).toEqual([0, 0]);
});
