import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createApplierPace } from './applier-pace.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('rests longer than the work took, half a second at most', async () => {
  const pace = createApplierPace();
  let rested = 0;
  void pace.rest(10).then(() => rested++);
  await vi.advanceTimersByTimeAsync(14);
  expect(rested).toBe(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(rested).toBe(1);
  void pace.rest(60_000).then(() => rested++);
  await vi.advanceTimersByTimeAsync(500);
  expect(rested).toBe(2);
});

it('does not rest while somebody waits, and wakes what rests', async () => {
  const pace = createApplierPace();
  const rest = pace.rest(1000);
  let end = (): void => undefined;
  const hurried = pace.hurry(
    () =>
      new Promise<void>((resolve) => {
        end = resolve;
      }),
  );
  await rest;
  await pace.rest(1000);
  end();
  await hurried;
  let rested = false;
  void pace.rest(10).then(() => (rested = true));
  await vi.advanceTimersByTimeAsync(10);
  expect(rested).toBe(false);
  await vi.advanceTimersByTimeAsync(5);
  expect(rested).toBe(true);
});
