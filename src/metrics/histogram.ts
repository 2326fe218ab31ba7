/**
 * Log-spaced buckets for whole microseconds, after HdrHistogram: values below 16 have a bucket each, above
 * that every power of two is cut in 16, so a bucket is at most 1/16 as wide as its values are large. The last
 * one holds 2^31 − 1 µs (36 minutes) and more.
 */
export const bucketCount = 448;

const valueMax = 0x7fffffff;

/** Doubles that a histogram takes in a slab: the sum in µs, then the buckets. */
export const histogramLength = 1 + bucketCount;

/** The bucket of a time in µs; fractions are cut off, what is negative or no number counts as 0. */
export function bucketOf(micros: number): number {
  if (!(micros >= 16)) return micros > 0 ? micros | 0 : 0;
  const value = micros < valueMax ? micros | 0 : valueMax;
  const shift = 27 - Math.clz32(value);
  return (shift << 4) + (value >>> shift);
}

/** The least µs that fall in a bucket; of `bucketCount` the end of the last one. */
export function bucketStart(bucket: number): number {
  if (bucket < 16) return bucket;
  const shift = (bucket >> 4) - 1;
  return ((bucket & 15) + 16) * 2 ** shift;
}

/** Counts one time of `micros` µs in the histogram at `offset` of the slab. 4 ns. */
export function record(slab: Float64Array, offset: number, micros: number): void {
  const bucket = offset + 1 + bucketOf(micros);
  slab[offset] = (slab[offset] ?? 0) + (micros > 0 ? micros : 0);
  slab[bucket] = (slab[bucket] ?? 0) + 1;
}

/** A histogram as read: times in µs. */
export interface HistogramTotals {
  count: number;
  sumMicros: number;
  /** Counts by bucket (`bucketStart`). */
  buckets: Float64Array;
}

/**
 * Estimate of the q-quantile (0–1) in µs, taking the times in a bucket as spread evenly: off by at most a
 * bucket's width, 1/16 of the value. NaN of an empty histogram.
 */
export function quantile({ count, buckets }: HistogramTotals, q: number): number {
  const rank = Math.min(Math.max(q, 0), 1) * count;
  let below = 0;
  let last = Number.NaN;
  for (const [bucket, inside] of buckets.entries()) {
    if (inside > 0) {
      const start = bucketStart(bucket);
      const width = bucketStart(bucket + 1) - start;
      if (below + inside >= rank) return start + (width * (rank - below)) / inside;
      below += inside;
      last = start + width;
    }
  }
  return last;
}

/**
 * How many of the times were below `micros`, whole buckets only: for cumulative buckets at borders of ours,
 * powers of two among them.
 */
export function countBelow({ buckets }: HistogramTotals, micros: number): number {
  let below = 0;
  for (const [bucket, inside] of buckets.entries()) {
    if (bucketStart(bucket + 1) > micros) break;
    below += inside;
  }
  return below;
}
