import type { BucketShape } from '../buckets/token-bucket.ts';

/** What instances that share buckets ask of where the buckets stand. */
export interface LeaseStore {
  /** One answer for each ask, in order; null: none came in time. Never rejects. At most some hundred asks at once are one round trip. */
  ask(asks: readonly LeaseAsk[]): Promise<readonly (LeaseAnswer | null)[]>;
}

/** All units are whole tokens of `shape`. */
export interface LeaseAsk {
  /** `SharedBucket` key of the bucket: see `bucketKey`. */
  bucket: string;
  shape: BucketShape;
  /**
   * Number of the grant, from 1, by this instance for this bucket. The one that was asked for last, again: the answer to it was lost, and
   * what it granted, if it did, is granted now.
   */
  seq: number;
  /** What this instance still holds of it at most. 0 once its lease ended. */
  unspent: number;
  /** Asked for beyond that; 0 with `leave`. */
  want: number;
  /** 0 … `want`. Where there is less than this, nothing is granted: it would help nobody, and be missed by others. */
  least: number;
  /** For so long from now what it holds is its own. */
  ttlMs: number;
  /** `unspent` goes back, and nothing is held any more. */
  leave: boolean;
}

export interface LeaseAnswer {
  /** Units, 0 … `want`. */
  granted: number;
  /** Units left in the shared bucket. */
  rest: number;
  /**
   * Until the bucket will have the next token, where less than `want` was granted; or `least`, where it had less. If nobody else takes it.
   * 0: it has some.
   */
  waitMs: number;
}

/** A caller's own buckets, decided at once where they stand. */
export interface ExactStore {
  /** Takes `cost` tokens from all or from none. null: no answer in time. Never rejects. Pipelined over a turn. */
  take(buckets: readonly ExactBucket[], cost: number): Promise<ExactReading | null>;
}

/** At most 8 a call, all of one owner. */
export interface ExactBucket {
  bucket: string;
  shape: BucketShape;
}

export interface ExactReading {
  /** Bits of the buckets that refused; 0: taken from all. */
  refused: number;
  /** Bits of the buckets that the take left in their burst. */
  bursting: number;
  /** It is the first refusal of a bucket since a take used its burst. */
  depleted: boolean;
  /** Units in each before the call. */
  before: readonly number[];
  /** Milliseconds, rounded up, until all hold the cost, if nobody takes meanwhile; 0 if taken, Infinity if one never can. */
  retryAfterMs: number;
}
