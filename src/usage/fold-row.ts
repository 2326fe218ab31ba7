import type { LedgerRow } from './ledger.ts';

/** A row while it is summed. */
export interface FoldRow extends LedgerRow {
  /** Epoch milliseconds of its latest call. */
  lastAt: number;
  /** The rows of the fold that it belongs to: a reader's places outlive it. */
  readonly among: readonly LedgerRow[];
}

/** Where a fold finds the row that the last record of this key and, mostly, method went into: three look-ups less. */
export interface Place {
  row: FoldRow | null;
}
