import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LATENCY_BUCKETS, latencyBucket, latencyQuantile } from './octaves.ts';

test('no calls have no latency', () => {
  expect(latencyQuantile([], 0.5)).toBe(null);
  expect(latencyQuantile([0, 0], 0.99)).toBe(null);
});

test('a quantile is within a factor of two of the true one', () => {
  const times = fc.array(fc.integer({ min: 64, max: 60_000_000 }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(times, fc.constantFrom(0.5, 0.9, 0.99), (micros, share) => {
      const counts = Array.from({ length: LATENCY_BUCKETS }, () => 0);
      for (const time of micros) counts[latencyBucket(time)] = (counts[latencyBucket(time)] ?? 0) + 1;
      const sorted = micros.toSorted((a, b) => a - b);
      const exact = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
      const estimate = latencyQuantile(counts, share) ?? 0;
      expect(estimate).toBeLessThanOrEqual(exact * 2);
      expect(estimate * 2).toBeGreaterThanOrEqual(exact);
    }),
  );
});

test('it grows with the share, from the first bucket to the last', () => {
  const counts = Array.from({ length: LATENCY_BUCKETS }, () => 4);
  const quantiles = Array.from({ length: 101 }, (_, percent) => latencyQuantile(counts, percent / 100) ?? -1);
  expect(quantiles).toEqual(quantiles.toSorted((a, b) => a - b));
  expect(quantiles.at(-1)).toBe(2 ** (LATENCY_BUCKETS + 5));
});
