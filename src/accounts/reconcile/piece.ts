import type { UsageLine } from '../../store/index.ts';
import type { UsageRecord } from '../../usage/index.ts';
import {
  addCounts,
  compareSubjects,
  type Counts,
  countsOfRecord,
  noCounts,
  ofLine,
  type Subject,
  subjectName,
  subjectOfRecord,
} from './tally.ts';

/** What both sides say of a subject. */
export interface Entry {
  subject: Subject;
  journal: Counts;
  /** Of the journal's, what the ledger has yet to take in. */
  pending: Counts;
  ledger: Counts;
}

/** Subjects that follow each other in the ledger's order: what is compared at a time. */
export interface Piece {
  /** The last that it may have; null: there is no other piece. It comes down where the journals have too many. */
  readonly upTo: Subject | null;
  readonly entries: Iterable<Entry>;
  /** A record of a journal, of whatever subject. */
  take(record: UsageRecord, pending: boolean): void;
}

/**
 * The piece that begins after `after`, null for the first, with these lines of the ledger and at most `max` subjects. `whole`: there
 * are no further lines.
 */
export function createPiece(
  after: Subject | null,
  lines: readonly UsageLine[],
  whole: boolean,
  max: number,
): Piece {
  const entries = new Map<string, Entry>();
  let upTo: Subject | null = null;

  function entryOf(subject: Subject): Entry {
    const name = subjectName(subject);
    let entry = entries.get(name);
    if (entry === undefined) {
      entry = { subject, journal: noCounts(), pending: noCounts(), ledger: noCounts() };
      entries.set(name, entry);
    }
    return entry;
  }

  /** Leaves the later half to other pieces. */
  function halve(): void {
    const sorted = [...entries].sort(([, a], [, b]) => compareSubjects(a.subject, b.subject));
    const kept = Math.ceil(sorted.length / 2);
    upTo = sorted[kept - 1]![1].subject;
    for (const [name] of sorted.slice(kept)) entries.delete(name);
  }

  for (const line of lines) {
    const [subject, counts] = ofLine(line);
    entryOf(subject).ledger = counts;
    if (!whole) upTo = subject;
  }

  return {
    get upTo() {
      return upTo;
    },
    entries: { [Symbol.iterator]: () => entries.values() },
    take(record, pending) {
      // Most records of other pieces are of other keys.
      if (after !== null && record.keyId < after.keyId) return;
      if (upTo !== null && record.keyId > upTo.keyId) return;
      const subject = subjectOfRecord(record);
      if (after !== null && compareSubjects(subject, after) <= 0) return;
      if (upTo !== null && compareSubjects(subject, upTo) > 0) return;
      const entry = entryOf(subject);
      const counts = countsOfRecord(record);
      addCounts(entry.journal, counts);
      if (pending) addCounts(entry.pending, counts);
      if (entries.size > max) halve();
    },
  };
}
