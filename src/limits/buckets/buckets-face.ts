import type { Chain } from '../chain.ts';
import type { LeaseTable } from '../leases/lease-table.ts';
import type { LoadResult } from '../saved/state-load.ts';

export interface BucketStats {
  /** Places in the table. */
  entries: number;
  /** Places ever used; what is resident grows with this. */
  everUsed: number;
  /** Buckets not full now, estimated from 4,096 places (exact in tables up to that size). */
  used: number;
  /** Buckets forgotten since a window of 16 places was full: each gave its caller what it lacked. */
  evictions: number;
}

/**
 * One thread's hands on the shared buckets. Main (owner 0) alone may be thrown at with LimitsBusyError, if a worker
 * was ended just now and `releaseDead` has not been called yet; workers wait for that.
 * All times are whole microseconds of `createMonotonicClock`; one that goes back refills nothing.
 */
export interface Buckets {
  /**
   * Takes the chain's cost from all of its enforced buckets and its quotas, or from none; results in `chain`.
   * A limit's refusal goes before a quota's. Throws RangeError on a version that was never given out.
   */
  take(chain: Chain, nowMicros: number): void;
  /** What `take` would answer; takes nothing. */
  peek(chain: Chain, nowMicros: number): void;
  /**
   * Gives back the cost of a chain of the same links and cost as was taken at `takenMicros` (or later): only to leases that still hold and were not
   * reckoned up since, so that nothing is minted; its quotas stay as they are. Nothing where no other instance has these buckets.
   */
  giveBack(chain: Chain, takenMicros: number, nowMicros: number): void;
  /** What this instance holds of buckets that others have as well; null: none has. For main. */
  readonly leases: LeaseTable | null;
  /** Gives back what a call counted in `periodId`; nothing if that period is over. */
  refundQuota(slot: number, periodId: number, cost: number): void;
  /** Used in the period. */
  readQuota(slot: number, periodId: number): number;
  /** Sets what is used: a slot that goes to another key, a count restored from a store. */
  writeQuota(slot: number, periodId: number, used: number): void;
  /** Adds to what is used, or takes from it, in the period that a call of `periodId` counts in; never below 0. */
  adjustQuota(slot: number, periodId: number, change: number): void;
  /** Frees the locks of a thread. Call after its `exit` event and before its slot is given to another. */
  releaseDead(owner: number): void;
  stats(nowMicros: number): BucketStats;
  /**
   * The buckets that are not full and the quotas, for a restart that drained. `quotaKey` names a slot's owner so
   * that `load` finds it again (default: the slot's number); undefined leaves it out.
   */
  save(nowMicros: number, wallMs: number, quotaKey?: (slot: number) => string | undefined): Uint8Array;
  /**
   * Restores into fresh memory with the same seed (`savedSeed`), refilled by the time that passed. A file that is
   * damaged or another format's changes nothing and says why. `quotaSlot` is the new slot of a saved name.
   */
  load(
    bytes: Uint8Array,
    nowMicros: number,
    wallMs: number,
    quotaSlot?: (key: string) => number | undefined,
  ): LoadResult;
}
