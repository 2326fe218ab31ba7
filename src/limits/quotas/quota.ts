import { layout } from '../memory.ts';
import type { LimitsMemory } from '../memory.ts';

const { quotaNumbers, quotaWords, usedAt } = layout;

export interface QuotaPeriod {
  /** Grows with time; the low bit tells days (0) from months (1). */
  id: number;
  /** Epoch milliseconds, UTC. */
  resetsAtMs: number;
}

const dayMs = 86_400_000;

/** The UTC day or calendar month that `wallMs` (epoch) lies in. */
export function quotaPeriod(period: 'day' | 'month', wallMs: number): QuotaPeriod {
  if (period === 'day') {
    const day = Math.floor(wallMs / dayMs);
    return { id: day * 2, resetsAtMs: (day + 1) * dayMs };
  }
  const date = new Date(wallMs);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  return { id: (year * 12 + month) * 2 + 1, resetsAtMs: Date.UTC(year, month + 1, 1) };
}

/** Quota slots in shared memory. Callers hold the lock of shard `slot & 63`. */
export interface QuotaTable {
  readonly slots: number;
  /** The period that a call of `period` counts in: the same, or the later one that the slot holds. */
  countedIn(slot: number, period: number): number;
  /** Used in the period that a call of `period` counts in. */
  used(slot: number, period: number): number;
  write(slot: number, period: number, used: number): void;
  /** Sets count and period, whatever they were. */
  reset(slot: number, period: number, used: number): void;
  storedPeriod(slot: number): number;
}

/**
 * A call that names an earlier period than the slot holds (a thread that has not seen midnight yet, a wall clock
 * set back) counts in the held one: a clock that goes back refills no quota. Another kind of period starts at 0.
 */
export function createQuotaTable(memory: LimitsMemory): QuotaTable {
  const words = new Uint32Array(memory.quotas);
  const numbers = new Float64Array(memory.quotas);

  function countsInStored(slot: number, period: number): boolean {
    const stored = words[slot * quotaWords]!;
    return stored === period || (stored > period && ((stored ^ period) & 1) === 0);
  }

  return {
    slots: words.length / quotaWords,
    countedIn: (slot, period) => (countsInStored(slot, period) ? words[slot * quotaWords]! : period),
    used: (slot, period) => (countsInStored(slot, period) ? numbers[slot * quotaNumbers + usedAt]! : 0),
    write(slot, period, used) {
      // The count first: a thread ended in between leaves a count that the next period discards anyway.
      numbers[slot * quotaNumbers + usedAt] = used;
      if (!countsInStored(slot, period)) words[slot * quotaWords] = period;
    },
    reset(slot, period, used) {
      numbers[slot * quotaNumbers + usedAt] = used;
      words[slot * quotaWords] = period;
    },
    storedPeriod: (slot) => words[slot * quotaWords]!,
  };
}
