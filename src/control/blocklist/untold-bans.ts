import type { BanRecord } from '../../admission/index.ts';

/**
 * What became of a change that was told: `ours`: it is so by this instance's word. `theirs`: by another's, which holds here too by now. `away`: nobody
 * could be told yet.
 */
export type Decision = 'ours' | 'theirs' | 'away';
export type Decided = (decision: Decision) => void;

/** A change that the other instances have not been told of. */
export interface UntoldBan {
  record: BanRecord;
  unlessStanding: boolean;
  /** Who told waits for the word of the others, however long it takes. */
  patient: boolean;
  /** Hears once what became of it. */
  decided: Decided | undefined;
}

/** Changes on their way to the other instances, in their order; of one prefix the last at least. */
export interface UntoldBans {
  add(change: UntoldBan): void;
  has(prefix: string): boolean;
  /** The next few, which stay untold until {@link told} or {@link putBack}. */
  take(most: number): UntoldBan[];
  told(batch: readonly UntoldBan[]): void;
  /** They could not be told. Only the last of a prefix is kept; who told of others, and is overtaken, hears `away`. */
  putBack(batch: readonly UntoldBan[]): void;
  /** Whoever is not patient hears `away`, and the change goes on waiting. */
  waitNoLonger(): void;
  /** Nothing is told any more: all hear `away`, and so do those that come. */
  giveUp(): void;
}

/** @param most that wait; beyond, the oldest are given up */
export function createUntoldBans(most: number): UntoldBans {
  let waiting: UntoldBan[] = [];
  /** How many of a prefix there are, those under way included. */
  const counts = new Map<string, number>();
  /** Who waits for a moment only, of changes under way, too. */
  let impatient = 0;
  let ended = false;

  const count = (changes: readonly UntoldBan[], by: number): void => {
    for (const { record } of changes) {
      const left = (counts.get(record.prefix) ?? 0) + by;
      if (left > 0) counts.set(record.prefix, left);
      else counts.delete(record.prefix);
    }
  };
  const waits = ({ patient, decided }: UntoldBan): boolean => !patient && decided !== undefined;
  const letGo = (change: UntoldBan): void => {
    const { decided } = change;
    if (waits(change)) impatient -= 1;
    change.decided = undefined;
    decided?.('away');
  };

  return {
    add(change) {
      if (waits(change)) impatient += 1;
      if (ended) return letGo(change);
      if (waiting.length >= most) {
        const gone = waiting.splice(0, Math.ceil(most / 100));
        count(gone, -1);
        gone.forEach(letGo);
      }
      waiting.push(change);
      count([change], 1);
    },
    has: (prefix) => counts.has(prefix),
    take: (some) => waiting.splice(0, some),
    told(batch) {
      count(batch, -1);
      impatient -= batch.filter(waits).length;
    },
    putBack(batch) {
      if (ended) return batch.forEach(letGo);
      const newest = new Map<string, UntoldBan>();
      const all = [...batch, ...waiting];
      for (const change of all) {
        const overtaken = newest.get(change.record.prefix);
        if (overtaken !== undefined) {
          count([overtaken], -1);
          letGo(overtaken);
          newest.delete(change.record.prefix);
        }
        newest.set(change.record.prefix, change);
      }
      waiting = [...newest.values()];
    },
    waitNoLonger() {
      if (impatient === 0) return;
      for (const change of waiting) if (!change.patient) letGo(change);
    },
    giveUp() {
      const all = waiting;
      ended = true;
      waiting = [];
      counts.clear();
      all.forEach(letGo);
    },
  };
}
