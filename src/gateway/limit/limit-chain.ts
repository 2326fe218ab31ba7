import type { Chain } from '../../limits/index.ts';
import type { Call } from '../call.ts';
import type { CallContext } from '../context.ts';
import type { PlanLink } from './limit-plan.ts';
import type { QuotaLinks } from './limit-quotas.ts';

/** The owner of a bucket that all callers share. */
const everybody = [0x65766572, 0x79626f64] as const;

/** Begins the chain of a call: these of its plan's enforced links, then its shadows and quotas. */
export function loadChain(chain: Chain, call: Call, links: readonly PlanLink[], quotas: QuotaLinks): void {
  const { cost, context } = call;
  const { shadows, quota, userQuota } = call.plan!;
  chain.reset(cost);
  for (const link of links) addLink(chain, link, context, false);
  for (const link of shadows) addLink(chain, link, context, true);
  call.quota = quotas.key(chain, context.caller, quota, cost);
  call.userQuota = quotas.user(chain, context.caller, userQuota, cost);
}

/** Adds one bucket of the caller, or of whom else the link says. */
export function addLink(
  chain: Chain,
  { rule, owner }: Pick<PlanLink, 'rule' | 'owner'>,
  { caller, policy, network }: CallContext,
  shadow: boolean,
): void {
  let lo = caller.lo;
  let hi = caller.hi;
  if (owner === 'address') {
    lo = caller.addressLo;
    hi = caller.addressHi;
  } else if (owner === 'network') [lo, hi] = policy.networkOwner(network);
  else if (owner === 'global') [lo, hi] = everybody;
  if (shadow) chain.addShadow(lo, hi, rule.scopeLo, rule.scopeHi, rule.version);
  else chain.add(lo, hi, rule.scopeLo, rule.scopeHi, rule.version);
}
