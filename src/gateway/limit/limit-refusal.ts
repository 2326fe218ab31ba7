import type { Chain } from '../../limits/index.ts';
import type { Call } from '../call.ts';
import { failingOf, quotaData } from './limit-quotas.ts';

/** What one bucket said that had too few. */
export interface LimitRefusal {
  /** Its link in the plan. */
  failing: number;
  /** Tokens in it, fractions allowed. */
  before: number;
  /** Infinity: it never has enough. */
  retryAfterMs: number;
  /** It is its first refusal since a take used its burst. */
  depleted: boolean;
}

export function refuseByLimit(call: Call, { failing, before, retryAfterMs, depleted }: LimitRefusal): void {
  const { refusalData } = call.plan!.links[failing]!;
  call.retryAfterMs = retryAfterMs;
  const remaining = Math.floor(before);
  // A cost above the whole bucket never passes: no time to wait helps.
  const wait = retryAfterMs === Number.POSITIVE_INFINITY ? 'null' : retryAfterMs;
  call.refuse(
    'rate_limited',
    depleted ? 'burst depleted' : null,
    `${refusalData}${remaining},"retryAfterMs":${wait}`,
  );
}

export function refuseByQuota(call: Call, chain: Chain): void {
  const quota = failingOf(chain, call);
  quota.refused = true;
  call.refuse('quota_exhausted', `quota of the ${quota.of}`, quotaData(quota));
}
