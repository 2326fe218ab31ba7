import type { QuotaPolicy, RulePolicy } from '../config/index.ts';
import { type Buckets, Chain, outcomes, type QuotaPeriod, quotaPeriod } from '../limits/index.ts';
import type { Call } from './call.ts';
import type { RefusalDetail } from '../jsonrpc/index.ts';
import type { Caller } from './caller.ts';
import type { CallContext } from './context.ts';
import type { QuotaReading } from './decision-source.ts';
import type { PlanLink } from './limit-plan.ts';
import type { Policy } from './policy.ts';

/** The owner of a bucket that all callers share. */
const everybody = [0x65766572, 0x79626f64] as const;

export interface LimitStage {
  /** Takes from all of the call's buckets and its quota, or refuses it and takes nothing. */
  limit(call: Call): boolean;
  /** The same decision without taking anything or ending the call: for a dry run. */
  foresee(call: Call): void;
  /** Takes what one event of a subscription costs from its caller's quota; what a refusal says of it where it is used up. */
  chargeEvent(context: CallContext, cost: number): RefusalDetail['data'] | null;
  /** Takes one message from the bucket of a rule that counts them; what a refusal says where it is empty. */
  takeMessage(
    context: CallContext,
    rule: RulePolicy,
  ): { data: RefusalDetail['data']; retryAfterMs: number } | null;
  /** Gives back what the quota holds for a call that came to nothing. */
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
  const periods = createPeriods(options.epochMs);

  function load(call: Call): void {
    const { caller, policy, network } = call.context;
    const { links, shadows, quota } = call.plan!;
    const { cost } = call;
    chain.reset(cost);
    for (const link of links) addLink(chain, link, caller, policy, network, false);
    for (const link of shadows) addLink(chain, link, caller, policy, network, true);
    if (quota === null) return;
    const period = periods[quota.period]();
    const quotaCost = quota.unit === 'requests' ? 1 : cost;
    chain.quota(caller.keyNumber, period.id, quota.limit, quotaCost);
    call.quotaSlot = caller.keyNumber;
    call.quotaPeriod = period.id;
    call.quotaCost = quotaCost;
    call.quota = reading(quota, period);
  }

  function unload(call: Call, keep: boolean): void {
    call.outcome = chain.outcome;
    if (call.plan!.rule !== null) call.remaining = chain.after[0]!;
    if (call.quota !== null) call.quota.used = chain.quotaUsed;
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

  return {
    limit(call) {
      load(call);
      if (chain.links === 0 && call.quota === null) return true;
      // The exchange's own start: another look at the clock would cost 50 ns.
      buckets.take(chain, call.startedAt);
      unload(call, call.sampled !== 0);
      // The period it was counted in, which a refund must name: another worker may have seen midnight already.
      if (call.quota !== null) call.quotaPeriod = chain.quotaPeriod;
      if (chain.outcome < outcomes.exceeded) return true;
      call.quotaSlot = -1;
      if (chain.outcome === outcomes.quota) refuseByQuota(call);
      else refuseByLimit(call, chain);
      return false;
    },
    foresee(call) {
      load(call);
      buckets.peek(chain, call.startedAt);
      unload(call, true);
      call.quotaSlot = -1;
      if (chain.outcome === outcomes.exceeded) {
        call.refusal = 'rate_limited';
        call.retryAfterMs = chain.retryAfterMs;
      } else if (chain.outcome === outcomes.quota) call.refusal = 'quota_exhausted';
    },
    chargeEvent({ caller, policy }, cost) {
      const quota = caller.kind === 'key' ? policy.keySet(caller.ruleSet).quota : null;
      if (quota === null) return null;
      const period = periods[quota.period]();
      chain.reset(0);
      chain.quota(caller.keyNumber, period.id, quota.limit, quota.unit === 'requests' ? 1 : cost);
      buckets.take(chain, options.now());
      if (chain.outcome !== outcomes.quota) return null;
      return quotaData({ ...reading(quota, period), used: chain.quotaUsed });
    },
    takeMessage({ caller }, rule) {
      chain.reset(1);
      chain.add(caller.lo, caller.hi, rule.scopeLo, rule.scopeHi, rule.version);
      buckets.take(chain, options.now());
      if (chain.outcome < outcomes.exceeded) return null;
      const { retryAfterMs } = chain;
      const { name: policyName, requests: limit, burst } = rule;
      return { data: { policy: policyName, limit, burst, remaining: 0, retryAfterMs }, retryAfterMs };
    },
    refund(call) {
      if (call.quotaSlot < 0) return;
      buckets.refundQuota(call.quotaSlot, call.quotaPeriod, call.quotaCost);
      call.quotaSlot = -1;
    },
  };
}

function addLink(
  chain: Chain,
  link: PlanLink,
  caller: Caller,
  policy: Policy,
  network: number,
  shadow: boolean,
): void {
  const { rule } = link;
  let lo = caller.lo;
  let hi = caller.hi;
  if (link.owner === 'address') {
    lo = caller.addressLo;
    hi = caller.addressHi;
  } else if (link.owner === 'network') [lo, hi] = policy.networkOwner(network);
  else if (link.owner === 'global') [lo, hi] = everybody;
  if (shadow) chain.addShadow(lo, hi, rule.scopeLo, rule.scopeHi, rule.version);
  else chain.add(lo, hi, rule.scopeLo, rule.scopeHi, rule.version);
}

function refuseByLimit(call: Call, chain: Chain): void {
  const { refusalData } = call.plan!.links[chain.failing]!;
  const { retryAfterMs } = chain;
  call.retryAfterMs = retryAfterMs;
  const remaining = Math.floor(chain.before[chain.failing]!);
  // A cost above the whole bucket never passes: no time to wait helps.
  const wait = retryAfterMs === Number.POSITIVE_INFINITY ? 'null' : retryAfterMs;
  call.refuse(
    'rate_limited',
    chain.depleted ? 'burst depleted' : null,
    `${refusalData}${remaining},"retryAfterMs":${wait}`,
  );
}

function refuseByQuota(call: Call): void {
  call.refuse('quota_exhausted', null, quotaData(call.quota!));
}

function quotaData({ limit, used, resetsAtMs }: QuotaReading): RefusalDetail['data'] {
  return { quota: limit, used, resetsAt: new Date(resetsAtMs).toISOString() };
}

function reading(quota: QuotaPolicy, period: QuotaPeriod): QuotaReading {
  return {
    unit: quota.unit,
    limit: quota.limit,
    used: 0,
    period: quota.period,
    resetsAtMs: period.resetsAtMs,
  };
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
