import type { UsageRecord } from './record.ts';

/** Usage of one minute that is alike. */
export interface LedgerRow extends UsageRecord {
  /** Epoch milliseconds at which the minute begins, UTC. */
  minute: number;
}

/** Calls for `usage_logs`: `count` rows alike. */
export interface RawCalls {
  keyId: string;
  method: string;
  status: number;
  /** Epoch milliseconds. */
  at: number;
  count: number;
}

/** A piece of one segment, folded. */
export interface LedgerBatch {
  /** The segment's name, unique for ever. */
  segment: string;
  /** Bytes [from, to) of the segment, which are synced. */
  from: number;
  to: number;
  /** No frame comes after `to`: the worker has gone on to another segment or is dead. */
  closed: boolean;
  /** One row for each (minute, key, network, method, status, event). */
  rows: LedgerRow[];
  /** Empty unless raw usage is kept. */
  raw: RawCalls[];
  /** By key id: epoch milliseconds of its latest call. */
  lastUsed: Map<string, number>;
}

export interface SegmentState {
  offset: number;
  closed: boolean;
  /** Epoch milliseconds of the last batch. */
  appliedAt: number;
}

/** Where usage is kept for good. Rejects with `StoreUnavailable`-like errors where it is away; nothing was applied then. */
export interface Ledger {
  /** Of segments that were applied from before. Those never seen are not in it. */
  segments(names: readonly string[]): Promise<Map<string, SegmentState>>;
  /**
   * Adds the batch to the rollups and sets the segment's offset, in one transaction. False, and nothing changed, where the
   * segment's offset is not `from`, or where it is closed and the batch has no bytes: it was applied before, by us or by another. One that was
   * closed and has more bytes all the same is open again, unless the batch closes it.
   */
  apply(batch: LedgerBatch): Promise<boolean>;
}
