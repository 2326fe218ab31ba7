import type { Events } from '../../events/index.ts';
import type { HealthMonitor } from '../../upstream/index.ts';
import type { DataPlane } from '../data-plane.ts';
import type { LimitsKeeper } from '../limits-keeper.ts';
import type { Logger } from '../logs.ts';
import type { PolicyKeeper } from '../policy-keeper.ts';
import type { StoreKeeper } from '../store/store-keeper.ts';
import { type AlertKeeper, createAlertKeeper } from './alert-keeper.ts';

/** The alerts of a running gateway: what they look at is what is there. */
export function createGatewayAlerts(parts: {
  events: Events;
  dataPlane: Pick<DataPlane, 'figures'>;
  health: Pick<HealthMonitor, 'state'>;
  policy: Pick<PolicyKeeper, 'quotas'>;
  limits: Pick<LimitsKeeper, 'buckets'>;
  store: Pick<StoreKeeper, 'facts' | 'operations'> | null;
  logger: Logger;
}): AlertKeeper {
  const { events, dataPlane, health, policy, limits, store, logger } = parts;
  return createAlertKeeper({
    ...{ events, logger, figures: dataPlane.figures, quotas: policy.quotas, buckets: limits.buckets },
    health: health.state,
    usageWaitsSinceMs: () => store?.facts().journals.behindSinceMs ?? null,
    forecast:
      store === null
        ? null
        : async (user) => {
            const forecast = await store.operations.run('invoices.forecast', { user });
            return (forecast as { amount: number }).amount;
          },
    now: () => performance.now(),
    wallMs: Date.now,
  });
}
