import { LATENCY_BUCKETS } from '../../usage/index.ts';

/**
 * The time below which a share of the calls was, in whole microseconds, from their counts by power of two; null where there
 * are none. Within a bucket calls are taken to lie evenly on a logarithmic scale, so it is off by less than a factor of two.
 */
export function latencyQuantile(counts: readonly number[], share: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const wanted = share * total;
  let before = 0;
  for (const [bucket, count] of counts.entries()) {
    if (count > 0 && before + count >= wanted) return within(bucket, (wanted - before) / count);
    before += count;
  }
  return within(LATENCY_BUCKETS - 1, 1);
}

/** Bucket k ends at 2^(k + 6) µs; the first begins at nothing, where there is no logarithm. */
function within(bucket: number, part: number): number {
  if (bucket === 0) return Math.round(64 * part);
  return Math.round(2 ** (bucket + 5 + part));
}
