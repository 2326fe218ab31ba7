import type { BucketShape } from '../buckets/token-bucket.ts';

/** How much of a bucket is held ahead of its use. */
export interface LeaseSize {
  /** Units to hold from now on, whole tokens, at least one; to be called once for each ask. */
  next(nowMicros: number, instances: number): number;
}

/** What the rule refills in so long is the least: little enough that others hardly miss it. */
const LEAST_MICROS = 100_000;
/** Used up sooner than this: the next is twice as large. */
const SOON_MICROS = 1_000_000;
/** Held for longer than this: the next is half as large. */
const LONG_MICROS = 4_000_000;

/** At most half of what would be an even part: all instances together never hold more than half of the bucket ahead. */
export function createLeaseSize({ maxUnits, refillUnits, tokenUnits, tickMicros }: BucketShape): LeaseSize {
  const refill = (LEAST_MICROS / tickMicros) * refillUnits;
  const least = Math.max(1, Math.ceil(refill / tokenUnits));
  const capacity = Math.floor(maxUnits / tokenUnits);
  let tokens = least;
  let askedAt = Number.NEGATIVE_INFINITY;

  return {
    next(nowMicros, instances) {
      const since = nowMicros - askedAt;
      if (since < SOON_MICROS) tokens *= 2;
      else if (since > LONG_MICROS) tokens = Math.ceil(tokens / 2);
      const most = Math.max(1, Math.floor(capacity / (2 * instances)));
      tokens = Math.min(most, Math.max(least, tokens));
      askedAt = nowMicros;
      return tokens * tokenUnits;
    },
  };
}
