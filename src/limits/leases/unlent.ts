import type { BucketTable } from '../buckets/bucket-table.ts';
import { layout } from '../memory.ts';

const { askedMicrosAt, leaseNumbers, refillUnitsAt, restAt, tickMicrosAt, tokenUnitsAt } = layout;

/** What Redis did not lend within the time that a call waits for it, it may have lent in as much again. */
const LENT_MICROS = 50_000;

/** What the shared bucket still has for an instance whose lease is used up. `rule`: where its numbers begin. */
export interface Unlent {
  /** Units that were left where a call was refused as it needed more, and what has been refilled since. 0: there was not one token. */
  units(entry: number, now: number, rule: number): number;
  /**
   * How long until there is more, where nobody has said: what the bucket had is lent with the next answer, what it had not is
   * refilled first.
   */
  micros(missing: number, rest: number, rule: number): number;
}

export function createUnlent({ ruleNumbers: rules }: BucketTable, entryLeases: Float64Array): Unlent {
  return {
    units(entry, now, rule) {
      const lease = entry * leaseNumbers;
      const rest = entryLeases[lease + restAt]!;
      if (rest < rules[rule + tokenUnitsAt]!) return 0;
      const ticks = Math.max(0, now - entryLeases[lease + askedMicrosAt]!) / rules[rule + tickMicrosAt]!;
      return rest + ticks * rules[rule + refillUnitsAt]!;
    },
    micros(missing, rest, rule) {
      const microsAUnit = rules[rule + tickMicrosAt]! / rules[rule + refillUnitsAt]!;
      const soon = Math.min(LENT_MICROS, rules[rule + tokenUnitsAt]! * microsAUnit);
      return Math.max(soon, (missing - rest) * microsAUnit);
    },
  };
}
