import { layout } from '../memory.ts';
import type { LimitsMemory } from '../memory.ts';
import { createQuotaTable } from './quota.ts';
import { createShardLocks } from '../shard-locks.ts';

const { ceilingAt, quotaDry, quotaLeaseNumbers, quotaLowAt } = layout;

export interface QuotaLevel {
  used: number;
  ceiling: number;
}

/** Main's hands on the ceilings. Any may throw LimitsBusyError, and has done nothing then. */
export interface QuotaCeilings {
  /** null: the slot counts for a later period already. */
  read(slot: number, periodId: number): QuotaLevel | null;
  /**
   * What is used is `change` more (others' use), and calls may go up to `ceiling`; `low`: what they ask for more at. False, and nothing was
   * done: the slot counts for a later period already.
   */
  grant(slot: number, periodId: number, change: number, ceiling: number, low: number | 'dry'): boolean;
  /** Ends a refusal of what is above the ceiling: the next such call asks anew. */
  moisten(slot: number, periodId: number): void;
  /** Calls use no more of what was granted. What was used until then; null: as in `read`. */
  close(slot: number, periodId: number): QuotaLevel | null;
  /** Others used so much more, or less, by what the ledger says: what is granted stays as much. Never below 0; returns what it changed. */
  shift(slot: number, periodId: number, change: number): number;
  /** The slot counts for somebody else, or by another unit or period: nothing is granted, and what it has is nobody's to report. */
  clear(slot: number): void;
}

/** For main; null: no other instance has these quotas. */
export function createQuotaCeilings(memory: LimitsMemory): QuotaCeilings | null {
  if (memory.leases === null) return null;
  const locks = createShardLocks(memory, 0);
  const quotas = createQuotaTable(memory);
  const numbers = new Float64Array(memory.leases.quotas);

  const locked = <T>(slot: number, work: () => T): T => locks.locked(slot & 63, work);

  /** Begins the period in the slot where it is new: what is granted is that of the period before. False: it is over. */
  function enter(slot: number, periodId: number): boolean {
    const stored = quotas.storedPeriod(slot);
    if (stored === periodId) return true;
    if (quotas.countedIn(slot, periodId) !== periodId) return false;
    quotas.reset(slot, periodId, 0);
    set(slot, 0, 0);
    return true;
  }

  function set(slot: number, ceiling: number, low: number): void {
    numbers[slot * quotaLeaseNumbers + ceilingAt] = ceiling;
    numbers[slot * quotaLeaseNumbers + quotaLowAt] = low;
  }

  const readingOf = (slot: number, periodId: number): QuotaLevel => ({
    used: quotas.used(slot, periodId),
    ceiling: numbers[slot * quotaLeaseNumbers + ceilingAt]!,
  });

  return {
    read: (slot, periodId) => locked(slot, () => (enter(slot, periodId) ? readingOf(slot, periodId) : null)),
    grant: (slot, periodId, change, ceiling, low) =>
      locked(slot, () => {
        if (!enter(slot, periodId)) return false;
        quotas.reset(slot, periodId, Math.max(0, quotas.used(slot, periodId) + change));
        set(slot, ceiling, low === 'dry' ? quotaDry : Math.max(0, low));
        return true;
      }),
    moisten: (slot, periodId) =>
      locked(slot, () => {
        const lease = slot * quotaLeaseNumbers;
        if (quotas.storedPeriod(slot) === periodId && numbers[lease + quotaLowAt] === quotaDry)
          numbers[lease + quotaLowAt] = numbers[lease + ceilingAt]!;
      }),
    close: (slot, periodId) =>
      locked(slot, () => {
        if (!enter(slot, periodId)) return null;
        const reading = readingOf(slot, periodId);
        if (reading.used < reading.ceiling) set(slot, reading.used, reading.used);
        return reading;
      }),
    shift: (slot, periodId, change) =>
      locked(slot, () => {
        if (!enter(slot, periodId)) return 0;
        const { used, ceiling } = readingOf(slot, periodId);
        const next = Math.max(0, used + change);
        quotas.reset(slot, periodId, next);
        const low = numbers[slot * quotaLeaseNumbers + quotaLowAt]!;
        const lowNext = low === quotaDry ? low : Math.max(0, low + next - used);
        set(slot, Math.max(0, ceiling + next - used), lowNext);
        return next - used;
      }),
    clear: (slot) =>
      locked(slot, () => {
        const used = quotas.used(slot, quotas.storedPeriod(slot));
        set(slot, used, used);
      }),
  };
}
