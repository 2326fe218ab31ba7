import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bucketCount,
  bucketOf,
  bucketStart,
  countBelow,
  histogramLength,
  type HistogramTotals,
  quantile,
  record,
} from './histogram.ts';

function histogramOf(times: readonly number[]): HistogramTotals {
  const slab = new Float64Array(histogramLength);
  for (const time of times) record(slab, 0, time);
  return { count: times.length, sumMicros: slab[0] ?? 0, buckets: slab.slice(1) };
}

describe('bucketOf', () => {
  it('puts every time between its bucket’s borders, in a bucket of at most 1/16 of it', () => {
    fc.assert(
      fc.property(fc.oneof(fc.nat(0x7fffffff), fc.double({ min: 0, max: 1e6, noNaN: true })), (micros) => {
        const bucket = bucketOf(micros);
        expect(bucketStart(bucket)).toBeLessThanOrEqual(micros);
        expect(bucketStart(bucket + 1)).toBeGreaterThan(micros);
        expect(bucketStart(bucket + 1) - bucketStart(bucket)).toBeLessThanOrEqual(Math.max(1, micros / 16));
      }),
    );
  });

  it('leaves no gap: borders rise from 0 to 2^31', () => {
    const starts = Array.from({ length: bucketCount + 1 }, (_, bucket) => bucketStart(bucket));
    expect(starts[0]).toBe(0);
    expect(starts.at(-1)).toBe(2 ** 31);
    expect(starts.every((start, i) => i === 0 || start > (starts[i - 1] ?? 0))).toBe(true);
    expect(starts.slice(0, -1).map(bucketOf)).toEqual(starts.slice(0, -1).map((_, i) => i));
  });

  it.each([
    [-5, 0],
    [Number.NaN, 0],
    [0.9, 0],
    [15.9, 15],
    [Number.POSITIVE_INFINITY, bucketCount - 1],
    [1e12, bucketCount - 1],
  ])('%d is in bucket %d', (micros, bucket) => {
    expect(bucketOf(micros)).toBe(bucket);
  });
});

describe('record', () => {
  it('keeps the sum, and stays sound when a clock went backwards', () => {
    const { buckets, sumMicros } = histogramOf([10, 20.5, -3, Number.NaN]);
    expect(sumMicros).toBe(30.5);
    expect(buckets.reduce((total, inside) => total + inside, 0)).toBe(4);
  });
});

describe('quantile', () => {
  it('is within a bucket of the exact quantile', () => {
    const times = fc.array(fc.nat(5_000_000), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(times, fc.double({ min: 0, max: 1, noNaN: true }), (list, q) => {
        const sorted = list.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
        expect(Math.abs(quantile(histogramOf(list), q) - exact)).toBeLessThanOrEqual(Math.max(1, exact / 16));
      }),
    );
  });

  it('knows nothing of nothing', () => {
    expect(quantile(histogramOf([]), 0.5)).toBeNaN();
  });
});

describe('countBelow', () => {
  it('is exact at powers of two', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100_000)), fc.integer({ min: 0, max: 17 }), (times, power) => {
        const border = 2 ** power;
        expect(countBelow(histogramOf(times), border)).toBe(times.filter((time) => time < border).length);
      }),
    );
  });
});
