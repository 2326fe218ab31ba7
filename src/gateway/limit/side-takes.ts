import type { QuotaPolicy, RulePolicy } from '../../config/index.ts';
import { Chain, outcomes } from '../../limits/index.ts';
import type { RefusalDetail } from '../../jsonrpc/index.ts';
import type { CallContext } from '../context.ts';
import type { QuotaReading } from '../decisions/decision-source.ts';
import { addLink } from './limit-chain.ts';
import type { PlanLink } from './limit-plan.ts';
import { failingOf, quotaData, type QuotaLinks, readQuotas } from './limit-quotas.ts';

/** What is taken for something that is no call. Decided at once. */
export interface SideTakes {
  /** Takes what one event of a subscription costs from its caller's quotas; null: there are none. */
  chargeEvent(context: CallContext, cost: number): EventCharge | null;
  /** Takes one message from the bucket of a rule that counts them; what a refusal says where it is empty. */
  takeMessage(
    context: CallContext,
    rule: RulePolicy,
  ): { data: RefusalDetail['data']; retryAfterMs: number } | null;
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

const noLinks: readonly PlanLink[] = [];

/** @param take decides a chain whose links are these, at once */
export function createSideTakes(options: {
  quotas: QuotaLinks;
  take: (chain: Chain, context: CallContext, links: readonly Pick<PlanLink, 'rule' | 'owner'>[]) => void;
}): SideTakes {
  const { quotas, take } = options;
  const chain = new Chain();
  return {
    chargeEvent(context, cost) {
      const { caller, policy } = context;
      chain.reset(0);
      if (caller.kind !== 'key') return null;
      const plan = policy.keySet(caller.ruleSet);
      const quota = quotas.key(chain, caller, plan.quota, cost);
      const userQuota = quotas.user(chain, caller, plan.userQuota, cost);
      if (chain.quotas === 0) return null;
      take(chain, context, noLinks);
      const read = { quota, userQuota };
      readQuotas(chain, read);
      const full = chain.outcome === outcomes.quota ? failingOf(chain, read) : null;
      if (full !== null) full.refused = true;
      return { context, quota, userQuota, plan, refusal: full && quotaData(full) };
    },
    takeMessage(context, rule) {
      const link = { rule, owner: 'caller' } as const;
      chain.reset(1);
      addLink(chain, link, context, false);
      take(chain, context, [link]);
      if (chain.outcome < outcomes.exceeded) return null;
      const { retryAfterMs } = chain;
      const { name: policyName, requests: limit, burst } = rule;
      return { data: { policy: policyName, limit, burst, remaining: 0, retryAfterMs }, retryAfterMs };
    },
  };
}
