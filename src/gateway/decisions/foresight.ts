import { type Buckets, Chain, type LeaseState, outcomes } from '../../limits/index.ts';
import type { Call } from '../call.ts';
import { unload } from '../limit/limit.ts';
import { loadChain } from '../limit/limit-chain.ts';
import { createQuotaLinks } from '../limit/limit-quotas.ts';

/** What the limit stage would say to a call, for a dry run. Takes nothing, and does not end the call. */
export interface Foresight {
  /** What this instance has no lease of is decided by its share: nothing is asked of others. */
  foresee(call: Call): void;
}

/** @param state null: no other instance has the buckets */
export function createForesight(options: {
  buckets: Pick<Buckets, 'peek'>;
  state: LeaseState | null;
  epochMs: () => number;
}): Foresight {
  const { buckets, state } = options;
  const chain = new Chain();
  const quotas = createQuotaLinks(options.epochMs);
  return {
    foresee(call) {
      loadChain(chain, call, call.plan!.links, quotas);
      buckets.peek(chain, call.startedAt);
      if (state !== null) {
        const share = state.away ? -1 : chain.cold;
        call.sharing = { instances: state.instances, exact: 0, share, unasked: 0 };
        chain.sharing = true;
        buckets.peek(chain, call.startedAt);
      }
      unload(call, chain, true);
      if (chain.outcome === outcomes.exceeded) {
        call.refusal = 'rate_limited';
        call.retryAfterMs = chain.retryAfterMs;
      } else if (chain.outcome === outcomes.quota) call.refusal = 'quota_exhausted';
    },
  };
}
