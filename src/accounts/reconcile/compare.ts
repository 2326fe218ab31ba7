import { type Counts, countNames, type Subject, subjectName, type Tally } from './tally.ts';

/** One count on which journals and ledger do not agree. */
export interface Difference extends Subject {
  count: keyof Counts;
  journal: number;
  /** Of the journal's, what the ledger has yet to take in. */
  pending: number;
  ledger: number;
  cause: string;
}

/** Where `journal` − `pending` is not `ledger`, for every count that is kept. */
export function compareTallies(journal: Tally, pending: Tally, ledger: Tally): Difference[] {
  const subjects = new Map<string, Subject>();
  for (const tally of [journal, ledger])
    for (const subject of tally.subjects()) subjects.set(subjectName(subject), subject);
  const differences: Difference[] = [];
  for (const subject of subjects.values()) {
    const [inJournal, waiting, inLedger] = [journal, pending, ledger].map((tally) => tally.get(subject)) as [
      Counts,
      Counts,
      Counts,
    ];
    for (const count of countNames) {
      const sides = { journal: inJournal[count], pending: waiting[count], ledger: inLedger[count] };
      if (sides.journal - sides.pending === sides.ledger) continue;
      differences.push({ ...subject, count, ...sides, cause: causeOf(sides) });
    }
  }
  return differences;
}

function causeOf({ journal, pending, ledger }: { journal: number; pending: number; ledger: number }): string {
  if (ledger < journal - pending)
    return 'the ledger lacks what its offsets say it took in: it was changed by hand, restored from a back-up, or its minutes are past their retention';
  return journal === 0
    ? 'no journal here has it: another instance wrote it (name its folder with --journal), segments were deleted, or a row was added by hand'
    : 'the ledger has more than the journals here: another instance wrote it too (name its folder with --journal), segments were deleted, or it was changed by hand';
}

/** Calls by key and method, as a client that counted its answers, or its calls, gives them. */
export interface OutsideCount {
  keyId: string;
  method: string;
  calls: number;
}

/** Where a count from outside and the journals cannot both be true. */
export interface OutsideDifference extends OutsideCount {
  against: 'received' | 'sent';
  journal: number;
  cause: string;
}

/** Answers received ≤ journal ≤ calls sent, by key and method over all networks; refusals count in none of them. */
export function compareOutside(
  journal: Tally,
  { received, sent }: { received: readonly OutsideCount[] | null; sent: readonly OutsideCount[] | null },
): OutsideDifference[] {
  const counted = sumByKeyAndMethod(
    [...journal.subjects()]
      .filter(({ status }) => status !== 'exceeded')
      .map((subject) => ({
        keyId: subject.keyId,
        method: subject.method,
        calls: journal.get(subject).calls,
      })),
  );
  const differences: OutsideDifference[] = [];
  for (const one of received === null ? [] : sumByKeyAndMethod(received).values()) {
    const inJournal = counted.get(nameOf(one))?.calls ?? 0;
    if (one.calls > inJournal)
      differences.push({
        ...one,
        against: 'received',
        journal: inJournal,
        cause: 'answers were received that no journal counts',
      });
  }
  if (sent === null) return differences;
  const sums = sumByKeyAndMethod(sent);
  for (const { keyId, method, calls } of counted.values()) {
    const out = sums.get(nameOf({ keyId, method }))?.calls ?? 0;
    if (calls > out)
      differences.push({
        keyId,
        method,
        calls: out,
        against: 'sent',
        journal: calls,
        cause: 'more is counted than was ever sent',
      });
  }
  return differences;
}

function sumByKeyAndMethod(counts: readonly OutsideCount[]): Map<string, OutsideCount> {
  const sums = new Map<string, OutsideCount>();
  for (const one of counts) {
    const known = sums.get(nameOf(one));
    sums.set(nameOf(one), { ...one, calls: (known?.calls ?? 0) + one.calls });
  }
  return sums;
}

function nameOf({ keyId, method }: { keyId: string; method: string }): string {
  return JSON.stringify([keyId, method]);
}
