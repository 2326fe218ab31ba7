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
  /** Takes from all of the call's buckets and its quotas, or refuses it and takes nothing. */
  limit(call: Call): boolean;
  /** The same decision without taking anything or ending the call: for a dry run. */
  foresee(call: Call): void;
  /** Takes what one event of a subscription costs from its caller's quotas; null: there are none. */
  chargeEvent(context: CallContext, cost: number): EventCharge | null;
  /** Takes one message from the bucket of a rule that counts them; what a refusal says where it is empty. */
  takeMessage(
    context: CallContext,
    rule: RulePolicy,
  ): { data: RefusalDetail['data']; retryAfterMs: number } | null;
  /** Gives back what the quotas hold for a call that came to nothing. Once: a call that holds nothing is left alone. */
  refund(call: Call): void;
}

/** What the quotas of a subscription's caller say to one of its events. */
export interface EventCharge {
  readonly context: CallContext;
  /** As a call's: that of the key, and that of its user. */
  readonly quota: QuotaReading | null;
  readonly userQuota: QuotaReading | null;
  readonly plan: { readonly quota: QuotaPolicy | null; readonly userQuota: QuotaPolicy | null };
  /** What a refusal says where one is used up; null: it is paid for. */
  readonly refusal: RefusalDetail['data'] | null;
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
    const { links, shadows, quota, userQuota } = call.plan!;
    const { cost } = call;
    chain.reset(cost);
    for (const link of links) addLink(chain, link, caller, policy, network, false);
    for (const link of shadows) addLink(chain, link, caller, policy, network, true);
    call.quota = addKeyQuota(caller, quota, cost);
    call.userQuota = addUserQuota(caller, userQuota, cost);
  }

  function addKeyQuota({ keyNumber }: Caller, quota: QuotaPolicy | null, cost: number) {
    return quota && addQuota('key', quota, keyNumber, cost);
  }

  /** After the key's: in this order the chain's results are read. */
  function addUserQuota({ userSlot }: Caller, quota: QuotaPolicy | null, cost: number) {
    return userSlot < 0 ? null : quota && addQuota('user', quota, userSlot, cost);
  }

  function addQuota(of: QuotaReading['of'], quota: QuotaPolicy, slot: number, cost: number): QuotaReading {
    const { unit, limit } = quota;
    const { id: periodId, resetsAtMs } = periods[quota.period]();
    const charge = unit === 'requests' ? 1 : cost;
    chain.quota(slot, periodId, limit, charge);
    return { of, unit, limit, used: 0, period: quota.period, resetsAtMs, slot, periodId, cost: charge };
  }

  function giveBack({ slot, periodId, cost }: QuotaReading): void {
    buckets.refundQuota(slot, periodId, cost);
  }

  /** What was used, and the period that counts: another worker may have seen midnight already. */
  function readQuota(quota: QuotaReading, at: number): void {
    quota.used = chain.quotaUsed[at]!;
    quota.periodId = chain.quotaPeriod[at]!;
  }

  function readQuotas({ quota, userQuota }: Pick<Call, 'quota' | 'userQuota'>): void {
    if (quota !== null) readQuota(quota, 0);
    if (userQuota !== null) readQuota(userQuota, chain.quotas - 1);
  }

  function unload(call: Call, keep: boolean): void {
    call.outcome = chain.outcome;
    if (call.plan!.rule !== null) call.remaining = chain.after[0]!;
    if (chain.quotas !== 0) readQuotas(call);
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
      if (chain.links === 0 && chain.quotas === 0) return true;
      // The exchange's own start: another look at the clock would cost 50 ns.
      buckets.take(chain, call.startedAt);
      unload(call, call.sampled !== 0);
      if (chain.outcome < outcomes.exceeded) {
        call.charged = chain.quotas !== 0;
        return true;
      }
      if (chain.outcome === outcomes.quota) refuseByQuota(call, chain);
      else refuseByLimit(call, chain);
      return false;
    },
    foresee(call) {
      load(call);
      buckets.peek(chain, call.startedAt);
      unload(call, true);
      if (chain.outcome === outcomes.exceeded) {
        call.refusal = 'rate_limited';
        call.retryAfterMs = chain.retryAfterMs;
      } else if (chain.outcome === outcomes.quota) call.refusal = 'quota_exhausted';
    },
    chargeEvent(context, cost) {
      const { caller, policy } = context;
      chain.reset(0);
      if (caller.kind !== 'key') return null;
      const plan = policy.keySet(caller.ruleSet);
      const quota = addKeyQuota(caller, plan.quota, cost);
      const userQuota = addUserQuota(caller, plan.userQuota, cost);
      if (chain.quotas === 0) return null;
      buckets.take(chain, options.now());
      const read = { quota, userQuota };
      readQuotas(read);
      const refusal = chain.outcome === outcomes.quota ? quotaData(failingOf(chain, read)) : null;
      return { context, quota, userQuota, plan, refusal };
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
      if (!call.charged) return;
      call.charged = false;
      if (call.quota !== null) giveBack(call.quota);
      if (call.userQuota !== null) giveBack(call.userQuota);
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

function refuseByQuota(call: Call, chain: Chain): void {
  const quota = failingOf(chain, call);
  call.refuse('quota_exhausted', `quota of the ${quota.of}`, quotaData(quota));
}

/** The quota that refused; the key's was added first. */
function failingOf(chain: Chain, { quota, userQuota }: Pick<Call, 'quota' | 'userQuota'>): QuotaReading {
  return (chain.failingQuota === 0 ? (quota ?? userQuota) : userQuota)!;
}

/** `policy` names the quota as that of a limit's refusal names the limit. */
function quotaData({ of, limit, used, resetsAtMs }: QuotaReading): RefusalDetail['data'] {
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
