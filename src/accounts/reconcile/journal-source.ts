import type { UsageRecord } from '../../usage/index.ts';

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
  /** Up to the first that does not check. */
  frames(): Iterable<JournalFrame>;
  /** Bytes behind the frames that are none: of one that a kill cut short, or damage. To be asked after `frames`. */
  torn(): number;
  /** Why nothing of it can be read; null where it can. */
  readonly fault: string | null;
  close(): void;
}

/** The usage journals of one or more folders. */
export interface JournalSource {
  /** The ledger's names of all of them. */
  ids(): string[];
  /** One after the other, without those of `skipped`; each is closed by who asked. */
  segments(skipped?: ReadonlySet<string>): Iterable<JournalSegment>;
  /** Milliseconds for which segments stay after their last write: what is younger is all there. */
  keepMs: number;
}
