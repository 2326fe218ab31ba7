import { type Buckets, Chain, type ExactStore, type LeaseState, outcomes } from '../../limits/index.ts';
import type { Turn } from '../../http/index.ts';
import type { Call } from '../call.ts';
import type { CallContext } from '../context.ts';
import { conclude, type LimitStage, refund } from '../limit/limit.ts';
import { loadChain } from '../limit/limit-chain.ts';
import type { PlanLink } from '../limit/limit-plan.ts';
import { createQuotaLinks } from '../limit/limit-quotas.ts';
import type { FromWorker } from '../messages.ts';
import { createSideTakes } from '../limit/side-takes.ts';
import { createExactLimit } from './exact-limit.ts';
import { createExactParts } from './exact-part.ts';
import { createLeaseNeeds } from './lease-needs.ts';
import { createLeaseWait } from './lease-wait.ts';
import { createParking, type Parked } from './parking.ts';
import { createRefusedBuckets } from './refused-buckets.ts';
import { type SharingCounters, type Verdict, verdicts } from './verdict.ts';

/** The limit stage of an instance that shares its buckets with others. A call that it holds back goes on later by itself. */
export interface SharedLimitStage extends LimitStage {
  /** Main has seen to these needs. */
  leased(needs: readonly number[]): void;
  /** Resolves once no call waits. */
  idle(): Promise<void>;
}

/** Bits of all links. */
const ALL = -1;
const noLinks: readonly PlanLink[] = [];

export function createSharedLimitStage(options: {
  buckets: Buckets;
  state: LeaseState;
  exact: ExactStore;
  turn: Pick<Turn, 'defer'>;
  tell: (message: Extract<FromWorker, { type: 'leases' }>) => void;
  /** The rest of the way of a call that waited and has passed. */
  resume: (call: Call) => void;
  /** A call that had waited met a fault of ours. */
  failed: (call: Call, error: unknown) => void;
  counters: SharingCounters;
  epochMs: () => number;
  /** Monotonic microseconds. */
  now: () => number;
  /** Runs something once, after so many milliseconds. */
  later: (ms: number, run: () => void) => void;
  /** Default: what suits a worker. */
  callsMax?: number;
  /** How long a call waits for leases; default 50. */
  waitMs?: number;
}): SharedLimitStage {
  const { buckets, state, turn, counters, now, later, callsMax, waitMs } = options;
  const chain = new Chain();
  const quotas = createQuotaLinks(options.epochMs);
  const parking = createParking({ now, callsMax });
  const parts = createExactParts();
  const needs = createLeaseNeeds({ turn, tell: options.tell, sent: counters.needsSent, now });
  const leases = createLeaseWait({
    ...{ state, needs, parking, now, later, waitMs },
    again: (parked, late) =>
      go(parked, () => decide(parked.call, parked, state.away ? ALL : late ? parked.cold : null, now())),
  });
  const exact = createExactLimit({
    ...{ buckets, store: options.exact, quotas, parking, leases, counters, now },
    refused: createRefusedBuckets(),
    woken: go,
    instances: () => state.instances,
  });
  let idle: (() => void)[] = [];

  /** @param share null: what is cold is waited for; else the share decides it, of these links at least */
  function decide(call: Call, parked: Parked | null, share: number | null, at: number): Verdict {
    const { context } = call;
    const { links, shadows } = call.plan!;
    const part = parts.of(call.plan!, context, state.instances);
    if (part !== null) return exact.decide(call, part, parked, share, at);
    loadChain(chain, call, links, quotas);
    if (chain.links === 0 && chain.quotas === 0) return verdicts.passed;
    chain.sharing = share !== null;
    buckets.take(chain, at);
    if (chain.outcome === outcomes.cold) {
      const { cold } = chain;
      const holder = leases.wait(call, parked, chain, links);
      if (holder === null) return decide(call, parked, cold, at);
      holder.cold = cold;
      return verdicts.cold;
    }
    if (share !== null) counters.byShare();
    leases.askMore(chain, context, links, shadows);
    if (call.sampled !== 0 || chain.outcome >= outcomes.exceeded)
      call.sharing = { instances: state.instances, exact: 0, share: share ?? 0, unasked: 0 };
    return conclude(call, chain) ? verdicts.passed : verdicts.ended;
  }

  /** A call that waited is decided, and goes on. */
  function go(parked: Parked, decided: () => Verdict): void {
    const { call } = parked;
    let waits = true;
    try {
      call.waited = now() - parked.since;
      const verdict = decided();
      if (verdict === verdicts.cold) return;
      leases.leave(parked);
      if (verdict === verdicts.asking) return;
      waits = false;
      end(parked);
      if (verdict === verdicts.passed) options.resume(call);
      call.release();
    } catch (error) {
      leases.leave(parked);
      // Else it would be waited for at the end.
      if (waits) end(parked);
      if (call.answeredAt === 0 && call.attempts === 0) refund(buckets, call);
      options.failed(call, error);
    }
  }

  function end(parked: Parked): void {
    parking.free(parked);
    counters.waited(parked.call.waited);
    if (parking.calls > 0) return;
    for (const resolve of idle) resolve();
    idle = [];
  }

  /** For what cannot wait: by the lease, or by the share at once. */
  function takeNow(
    taken: Chain,
    context: CallContext,
    links: readonly Pick<PlanLink, 'rule' | 'owner'>[],
  ): void {
    const at = now();
    taken.sharing = state.away;
    buckets.take(taken, at);
    if (taken.outcome === outcomes.cold) {
      leases.askCold(taken, context, links);
      taken.sharing = true;
      buckets.take(taken, at);
    }
    if (taken.sharing) counters.byShare();
    leases.askMore(taken, context, links, noLinks);
  }

  return {
    // The exchange's own start: another look at the clock would cost 50 ns.
    limit: (call) => decide(call, null, state.away ? ALL : null, call.startedAt) === verdicts.passed,
    ...createSideTakes({ quotas, take: takeNow }),
    refund: (call) => refund(buckets, call),
    leased: leases.answered,
    idle: () => (parking.calls === 0 ? Promise.resolve() : new Promise((resolve) => idle.push(resolve))),
  };
}
