import type { Entry } from './piece.ts';
import { type Counts, countNames, type Subject } from './tally.ts';

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
export function* differencesOf(entries: Iterable<Entry>): Iterable<Difference> {
  for (const { subject, journal, pending, ledger } of entries) {
    for (const count of countNames) {
      const sides = { journal: journal[count], pending: pending[count], ledger: ledger[count] };
      if (sides.journal - sides.pending === sides.ledger) continue;
      yield { ...subject, count, ...sides, cause: causeOf(sides) };
    }
  }
}

export function agrees(entries: Iterable<Entry>): boolean {
  for (const _ of differencesOf(entries)) return false;
  return true;
}

function causeOf({ journal, pending, ledger }: { journal: number; pending: number; ledger: number }): string {
  if (ledger < journal - pending)
    return 'the ledger lacks what its offsets say it took in: it was changed by hand, restored from a back-up, or its minutes are past their retention';
  return journal === 0
    ? 'no journal here has it: another instance wrote it (name its folder with --journal), segments were deleted, or a row was added by hand'
    : 'the ledger has more than the journals here: another instance wrote it too (name its folder with --journal), segments were deleted, or it was changed by hand';
}
