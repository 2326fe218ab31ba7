import { outcomes } from '../../limits/index.ts';
import type { DecisionQuota, DecisionRecord } from './decision.ts';
import type { DecisionSource, QuotaReading, SharingReading } from './decision-source.ts';
import { explainPlan, type PlanLink } from '../limit/limit-plan.ts';
import type { Policy } from '../policy.ts';

/** Facts of the worker that a record carries. */
export interface NoteContext {
  worker: number;
  requestId: string;
  /** Of the call's end. */
  epochMs: number;
  /** Items of its batch that were refused alike. */
  alike?: number;
}

/** Makes a call that has ended readable. Not for the hot path: it walks the rules once more. */
export function decisionOf(call: DecisionSource, note: NoteContext): DecisionRecord {
  const { facts } = call;
  const { caller, policy, network, lane, socketId } = call.context;
  const { snapshot } = policy;
  const totalMs = call.answeredAt === 0 ? 0 : (call.answeredAt - call.startedAt) / 1000;
  return {
    requestId: note.requestId,
    item: call.item,
    alike: note.alike ?? 0,
    atMs: Math.round(note.epochMs - totalMs),
    worker: note.worker,
    generation: snapshot.generation,
    transport: lane === 'websocket' ? 'websocket' : 'http',
    lane: lane === 'websocket' ? null : lane,
    socket: socketId,
    caller: {
      kind: caller.kind,
      keyNumber: caller.keyNumber,
      keyPrefix: caller.keyPrefix,
      foundIn: caller.foundIn,
      address: caller.address,
    },
    callerRequestId: call.callerRequestId === undefined ? null : legible(call.callerRequestId, policy),
    network: snapshot.networks[network]?.name ?? '',
    method: legible(call.method, policy),
    group: facts?.group ?? null,
    cost: call.cost,
    rules: facts ? rulesOf(call) : [],
    buckets: bucketsOf(call),
    sharing: call.sharing && { instances: call.sharing.instances, waitedMs: call.waited / 1000 },
    quota: quotaOf(call.quota),
    userQuota: quotaOf(call.userQuota),
    outcome: outcomeOf(call),
    refusal: call.refusal,
    reason: call.reason,
    retryAfterMs: call.retryAfterMs > 0 && Number.isFinite(call.retryAfterMs) ? call.retryAfterMs : null,
    answeredFrom: call.refusal === null && call.answeredAt > 0 ? call.source : null,
    upstream: upstreamOf(call),
    totalMs,
  };
}

/** What a caller wrote, for people to read: a key that was put where none belongs is not shown. */
function legible(text: string, policy: Policy): string {
  return policy.isKey(text) ? '[redacted]' : text;
}

function quotaOf(reading: QuotaReading | null): DecisionQuota | null {
  if (reading === null) return null;
  const { unit, limit, used, period, resetsAtMs } = reading;
  return { unit, limit, used, period, resetsAt: new Date(resetsAtMs).toISOString() };
}

function outcomeOf(call: DecisionSource): DecisionRecord['outcome'] {
  if (call.hasFailed) return 'failed';
  if (call.outcome === outcomes.exceeded) return 'exceeded';
  if (call.outcome === outcomes.quota) return 'quota';
  if (call.refusal !== null) return 'refused';
  return call.outcome === outcomes.burst ? 'burst' : 'allowed';
}

function rulesOf(call: DecisionSource): DecisionRecord['rules'] {
  const { caller, policy, network } = call.context;
  const question = {
    own: policy.keySet(caller.ruleSet),
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

function bucketsOf(call: DecisionSource): DecisionRecord['buckets'] {
  const { reading, plan } = call;
  if (reading === null || plan === null) return [];
  const { sharing } = call;
  const describe = (
    { rule }: PlanLink,
    index: number,
    shadow: boolean,
  ): DecisionRecord['buckets'][number] => ({
    policy: rule.name,
    kind: shadow ? 'shadow' : rule.rank === 'ceiling' ? 'ceiling' : 'rule',
    capacity: rule.capacity,
    before: reading.before[index]!,
    after: reading.after[index]!,
    refused: has(shadow ? reading.shadowRefused : reading.refused, index),
    by: decidedBy(sharing, index),
  });
  const all = [
    ...plan.links.map((link, k) => describe(link, k, false)),
    ...plan.shadows.map((link, k) => describe(link, plan.links.length + k, true)),
  ];
  return sharing === null ? all : all.filter((_, index) => !has(sharing.unasked, index));
}

function has(bits: number, index: number): boolean {
  return ((bits >> index) & 1) === 1;
}

function decidedBy(sharing: SharingReading | null, index: number): DecisionRecord['buckets'][number]['by'] {
  if (sharing === null) return 'memory';
  if (has(sharing.exact, index)) return 'exact';
  return has(sharing.share, index) ? 'share' : 'lease';
}

function upstreamOf(call: DecisionSource): DecisionRecord['upstream'] {
  if (call.via < 0 && call.attempts === 0 && !call.hasFailed) return null;
  const upstream = call.context.policy.snapshot.networks[call.context.network]?.upstreams[call.via];
  return {
    name: upstream?.name ?? '',
    mode: upstream?.mode ?? '',
    attempts: call.attempts,
    ms:
      call.sentAt === 0 ? 0 : (call.answeredAt - Math.max(call.sentAt, call.startedAt + call.waited)) / 1000,
    failure: call.hasFailed ? call.reason : null,
    delivery: call.trace,
  };
}
