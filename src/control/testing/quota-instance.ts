import { type QuotaPolicy, storedName } from '../../config/index.ts';
import {
  Chain,
  createBuckets,
  createLimitsMemory,
  createQuotaCeilings,
  openLeaseState,
  outcomes,
  quotaPeriod,
  type QuotaLeaseStore,
  setAway,
  setHere,
} from '../../limits/index.ts';
import { createQuotaLeases } from '../cluster/quota-leases.ts';
import { createSharedSlots } from '../cluster/shared-slots.ts';
import { id } from './quotas.ts';

const SLOT = 3;

/** One instance as far as a quota goes: a worker that takes, and main that holds leases. */
export function startQuotaInstance(options: {
  name: string;
  ledger: string;
  quota: QuotaPolicy;
  instances: number;
  store: QuotaLeaseStore;
  wallMs?: () => number;
}) {
  const { quota, wallMs = Date.now } = options;
  const memory = createLimitsMemory({
    ...{ entries: 1024, quotaSlots: 8, seed: new Uint32Array(4), shared: true },
  });
  const worker = createBuckets(memory, 1);
  const main = createBuckets(memory, 0);
  const state = openLeaseState(memory.leases!);
  new Int32Array(memory.leases!.state)[1] = options.instances;
  const ledger = { sum: 0 };
  const owner = { slot: SLOT, name: storedName(id), quota };
  const leases = createQuotaLeases({
    ceilings: createQuotaCeilings(memory)!,
    store: options.store,
    state,
    ownerOf: (slot) => (slot === SLOT ? owner : undefined),
    ...{ instance: options.name, ledger: options.ledger },
    ledgerOf: () => ({ total: ledger.sum, elsewhere: Math.max(0, ledger.sum - admitted) }),
    wallMs,
    monotonicMs: () => performance.now(),
    timing: { tickMs: 40, reportMs: 80, idleMs: 250, restMs: 500, dryMs: 60, usedUpMs: 300 },
  });
  const slots = createSharedSlots({
    ...{ buckets: main, leases, state },
    oneLedger: options.ledger === 'store',
    ledgerSum: () => ledger.sum,
  });
  const chain = new Chain();
  let admitted = 0;
  const periodId = () => quotaPeriod(quota.period, wallMs()).id;

  function take(cost: number, sharing: boolean): number {
    chain.reset(0);
    chain.sharing = sharing;
    chain.quota(SLOT, periodId(), owner.quota.limit, cost);
    worker.take(chain, 0);
    return chain.outcome;
  }

  const need = (cost: number): Promise<void> =>
    leases.need([{ slot: SLOT, periodId: periodId(), limit: owner.quota.limit, cost }]);

  return {
    leases,
    owner,
    ledger,
    slots,
    periodId,
    get admitted() {
      return admitted;
    },
    used: () => main.readQuota(SLOT, periodId()),
    /** True: let through. */
    async call(cost = 1): Promise<boolean> {
      for (let tries = 0; ; tries += 1) {
        const outcome = take(cost, tries > 200);
        if (outcome === outcomes.quota) return false;
        if (outcome !== outcomes.cold) {
          admitted += cost;
          if (chain.lowQuotas !== 0) void need(cost);
          return true;
        }
        await need(cost);
        if (state.away) return this.callAlone(cost);
      }
    },
    /** A call that may not wait. */
    callAlone(cost = 1): boolean {
      const passed = take(cost, true) !== outcomes.quota;
      if (passed) admitted += cost;
      return passed;
    },
    refund(cost = 1): void {
      worker.refundQuota(SLOT, periodId(), cost);
      admitted -= cost;
    },
    away: () => setAway(memory.leases!, 0),
    here: () => setHere(memory.leases!),
  };
}
