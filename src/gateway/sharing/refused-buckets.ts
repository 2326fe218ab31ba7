import type { BucketShape } from '../../limits/index.ts';

/**
 * Buckets that refused a call where they stand. Nothing but takes can happen to such a bucket, so that it holds at most
 * what it held then and what has been refilled since: a call that needs more is refused without being asked about again.
 */
export interface RefusedBuckets {
  /** @param askedAt when it was asked, monotonic microseconds */
  add(bucket: string, found: { units: number; version: number; askedAt: number }): void;
  /** null: it may hold the cost, or is not known. `version` is that of its rule: of another nothing is known. */
  lacking(bucket: string, version: number, shape: BucketShape, cost: number, now: number): Lacking | null;
}

export interface Lacking {
  /** Tokens that it holds at most. */
  before: number;
  /** Milliseconds, rounded up, until it holds the cost; Infinity if it never does. */
  retryAfterMs: number;
}

const BUCKETS_MAX = 8192;
/** So long at most: an operator may clear what is there, or another rule may hold in another instance. */
const KEEP_MICROS = 10_000_000;

export function createRefusedBuckets(bucketsMax = BUCKETS_MAX): RefusedBuckets {
  const known = new Map<string, { units: number; version: number; askedAt: number }>();
  return {
    add(bucket, found) {
      known.delete(bucket);
      const [oldest] = known.keys();
      if (oldest !== undefined && known.size >= bucketsMax) known.delete(oldest);
      known.set(bucket, found);
    },
    lacking(bucket, version, shape, cost, now) {
      const found = known.get(bucket);
      if (found === undefined) return null;
      const { units, askedAt } = found;
      const since = now - askedAt;
      const { tokenUnits, tickMicros, refillUnits, maxUnits } = shape;
      const need = cost * tokenUnits;
      const micros =
        need > maxUnits ? Number.POSITIVE_INFINITY : Math.ceil((need - units) / refillUnits) * tickMicros;
      // It may have stood right before its next tick.
      if (since > KEEP_MICROS || found.version !== version || micros - tickMicros <= since) return null;
      const refills = Math.floor(since / tickMicros) * refillUnits;
      return {
        before: Math.min(units + refills, maxUnits) / tokenUnits,
        retryAfterMs: Math.ceil((micros - since) / 1000),
      };
    },
  };
}
