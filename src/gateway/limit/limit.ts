import { type Buckets, Chain, outcomes } from '../../limits/index.ts';
import type { Call } from '../call.ts';
import type { QuotaReading } from '../decisions/decision-source.ts';
import { loadChain } from './limit-chain.ts';
import { createQuotaLinks, readQuotas } from './limit-quotas.ts';
import { refuseByLimit, refuseByQuota } from './limit-refusal.ts';
import { createSideTakes, type SideTakes } from './side-takes.ts';

export interface LimitStage extends SideTakes {
  /** Takes from all of the call's buckets and its quotas, or refuses it and takes nothing. */
  limit(call: Call): boolean;
  /** Gives back what the quotas hold for a call that came to nothing. Once: a call that holds nothing is left alone. */
  refund(call: Call): void;
}

/** The stage of one thread: its chain is reused for every call. */
export function createLimitStage(options: {
  buckets: Buckets;
  epochMs: () => number;
  /** Monotonic microseconds. */
  now: () => number;
}): LimitStage {
  const { buckets } = options;
  const chain = new Chain();
  const quotas = createQuotaLinks(options.epochMs);
  return {
    limit(call) {
      loadChain(chain, call, call.plan!.links, quotas);
      if (chain.links === 0 && chain.quotas === 0) return true;
      // The exchange's own start: another look at the clock would cost 50 ns.
      buckets.take(chain, call.startedAt);
      return conclude(call, chain);
    },
    ...createSideTakes({ quotas, take: (taken) => buckets.take(taken, options.now()) }),
    refund: (call) => refund(buckets, call),
  };
}

/** A call whose chain holds all of its plan's links was decided: true, or it is refused. */
export function conclude(call: Call, chain: Chain): boolean {
  unload(call, chain, call.sampled !== 0);
  if (chain.outcome < outcomes.exceeded) {
    call.charged = chain.quotas !== 0;
    return true;
  }
  if (chain.outcome === outcomes.quota) refuseByQuota(call, chain);
  else {
    const { failing, retryAfterMs, depleted } = chain;
    refuseByLimit(call, { failing, before: chain.before[failing]!, retryAfterMs, depleted });
  }
  return false;
}

/** What came of a call that took, or would take. `keep`: its buckets are to be shown, also where they let it pass. */
export function unload(call: Call, chain: Chain, keep: boolean): void {
  call.outcome = chain.outcome;
  if (call.plan!.rule !== null) call.remaining = chain.after[0]!;
  if (chain.quotas !== 0) readQuotas(chain, call);
  if (chain.outcome >= outcomes.exceeded) {
    // The call ends now, before the chain serves another: nothing needs to be copied.
    call.reading = chain;
    return;
  }
  if (!keep && chain.shadowRefused === 0) return;
  call.reading = {
    links: chain.links,
    before: chain.before.slice(0, chain.links),
    after: chain.after.slice(0, chain.links),
    refused: chain.refused,
    shadowRefused: chain.shadowRefused,
  };
}

/** See {@link LimitStage.refund}. */
export function refund(buckets: Pick<Buckets, 'refundQuota'>, call: Call): void {
  if (!call.charged) return;
  call.charged = false;
  if (call.quota !== null) giveBack(buckets, call.quota);
  if (call.userQuota !== null) giveBack(buckets, call.userQuota);
}

function giveBack(buckets: Pick<Buckets, 'refundQuota'>, { slot, periodId, cost }: QuotaReading): void {
  buckets.refundQuota(slot, periodId, cost);
}
