import type { QuotaPolicy } from '../../config/index.ts';
import { type Chain, type QuotaPeriod, quotaPeriod } from '../../limits/index.ts';
import type { RefusalDetail } from '../../jsonrpc/index.ts';
import type { Call } from '../call.ts';
import type { Caller } from '../caller.ts';
import type { QuotaReading } from '../decisions/decision-source.ts';

/** The quotas of one call or event: its key's, and that of the key's user. */
export type QuotaReadings = Pick<Call, 'quota' | 'userQuota'>;

/** Puts quotas into a chain, and reads what became of them. */
export interface QuotaLinks {
  key(chain: Chain, caller: Caller, quota: QuotaPolicy | null, cost: number): QuotaReading | null;
  /** After the key's: in this order the chain's results are read. */
  user(chain: Chain, caller: Caller, quota: QuotaPolicy | null, cost: number): QuotaReading | null;
}

export function createQuotaLinks(epochMs: () => number): QuotaLinks {
  const periods = createPeriods(epochMs);

  function add(
    chain: Chain,
    of: QuotaReading['of'],
    quota: QuotaPolicy,
    slot: number,
    cost: number,
  ): QuotaReading {
    const { unit, limit } = quota;
    const { id: periodId, resetsAtMs } = periods[quota.period]();
    const charge = unit === 'requests' ? 1 : cost;
    chain.quota(slot, periodId, limit, charge);
    return {
      of,
      unit,
      limit,
      used: 0,
      period: quota.period,
      resetsAtMs,
      slot,
      periodId,
      cost: charge,
      refused: false,
    };
  }

  return {
    key: (chain, { keyNumber }, quota, cost) => quota && add(chain, 'key', quota, keyNumber, cost),
    user: (chain, { userSlot }, quota, cost) =>
      userSlot < 0 ? null : quota && add(chain, 'user', quota, userSlot, cost),
  };
}

/** What was used, and the period that counts: another worker may have seen midnight already. */
export function readQuotas(chain: Chain, { quota, userQuota }: QuotaReadings): void {
  if (quota !== null) readQuota(chain, quota, 0);
  if (userQuota !== null) readQuota(chain, userQuota, chain.quotas - 1);
}

function readQuota(chain: Chain, quota: QuotaReading, at: number): void {
  quota.used = chain.quotaUsed[at]!;
  quota.periodId = chain.quotaPeriod[at]!;
}

/** The quota that refused; the key's was added first. */
export function failingOf(chain: Chain, { quota, userQuota }: QuotaReadings): QuotaReading {
  return (chain.failingQuota === 0 ? (quota ?? userQuota) : userQuota)!;
}

/** `policy` names the quota as that of a limit's refusal names the limit. */
export function quotaData({ of, limit, used, resetsAtMs }: QuotaReading): RefusalDetail['data'] {
  return { policy: `quota:${of}`, quota: limit, used, resetsAt: new Date(resetsAtMs).toISOString() };
}

/** The quota periods that now lies in, found anew only when they end. */
function createPeriods(epochMs: () => number): Record<'day' | 'month', () => QuotaPeriod> {
  const current = (kind: 'day' | 'month'): (() => QuotaPeriod) => {
    let period: QuotaPeriod = { id: 0, resetsAtMs: 0 };
    return () => {
      const now = epochMs();
      if (now >= period.resetsAtMs) period = quotaPeriod(kind, now);
      return period;
    };
  };
  return { day: current('day'), month: current('month') };
}
