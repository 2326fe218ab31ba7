import type { Tail, UsageRecord } from '../../usage/index.ts';

/** One turn's usage as a segment holds it. */
export interface JournalFrame {
  /** Epoch milliseconds. */
  epochMs: number;
  /** Bytes [from, to) of the segment. */
  from: number;
  to: number;
  /** Valid until the next frame is taken. */
  records: readonly UsageRecord[];
}

export interface JournalSegment {
  /** What the ledger knows it by. */
  id: string;
  /** Up to the first that does not check. Throws as `fs` does. */
  frames(): Iterable<JournalFrame>;
  /** What stands behind them: of a frame that a kill cut short, or damage. To be asked after `frames`. Throws as `fs` does. */
  tail(): Tail;
  /** Why nothing of it can be read; null where it can. */
  readonly fault: string | null;
  close(): void;
}

/** The usage journals of one or more folders. */
export interface JournalSource {
  /** The ledger's names of all of them. Throws AccountsError `refused` where a folder cannot be listed. */
  ids(): string[];
  /** One after the other, without those of `skipped`; each is closed by who asked. */
  segments(skipped?: ReadonlySet<string>): Iterable<JournalSegment>;
  /** Milliseconds for which segments stay after all of them was applied: what was written since is all there. */
  keepMs: number;
}
