import type { RetryPolicy } from '../../config/index.ts';

/**
 * Milliseconds before the n-th try on a node that was tried before, `n` from 1: exponential, with full jitter ("Exponential
 * Backoff and Jitter", AWS Architecture Blog, 2015). Anything in [0, min(`backoffMaxMs`, `backoffMs` × 2^(n-1))].
 */
export function backoffMs(n: number, policy: RetryPolicy, random: () => number): number {
  return random() * Math.min(policy.backoffMaxMs, policy.backoffMs * 2 ** Math.min(n - 1, 30));
}
