import type { BucketTable } from '../buckets/bucket-table.ts';
import { layout } from '../memory.ts';
import type { LeaseMemory } from '../memory.ts';

const { entryWords, leaseNumbers, owing, restAt, stateAt } = layout;

/**
 * What shares gave while leases were to be had: to calls that could not wait for one, or waited in vain. The next lease pays for it, and a
 * share never gives more than it has ahead of that: so such calls pass no limit for longer than it takes to pay. Callers hold the entry's lock.
 */
export interface ShareDebts {
  /** Units; 0 of a lease. */
  of(entry: number): number;
  /** So much in place of what was owed; 0: nothing is. The entry is no lease. */
  set(entry: number, units: number): void;
}

export function createShareDebts({ words }: Pick<BucketTable, 'words'>, leases: LeaseMemory): ShareDebts {
  const numbers = new Float64Array(leases.entries);
  return {
    of: (entry) =>
      (words[entry * entryWords + stateAt]! & owing) === 0 ? 0 : numbers[entry * leaseNumbers + restAt]!,
    set(entry, units) {
      numbers[entry * leaseNumbers + restAt] = units;
      if (units > 0) words[entry * entryWords + stateAt]! |= owing;
      else words[entry * entryWords + stateAt]! &= ~owing;
    },
  };
}
