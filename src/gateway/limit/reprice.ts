import type { Buckets } from '../../limits/index.ts';
import type { Call } from '../call.ts';
import type { QuotaReading } from '../decisions/decision-source.ts';

/**
 * A call that the shared cache answers costs what one from the worker's own does. That is known only after it was let in: its usage and
 * quotas are corrected; tokens do not come back.
 */
export function createRepricer(buckets: Pick<Buckets, 'refundQuota'>): (call: Call) => void {
  return (call) => {
    const cost = Math.ceil(call.facts!.cost * call.context.policy.snapshot.chargeCached);
    const less = call.cost - cost;
    if (less <= 0) return;
    call.cost = cost;
    call.quota = lower(call, call.quota, less);
    call.userQuota = lower(call, call.userQuota, less);
  };

  function lower({ charged }: Call, quota: QuotaReading | null, less: number): QuotaReading | null {
    if (quota === null || !charged || quota.unit !== 'cost') return quota;
    buckets.refundQuota(quota.slot, quota.periodId, less);
    return { ...quota, cost: quota.cost - less, used: quota.used - less };
  }
}
