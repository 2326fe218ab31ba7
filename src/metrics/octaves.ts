/** Powers of two of microseconds that a latency is counted by: bucket k holds times below 2^(k + 6) µs, the last all others. */
export const LATENCY_BUCKETS = 24;

/** The bucket of a time in microseconds. */
export function latencyBucket(micros: number): number {
  if (!(micros >= 64)) return 0;
  const bucket = 26 - Math.clz32(Math.min(micros, 0x7fff_ffff) | 0);
  return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

/** The time in microseconds that bucket k ends at, k below the last. */
export function latencyBucketEnd(bucket: number): number {
  return 2 ** (bucket + 6);
}

/**
 * The time below which a share of the calls was, in whole microseconds, from their counts by power of two; null where there
 * are none. Within a bucket calls are taken to lie evenly on a logarithmic scale, so it is off by less than a factor of two.
 */
export function latencyQuantile(counts: ArrayLike<number>, share: number): number | null {
  let total = 0;
  for (let bucket = 0; bucket < counts.length; bucket++) total += counts[bucket]!;
  if (total === 0) return null;
  const wanted = share * total;
  let before = 0;
  for (let bucket = 0; bucket < counts.length; bucket++) {
    const count = counts[bucket]!;
    if (count > 0 && before + count >= wanted) return within(bucket, (wanted - before) / count);
    before += count;
  }
  return within(LATENCY_BUCKETS - 1, 1);
}

/** The first begins at nothing, where there is no logarithm. */
function within(bucket: number, part: number): number {
  if (bucket === 0) return Math.round(64 * part);
  return Math.round(2 ** (bucket + 5 + part));
}
