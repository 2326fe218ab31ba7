import { type Difference, differencesOf } from './compare.ts';
import { compareOutside, type OutsideCount, type OutsideDifference } from './compare-outside.ts';
import type { Piece } from './piece.ts';
import { countNames, type Counts, noCounts } from './tally.ts';

/** So many differences of each kind are told of; more say nothing new, and would not fit into a message. */
const TOLD_MAX = 1000;

export type Totals = Counts & { refused: number };

/** What a comparison has found so far. */
export interface Findings {
  journal: Totals;
  pending: Totals;
  ledger: Totals;
  /** The first of them, and how many there are. */
  differences: Difference[];
  differenceCount: number;
  outsideDifferences: OutsideDifference[];
  outsideDifferenceCount: number;
}

/** Adds up pieces in their order. */
export function createFindings(outside: {
  received: readonly OutsideCount[] | null;
  sent: readonly OutsideCount[] | null;
}): { found: Findings; add(piece: Piece): void } {
  const found: Findings = {
    ...{ journal: noTotals(), pending: noTotals(), ledger: noTotals() },
    ...{ differences: [], differenceCount: 0, outsideDifferences: [], outsideDifferenceCount: 0 },
  };
  const fromOutside = compareOutside(outside);
  return {
    found,
    add({ entries, upTo }) {
      for (const { subject, ...sides } of entries)
        for (const side of ['journal', 'pending', 'ledger'] as const)
          addTo(found[side], sides[side], subject.status);
      for (const one of differencesOf(entries))
        if (++found.differenceCount <= TOLD_MAX) found.differences.push(one);
      fromOutside.take(entries);
      for (const one of fromOutside.settle(upTo === null ? null : upTo.keyId))
        if (++found.outsideDifferenceCount <= TOLD_MAX) found.outsideDifferences.push(one);
    },
  };
}

function noTotals(): Totals {
  return { ...noCounts(), refused: 0 };
}

function addTo(totals: Totals, counted: Counts, status: string): void {
  for (const count of countNames) {
    if (count === 'calls' && status === 'exceeded') totals.refused += counted.calls;
    else totals[count] += counted[count];
  }
}
