import type { Buckets, LeaseState } from '../../limits/index.ts';
import type { QuotaLeases } from './quota-leases.ts';

type Slots = Pick<Buckets, 'readQuota' | 'writeQuota' | 'adjustQuota'>;

/**
 * The slots as the ledger's side may change them where they are shared over Redis: what others used comes from there, while it answers, and the
 * ledger only raises what Redis does not know of. While it is away the ledger says what others used, as without it.
 */
export function createSharedSlots(parts: {
  buckets: Slots;
  leases: Pick<QuotaLeases, 'usedElsewhere'>;
  state: Pick<LeaseState, 'away'>;
  /** All instances have one ledger; else each knows of its own use alone. */
  oneLedger: boolean;
  /** Used in the period, by what the ledger said last. */
  ledgerSum(slot: number, periodId: number): number;
}): Slots {
  const { buckets, leases, state } = parts;
  const raise = (slot: number, periodId: number, to: number): void => {
    const lacking = to - buckets.readQuota(slot, periodId);
    if (lacking > 0) leases.usedElsewhere(slot, periodId, lacking);
  };
  return {
    readQuota: buckets.readQuota,
    writeQuota(slot, periodId, used) {
      // Another unit: nothing is counted yet.
      if (used === 0) buckets.writeQuota(slot, periodId, 0);
      else raise(slot, periodId, used);
    },
    adjustQuota(slot, periodId, change) {
      // A ledger of its own lacks what others used, which the slot may know.
      if (state.away && (parts.oneLedger || change > 0)) leases.usedElsewhere(slot, periodId, change);
      else raise(slot, periodId, parts.ledgerSum(slot, periodId));
    },
  };
}
