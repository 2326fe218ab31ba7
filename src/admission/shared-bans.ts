import type { Ban } from './ban.ts';

/** A ban as instances tell each other of it: also one that has ended. */
export interface BanRecord extends Omit<Ban, 'simulated'> {
  /** null: it has not. Epoch milliseconds. */
  endedAt: number | null;
}

/**
 * Whether `a` is the later word on its prefix than `b`: the ban that began later; of one ban its end; of two that stand since the same
 * moment the one that was banned more often, then the longer. An order: whoever hears of both, in whatever order, ends with the same.
 */
export function supersedes(a: BanRecord, b: BanRecord): boolean {
  if (a.beganAt !== b.beganAt) return a.beganAt > b.beganAt;
  if (b.endedAt !== null) return false;
  if (a.endedAt !== null) return true;
  if (a.times !== b.times) return a.times > b.times;
  return (a.until ?? Number.POSITIVE_INFINITY) > (b.until ?? Number.POSITIVE_INFINITY);
}

export interface SharedChange {
  record: BanRecord;
  /** Not in place of one that stands and has been banned as often: two instances may see at once what makes a ban. */
  unlessStanding: boolean;
  /** It is forgotten after so long; null: it is kept. Milliseconds, above 0. */
  keepMs: number | null;
}

/** Changes after some place in their log. */
export interface BanPage {
  /** Of this log: another one once what was kept is lost. */
  epoch: string;
  /** Number of the last change there is. */
  last: number;
  /** Where to read on from. */
  next: number;
  more: boolean;
  /** As they are now, each prefix once, in the order in which they changed. */
  records: BanRecord[];
  /** By the clock of whoever keeps them. Epoch milliseconds. */
  nowMs: number;
}

/** Bans of all instances. */
export interface SharedBans {
  /**
   * Makes changes, each where it {@link supersedes} what is there, in their order. For each null where it is so now by this instance's word, also of a
   * call before whose answer was lost; else what stands in its place. Rejects where there is no answer: then it may have been made or not.
   */
  put(changes: readonly SharedChange[]): Promise<(BanRecord | null)[]>;
  /** From the beginning: `after` 0. Some hundred at most. Rejects where there is no answer. */
  read(after: number): Promise<BanPage>;
}
