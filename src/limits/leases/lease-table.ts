import type { BucketTable } from '../buckets/bucket-table.ts';
import { layout } from '../memory.ts';
import type { LeaseMemory, LimitsMemory } from '../memory.ts';
import { createShareDebts } from './share-debts.ts';

const {
  asked,
  askedMicrosAt,
  dryUntilAt,
  entryNumbers,
  entryWords,
  inBurst,
  lastAt,
  leaseNumbers,
  levelAt,
  lowAt,
  owing,
  restAt,
  ruleNumbers,
  ruleWords,
  stateAt,
  tickMicrosAt,
  versionAt,
  versionIndexMask,
  wanted,
} = layout;

/** Where a bucket stands in the table, as its chain's link says. */
export interface LeasePlace {
  tagLo: number;
  tagHi: number;
  version: number;
}

/** What came of an ask, in units of the bucket's shape and monotonic microseconds. */
export interface Grant {
  units: number;
  /** When it was asked for: what was out of the lease then does not come back to it. */
  askedMicros: number;
  /** The lease ends here, with what was left of the one before. */
  untilMicros: number;
  /** Left in the shared bucket. */
  rest: number;
  /** Until when there is surely no more; 0: there is. */
  dryUntilMicros: number;
  /** Below so much more is asked for. */
  low: number;
}

export interface LeaseReading {
  /** What is left of the lease; 0 without one. */
  units: number;
  /** A lease holds. */
  held: boolean;
  /** Somebody was refused since the last grant. */
  wanted: boolean;
}

/** Main's hands on the leases in the shared table. Each may throw LimitsBusyError, as all that main does there. */
export interface LeaseTable {
  read(place: LeasePlace, nowMicros: number): LeaseReading;
  /**
   * The units left, to be told in an ask: what is out of the lease now does not come back to it any more. Below 0: what this instance's share
   * gave beyond what was lent, which the next grant pays for.
   */
  account(place: LeasePlace, nowMicros: number): number;
  /** Adds to the lease, or makes one: whatever was there without one (a share) is forgotten. */
  grant(place: LeasePlace, grant: Grant, nowMicros: number): void;
  /** No more will come for now: the next call that finds it low says so again. */
  unanswered(place: LeasePlace): void;
  /** There is no lease to be had of it, to pay for what its share gave: that goes on as it refills. */
  forgive(place: LeasePlace): void;
  /** Takes what is left out of the table: the bucket is cold. Returns the units. */
  reclaim(place: LeasePlace, nowMicros: number): number;
}

export function createLeaseTable(parts: {
  memory: LimitsMemory;
  leases: LeaseMemory;
  table: BucketTable;
  locked<T>(shard: number, work: () => T): T;
}): LeaseTable {
  const { table, locked } = parts;
  const { words, numbers, ruleWords: rules, ruleNumbers: ruleValues } = table;
  const entryLeases = new Float64Array(parts.leases.entries);
  const debts = createShareDebts(table, parts.leases);
  const nothingKept = new Int32Array(0);

  /** −1: the version is no longer known. */
  function tickMicrosOf(version: number): number {
    const index = version & versionIndexMask;
    return rules[index * ruleWords] === version ? ruleValues[index * ruleNumbers + tickMicrosAt]! : -1;
  }

  /** The entry of the place, of this version; −1: there is none. */
  function find({ tagLo, tagHi, version }: LeasePlace): number {
    const entry = table.find(tagLo, tagHi);
    return entry >= 0 && words[entry * entryWords + versionAt] === version ? entry : -1;
  }

  function isHeld(entry: number, version: number, nowMicros: number): boolean {
    // What owes is a share, also one that a worker wrote after our clock was read.
    if ((words[entry * entryWords + stateAt]! & owing) !== 0) return false;
    const tickMicros = tickMicrosOf(version);
    return tickMicros > 0 && numbers[entry * entryNumbers + lastAt]! > Math.floor(nowMicros / tickMicros);
  }

  function insert({ tagLo, tagHi, version }: LeasePlace, nowMicros: number): number {
    const found = table.find(tagLo, tagHi);
    if (found < 0) {
      const bucket = { tagLo, tagHi, version, level: 0, last: 0, state: 0 };
      return table.insert(bucket, nowMicros, nothingKept, 0);
    }
    // Another version's: what it held goes back by its own place.
    numbers[found * entryNumbers + levelAt] = 0;
    words[found * entryWords + stateAt] = 0;
    words[found * entryWords + versionAt] = version;
    return found;
  }

  return {
    read: (place, nowMicros) =>
      locked(place.tagHi >>> 26, () => {
        const entry = find(place);
        if (entry < 0 || !isHeld(entry, place.version, nowMicros))
          return { units: 0, held: false, wanted: false };
        return {
          units: Math.max(0, numbers[entry * entryNumbers + levelAt]!),
          held: true,
          wanted: (words[entry * entryWords + stateAt]! & wanted) !== 0,
        };
      }),
    account: (place, nowMicros) =>
      locked(place.tagHi >>> 26, () => {
        const entry = find(place);
        if (entry < 0) return 0;
        if (!isHeld(entry, place.version, nowMicros)) return -debts.of(entry);
        entryLeases[entry * leaseNumbers + askedMicrosAt] = nowMicros;
        return numbers[entry * entryNumbers + levelAt]!;
      }),
    grant(place, grant, nowMicros) {
      const tickMicros = tickMicrosOf(place.version);
      if (tickMicros < 0) return;
      locked(place.tagHi >>> 26, () => {
        const known = find(place);
        const held = known >= 0 && isHeld(known, place.version, nowMicros);
        const entry = known >= 0 ? known : insert(place, nowMicros);
        const number = entry * entryNumbers;
        const word = entry * entryWords + stateAt;
        const lease = entry * leaseNumbers;
        const owed = held ? 0 : debts.of(entry);
        entryLeases[lease + restAt] = grant.rest;
        entryLeases[lease + dryUntilAt] = grant.dryUntilMicros;
        entryLeases[lease + lowAt] = grant.low;
        entryLeases[lease + askedMicrosAt] = grant.askedMicros;
        // A thread ended in between leaves less than there is.
        numbers[number + levelAt] = held ? numbers[number + levelAt]! + grant.units : -owed;
        numbers[number + lastAt] = Math.floor(grant.untilMicros / tickMicros);
        if (!held) numbers[number + levelAt] = grant.units - owed;
        words[word] = words[word]! & inBurst;
      });
    },
    unanswered: (place) =>
      locked(place.tagHi >>> 26, () => {
        const entry = find(place);
        if (entry >= 0) words[entry * entryWords + stateAt]! &= ~asked;
      }),
    forgive: (place) =>
      locked(place.tagHi >>> 26, () => {
        const entry = find(place);
        if (entry >= 0 && debts.of(entry) > 0) debts.set(entry, 0);
      }),
    reclaim: (place, nowMicros) =>
      locked(place.tagHi >>> 26, () => {
        const entry = find(place);
        if (entry < 0 || !isHeld(entry, place.version, nowMicros)) return 0;
        const number = entry * entryNumbers;
        const units = numbers[number + levelAt]!;
        numbers[number + levelAt] = 0;
        numbers[number + lastAt] = Math.floor(nowMicros / tickMicrosOf(place.version));
        words[entry * entryWords + stateAt] = 0;
        debts.set(entry, Math.max(0, -units));
        return Math.max(0, units);
      }),
  };
}
