import { outcomes } from '../chain.ts';
import type { Chain } from '../chain.ts';
import { openLeaseState } from '../leases/lease-state.ts';
import { layout } from '../memory.ts';
import type { LeaseMemory } from '../memory.ts';
import type { QuotaTable } from './quota.ts';
import { HELD_PART } from './shared-quota.ts';

const { ceilingAt, quotaDry, quotaLeaseNumbers, quotaLowAt } = layout;
const { burst, cold, quota: usedUp } = outcomes;

/** Quotas of a chain up to what this instance holds of them. Callers hold the chain's locks. */
export interface QuotaLeases {
  /**
   * The chain's outcome, after `outcome` of its links. Fills in its quotas' results. `sharing`: what has no lease is decided by this
   * instance's share of what is left beyond the ceiling.
   */
  decide(chain: Chain, outcome: number, sharing: boolean): number;
  /** Counts what was decided, and marks what runs low. */
  commit(chain: Chain): void;
}

/**
 * The ceiling of a slot is what all have used and this instance knows of, and what it holds beyond that. It is of the period that the slot
 * holds.
 */
export function createQuotaLeases(quotas: QuotaTable, leases: LeaseMemory): QuotaLeases {
  const numbers = new Float64Array(leases.quotas);
  const state = openLeaseState(leases);

  /**
   * Calls that an answer is late for use so much beyond the ceiling, which is reported as it comes: no more than may be held, and nothing where
   * the others may hold all that is left.
   */
  function late(limit: number, ceiling: number): number {
    const left = limit - ceiling;
    if (left * HELD_PART <= 2 * limit) return 0;
    return Math.min(Math.floor(left / state.instances), Math.ceil(limit / (HELD_PART * state.instances)));
  }

  return {
    decide(chain, outcome, sharing) {
      let failing = -1;
      let coldQuotas = 0;
      for (let at = 0; at < chain.quotas; at++) {
        const slot = chain.quotaSlot[at]!;
        if (slot >= quotas.slots) throw new RangeError(`there is no quota slot ${slot}`);
        const limit = chain.quotaLimit[at]!;
        const period = quotas.countedIn(slot, chain.quotaPeriod[at]!);
        const used = quotas.used(slot, period);
        chain.quotaPeriod[at] = period;
        chain.quotaUsed[at] = used;
        const next = used + chain.quotaCost[at]!;
        const lease = slot * quotaLeaseNumbers;
        // What was granted, or refused, is of the period that the slot holds.
        const isHeld = quotas.storedPeriod(slot) === period;
        const ceiling = isHeld ? numbers[lease + ceilingAt]! : 0;
        if (next <= limit && next <= ceiling) continue;
        if (next > limit || (isHeld && numbers[lease + quotaLowAt] === quotaDry))
          failing = failing < 0 ? at : failing;
        else if (!sharing) coldQuotas |= 1 << at;
        else {
          const most =
            ceiling + (state.away ? Math.ceil((limit - ceiling) / state.instances) : late(limit, ceiling));
          if (next > most) failing = failing < 0 ? at : failing;
        }
      }
      if (outcome === cold) chain.coldQuotas = coldQuotas;
      if (outcome > burst) return outcome;
      if (failing >= 0) {
        chain.failingQuota = failing;
        return usedUp;
      }
      chain.coldQuotas = coldQuotas;
      if (coldQuotas !== 0) return cold;
      for (let at = 0; at < chain.quotas; at++) chain.quotaUsed[at]! += chain.quotaCost[at]!;
      return outcome;
    },
    commit(chain) {
      for (let at = 0; at < chain.quotas; at++) {
        const slot = chain.quotaSlot[at]!;
        const used = chain.quotaUsed[at]!;
        const period = chain.quotaPeriod[at]!;
        const low = slot * quotaLeaseNumbers + quotaLowAt;
        if (quotas.storedPeriod(slot) !== period)
          numbers[slot * quotaLeaseNumbers + ceilingAt] = numbers[low] = 0;
        quotas.write(slot, period, used);
        if (numbers[low] === quotaDry || used < numbers[low]!) continue;
        // Said once; the next grant sets it anew.
        numbers[low] = Number.POSITIVE_INFINITY;
        chain.lowQuotas |= 1 << at;
      }
    },
  };
}
