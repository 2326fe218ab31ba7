import type { Config } from '../../config/index.ts';
import { createQuotaCeilings, openLeaseState } from '../../limits/index.ts';
import { createQuotaStore } from '../../redis/index.ts';
import type { LimitsKeeper } from '../limits-keeper.ts';
import type { PolicyKeeper } from '../policy-keeper.ts';
import type { LedgerSums } from '../store/quota-keeper.ts';
import { createQuotaLeases, type QuotaLeases } from './quota-leases.ts';
import type { RedisKeeper } from './redis-keeper.ts';
import { createSharedSlots } from './shared-slots.ts';

/** Quotas that other instances count as well, on main. */
export interface QuotaSharing {
  leases: QuotaLeases;
  /** As the ledger's side may change them. */
  slots: ReturnType<typeof createSharedSlots>;
}

export interface QuotaSharingOptions {
  config: Pick<Config, 'store'>;
  limits: LimitsKeeper;
  policy: Pick<PolicyKeeper, 'quotaOwnerOf'>;
  redis: Pick<RedisKeeper, 'link' | 'settings' | 'id'>;
  /** Of this run of this instance. */
  run: string;
  /** See `QuotaKeeper`; undefined: there is no ledger. */
  ledgerOf(name: string, periodId: number): LedgerSums | undefined;
  wallMs(): number;
}

/**
 * After an outage of Redis each instance reports what it let through by its share. What of it is in a ledger that all have would count
 * twice where the ledger came first: for so long after it nothing is said of the ledger. Milliseconds.
 */
const LEDGER_WAITS_MS = 5000;

export function createQuotaSharing(options: QuotaSharingOptions): QuotaSharing {
  const { config, limits, policy, run, wallMs } = options;
  const { link, settings, id: home } = options.redis;
  const { guard, client } = link;
  const ceilings = createQuotaCeilings(limits.memory);
  const { leases: memory } = limits.memory;
  if (ceilings === null || memory === null) throw new Error('these limits are not shared');

  let hereSinceMs = Number.NEGATIVE_INFINITY;
  guard.onChange(({ away }) => {
    if (!away) hereSinceMs = performance.now();
  });
  const ledgerOf = (name: string | undefined, periodId: number): LedgerSums =>
    (name !== undefined && options.ledgerOf(name, periodId)) || { total: 0, elsewhere: 0 };
  const oneLedger = config.store.kind === 'postgres';
  const state = openLeaseState(memory);
  const leases = createQuotaLeases({
    ...{ ceilings, state, wallMs },
    store: createQuotaStore({
      client: () => (guard.isOpen() ? null : client),
      prefix: settings.prefix,
      ...{ succeeded: guard.succeeded, failed: guard.failed },
    }),
    ownerOf: policy.quotaOwnerOf,
    instance: `${home}/${run}`,
    ledger: oneLedger ? 'store' : home,
    ledgerOf: ({ name }, periodId) =>
      oneLedger && performance.now() - hereSinceMs < LEDGER_WAITS_MS ? null : ledgerOf(name, periodId),
    monotonicMs: () => performance.now(),
  });
  const slots = createSharedSlots({
    ...{ buckets: limits.buckets, leases, state, oneLedger },
    ledgerSum: (slot, periodId) => ledgerOf(policy.quotaOwnerOf(slot)?.name, periodId).total,
  });
  return { leases, slots };
}
