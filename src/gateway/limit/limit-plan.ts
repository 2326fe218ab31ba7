import type { PolicySnapshot, QuotaPolicy, RulePolicy, RulesByMatch } from '../../config/index.ts';
import { patternMatches, patternSpecificity } from '../../jsonrpc/index.ts';
import type { KeySet } from './key-sets.ts';
import { type LimitLines, limitLines } from './limit-headers.ts';

/** Whose bucket a link of the chain is. */
export type BucketOwner = 'caller' | 'address' | 'key' | 'network' | 'global';

export interface PlanLink {
  readonly rule: RulePolicy;
  readonly owner: BucketOwner;
  /** What of a refusal's data never changes, as JSON members up to the number of tokens that remain. */
  readonly refusalData: string;
}

/** The buckets that calls of one method, rule set and network take from. */
export interface LimitPlan {
  /** The first rule that matches and enforces, or null: no limit but the ceilings. */
  readonly rule: RulePolicy | null;
  /** Enforced: the rule first, then ceilings. */
  readonly links: readonly PlanLink[];
  /** The first rule in shadow mode of each rank that stood before the winner, and ceilings in shadow mode. */
  readonly shadows: readonly PlanLink[];
  /** Of the key; null: it has none. */
  readonly quota: QuotaPolicy | null;
  /** Of its user's keys together. */
  readonly userQuota: QuotaPolicy | null;
  /** The rule's header lines; null without a rule, or where limits are not told. */
  readonly lines: LimitLines | null;
}

/** Whose calls of which method, where. */
export interface PlanQuestion {
  /** The key's own set of rules. */
  own: KeySet;
  withKey: boolean;
  method: { name: string; group: string | null };
  network: number;
}

/** One rule that was looked at, and why it was or was not taken; for explain. */
export interface RuleVerdict {
  readonly rule: RulePolicy;
  readonly chosen: boolean;
  readonly why: string;
}

const withoutQuotas = { quota: null, userQuota: null };

/** Chooses the rule by the six ranks of the product, first match wins, and adds the ceilings. */
export function planFor(snapshot: PolicySnapshot, question: PlanQuestion): LimitPlan {
  const { network, own, withKey } = question;
  let rule: RulePolicy | null = null;
  const shadows: PlanLink[] = [];
  for (const candidate of candidates(snapshot, question)) {
    if (!onNetwork(candidate, network)) continue;
    if (candidate.mode === 'shadow') {
      // The first of each rank: however many patterns match, a chain has room for all.
      if (!shadows.some((link) => link.rule.rank === candidate.rank))
        shadows.push(linkOf(candidate, 'caller'));
    } else {
      rule = candidate;
      break;
    }
  }
  const links: PlanLink[] = rule ? [linkOf(rule, 'caller')] : [];
  for (const ceiling of snapshot.ceilings) {
    const ceilingRule = snapshot.rules[ceiling.rule]!;
    if (!onNetwork(ceilingRule, network) || (ceiling.per === 'key' && !withKey)) continue;
    (ceilingRule.mode === 'shadow' ? shadows : links).push(linkOf(ceilingRule, ceiling.per));
  }
  const lines = rule && limitLines(rule, snapshot.limitHeaders);
  const { quota, userQuota } = withKey ? own : withoutQuotas;
  return { rule, links, shadows, quota, userQuota, lines };
}

function linkOf(rule: RulePolicy, owner: BucketOwner): PlanLink {
  const { name, requests, burst } = rule;
  const refusalData = `"policy":${JSON.stringify(name)},"limit":${requests},"burst":${burst},"remaining":`;
  return { rule, owner, refusalData };
}

/** The same walk, with a word on each rule; not for the hot path. */
export function explainPlan(snapshot: PolicySnapshot, question: PlanQuestion): RuleVerdict[] {
  const { network } = question;
  let taken = false;
  const shadows = new Set<RulePolicy['rank']>();
  return candidates(snapshot, question).map((rule) => {
    const other = snapshot.networks[rule.network]?.name;
    if (!onNetwork(rule, network)) return { rule, chosen: false, why: `holds on network ${other} only` };
    if (taken) return { rule, chosen: false, why: 'an earlier rule matched' };
    if (rule.mode === 'shadow') {
      const why = shadows.has(rule.rank)
        ? 'shadow: an earlier one of its rank counts and reports'
        : 'shadow: counts and reports, never refuses';
      shadows.add(rule.rank);
      return { rule, chosen: false, why };
    }
    taken = true;
    return { rule, chosen: true, why: 'first that matches' };
  });
}

/** Every rule that matches the method, in the order of the ranks. */
function candidates(snapshot: PolicySnapshot, { own, method }: PlanQuestion): RulePolicy[] {
  const ofAll = matching(snapshot.defaults, method).map((number) => snapshot.rules[number]!);
  return [...matching(own, method), ...ofAll];
}

function matching<R>(set: RulesByMatch<R>, { name, group }: PlanQuestion['method']): R[] {
  return [...methodRules(set, name), ...groupRules(set, group), ...set.all];
}

/** Rules of all patterns that match, the more specific first, then in the order written. */
function methodRules<R>(set: RulesByMatch<R>, name: string): R[] {
  return set.methods
    .filter(([pattern]) => patternMatches(pattern, name))
    .sort(([a], [b]) => patternSpecificity(b) - patternSpecificity(a))
    .map(([, rule]) => rule);
}

function groupRules<R>(set: RulesByMatch<R>, group: string | null): R[] {
  return group === null ? [] : set.groups.filter(([name]) => name === group).map(([, rule]) => rule);
}

function onNetwork(rule: RulePolicy, network: number): boolean {
  return rule.network < 0 || rule.network === network;
}
