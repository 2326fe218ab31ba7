import { outcomes } from '../limits/index.ts';
import type { Call } from './call.ts';
import type { DecisionRecord } from './decision.ts';
import { explainPlan, type PlanLink } from './limit-plan.ts';

/** Facts of the worker that a record carries. */
export interface NoteContext {
  worker: number;
  epochMs: number;
  totalMs: number;
}

/** Makes a call that has ended readable. Not for the hot path: it walks the rules once more. */
export function decisionOf(call: Call, context: NoteContext): DecisionRecord {
  const { exchange, facts } = call;
  const { caller, policy } = exchange;
  const { snapshot } = policy;
  return {
    requestId: exchange.requestId,
    item: call.item,
    atMs: context.epochMs,
    worker: context.worker,
    generation: snapshot.generation,
    transport: 'http',
    lane: exchange.lane,
    caller: {
      kind: caller.kind,
      keyNumber: caller.keyNumber,
      keyPrefix: caller.keyPrefix,
      foundIn: caller.foundIn,
      address: caller.address,
    },
    callerRequestId: exchange.callerRequestId ?? null,
    network: snapshot.networks[exchange.network]?.name ?? '',
    method: call.method,
    group: facts?.group ?? null,
    cost: facts?.cost ?? 0,
    rules: facts ? rulesOf(call) : [],
    buckets: bucketsOf(call),
    quota: call.quota && {
      unit: call.quota.unit,
      limit: call.quota.limit,
      used: call.quota.used,
      period: call.quota.period,
      resetsAt: new Date(call.quota.resetsAtMs).toISOString(),
    },
    outcome: outcomeOf(call),
    refusal: call.refusal,
    reason: call.reason,
    retryAfterMs: call.retryAfterMs > 0 && Number.isFinite(call.retryAfterMs) ? call.retryAfterMs : null,
    upstream: upstreamOf(call),
    totalMs: context.totalMs,
  };
}

function outcomeOf(call: Call): DecisionRecord['outcome'] {
  if (call.failure !== null) return 'failed';
  if (call.outcome === outcomes.exceeded) return 'exceeded';
  if (call.outcome === outcomes.quota) return 'quota';
  if (call.refusal !== null) return 'refused';
  return call.outcome === outcomes.burst ? 'burst' : 'allowed';
}

function rulesOf(call: Call): DecisionRecord['rules'] {
  const { caller, policy, network } = call.exchange;
  const question = {
    ruleSet: caller.ruleSet,
    withKey: caller.kind === 'key',
    method: { name: call.method, group: call.facts!.group },
    network,
  };
  return explainPlan(policy.snapshot, question).map(({ rule, chosen, why }) => ({
    name: rule.name,
    rank: rule.rank,
    mode: rule.mode,
    chosen,
    why,
  }));
}

function bucketsOf(call: Call): DecisionRecord['buckets'] {
  const { reading, plan } = call;
  if (reading === null || plan === null) return [];
  const describe = ({ rule }: PlanLink, index: number, shadow: boolean): DecisionRecord['buckets'][number] => ({
    policy: rule.name,
    kind: shadow ? 'shadow' : rule.rank === 'ceiling' ? 'ceiling' : 'rule',
    capacity: rule.capacity,
    before: reading.before[index]!,
    after: reading.after[index]!,
    refused: (((shadow ? reading.shadowRefused : reading.refused) >> index) & 1) === 1,
  });
  return [
    ...plan.links.map((link, k) => describe(link, k, false)),
    ...plan.shadows.map((link, k) => describe(link, plan.links.length + k, true)),
  ];
}

function upstreamOf(call: Call): DecisionRecord['upstream'] {
  if (call.sentAt === 0) return null;
  const upstream = call.exchange.policy.snapshot.networks[call.exchange.network]?.upstreams[0];
  return {
    name: upstream?.name ?? '',
    mode: upstream?.mode ?? '',
    attempts: call.attempts,
    ms: (call.answeredAt - call.sentAt) / 1000,
    failure: call.failure?.reason ?? null,
  };
}
