import fc from 'fast-check';
import { expect, it } from 'vitest';
import { waitAfter } from './schedule.ts';

const product = [5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 36_000_000];

it('property: waits as the schedule says, ± 20 %, and ends with it', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (attempts, random) => {
        const wait = waitAfter(attempts, { retries: product, random, retryAfterMs: null });
        const planned = product[attempts - 1];
        if (planned === undefined) {
          expect(wait).toBeNull();
          return;
        }
        expect(wait).toBeGreaterThanOrEqual(planned * 0.8 - 1);
        expect(wait).toBeLessThanOrEqual(planned * 1.2 + 1);
      },
    ),
  );
});

it('is no more impatient than the receiver asks, and no more patient than a day', () => {
  const ask = (retryAfterMs: number) => waitAfter(1, { retries: product, random: 0.5, retryAfterMs });
  expect(ask(1000)).toBe(5000);
  expect(ask(60_000)).toBe(60_000);
  expect(ask(1e12)).toBe(86_400_000);
});
