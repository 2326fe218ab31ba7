import {
  type BucketNeed,
  type Chain,
  type QuotaNeed,
  type SharedOwner,
  sharedOwner,
  sharedScope,
} from '../../limits/index.ts';
import type { RulePolicy } from '../../config/index.ts';
import type { CallContext } from '../context.ts';
import type { PlanLink } from '../limit/limit-plan.ts';

const scopes = new WeakMap<RulePolicy, string>();

/** The scope's hash that all instances know, made once a rule. */
export function scopeOf(rule: RulePolicy): string {
  let scope = scopes.get(rule);
  if (scope === undefined) scopes.set(rule, (scope = sharedScope(rule.scope)));
  return scope;
}

/** Whose the caller's own buckets are. */
export function callerOwner({ caller }: CallContext): SharedOwner {
  return caller.kind === 'key' ? `key:${caller.keyId}` : `address:${caller.address}`;
}

function ownerOf(owner: PlanLink['owner'], context: CallContext): SharedOwner {
  if (owner === 'address') return `address:${context.caller.address}`;
  if (owner === 'network') return `network:${context.policy.snapshot.networks[context.network]!.name}`;
  if (owner === 'global') return 'all';
  return callerOwner(context);
}

/** What is to be asked for the link of a chain. Some µs: for links whose lease lacks or runs low. */
export function bucketNeed(
  chain: Chain,
  at: number,
  { rule, owner }: Pick<PlanLink, 'rule' | 'owner'>,
  context: CallContext,
): BucketNeed {
  return {
    tagLo: chain.tagLo[at]!,
    tagHi: chain.tagHi[at]!,
    version: chain.versions[at]!,
    owner: sharedOwner(ownerOf(owner, context)),
    scope: scopeOf(rule),
    cost: chain.cost,
    least: ((chain.low >> at) & 1) === 1 ? 0 : chain.cost,
  };
}

export function quotaNeed(chain: Chain, at: number): QuotaNeed {
  return {
    slot: chain.quotaSlot[at]!,
    periodId: chain.quotaPeriod[at]!,
    limit: chain.quotaLimit[at]!,
    cost: chain.quotaCost[at]!,
  };
}
