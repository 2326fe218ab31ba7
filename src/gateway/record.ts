import { type RefusalCode, refusals } from '../jsonrpc/index.ts';
import { outcomes } from '../limits/index.ts';
import { closeCauses, type Session } from '../websocket/index.ts';
import type { TurnUsage } from '../usage/index.ts';
import { type Call, sampled } from './call.ts';
import type { CallContext, CallLane } from './context.ts';
import type { Decisions } from './decisions/decision-ring.ts';
import type { DecisionSource } from './decisions/decision-source.ts';
import type { EventFold } from './event-fold.ts';
import type { ExchangeSink } from './exchange.ts';
import type { NoteContext } from './decisions/note.ts';
import type { RequestIds } from './request-id.ts';

/** What the recorder counts with; one worker's counters in shared memory. */
export interface CallCounters {
  /** A call that was answered. `micros`: whole time and the upstream's part. */
  answered(call: Call, totalMicros: number, upstreamMicros: number): void;
  /** `metered`: usage shows it as exceeded. */
  refused(call: Call, code: RefusalCode, metered: boolean): void;
  /** A request in which no call was found. */
  turnedAway(): void;
  /** A rule in shadow mode would have refused it. */
  shadowRefused(call: Call): void;
  /** An HTTP request or WebSocket message in which calls were found. */
  request(lane: CallLane): void;
  batch(items: number): void;
  /** An answer whose caller had gone. */
  unread(): void;
  /** A decision record dropped before its time. */
  evicted(): void;
  /** A line of the access log dropped. */
  lineDropped(): void;
}

/** Where a call's end is noted: quota, usage, counters, decision record and access log. */
export function createRecorder(options: {
  worker: number;
  counters: CallCounters;
  usage: TurnUsage;
  events: Pick<EventFold, 'answered' | 'refused'>;
  decisions: () => Decisions;
  requestIds: RequestIds;
  /** A refusal, to be weighed where it is a violation. */
  violation: (context: CallContext, code: RefusalCode) => void;
  refundQuota: (call: Call) => void;
  /** An unsafe call that a node may have run. */
  touched: (call: Call) => void;
  /** One line of the sampled access log. */
  logAccess: (call: DecisionSource, note: NoteContext) => void;
  /** Monotonic microseconds. */
  now: () => number;
  epochMs: () => number;
}): ExchangeSink {
  const { counters, usage, events, worker, requestIds } = options;

  function keep(source: DecisionSource): void {
    const { refusals, samples } = options.decisions();
    const ring = source.refusal === null ? samples : refusals;
    if (ring.add(source, options.epochMs())) counters.evicted();
  }

  return {
    turnedAway(source) {
      counters.turnedAway();
      if (source.refusal !== null) options.violation(source.context, source.refusal);
      keep(source);
    },
    request(lane, items) {
      counters.request(lane);
      if (items !== null) counters.batch(items);
    },
    unread: () => counters.unread(),
    record(call) {
      const now = options.now();
      call.answeredAt = now;
      const { startedAt } = call;
      const { caller } = call.context;
      if (call.refusal === null) {
        usage.add(
          caller.keyId,
          networkName(call),
          call.facts!.countedAs,
          call.outcome,
          call.cost,
          call.isError,
          call.end - call.start,
          call.answer.length,
          now - startedAt,
        );
        counters.answered(call, now - startedAt, upstreamMicros(call, now));
        if (call.outcome !== outcomes.allowed || call.charged) events.answered(call);
      } else {
        options.refundQuota(call);
        options.violation(call.context, call.refusal);
        const metered = overLimit.has(call.refusal);
        if (metered) {
          const { countedAs } = call.facts ?? call.context.policy.method(call.method);
          usage.refuse(caller.keyId, networkName(call), countedAs, call.end - call.start, call.answer.length);
        }
        if (call.owner.session !== null) chasten(call.owner.session, call.refusal);
        counters.refused(call, call.refusal, metered);
        events.refused(call);
      }
      if (call.attempts > 0 && call.facts!.moves) options.touched(call);
      if (call.reading !== null && call.reading.shadowRefused !== 0) counters.shadowRefused(call);
      if (call.refusal !== null || (call.sampled & sampled.explain) !== 0) keep(call);
      if ((call.sampled & sampled.log) !== 0) {
        const requestId = requestIds.text(call.request);
        options.logAccess(call, { worker, requestId, epochMs: options.epochMs() });
      }
    },
  };
}

/** Refusals that usage shows as exceeded: of limits and quotas, and of nothing else. */
const overLimit: ReadonlySet<RefusalCode> = new Set([
  'rate_limited',
  'quota_exhausted',
  'too_many_subscriptions',
]);

function networkName({ context }: Call): string {
  return context.policy.snapshot.networks[context.network]?.name ?? '';
}

/** What a refused call means for the socket that it came by. */
function chasten(session: Session, refusal: RefusalCode): void {
  if (refusal === 'quota_exhausted') session.finish(closeCauses.quota);
  else if (refusal === 'unauthorized') session.finish(closeCauses.keyGone);
  else if (refusal === 'forbidden') session.finish(closeCauses.banned);
  else if (refusals[refusal].rpc === refusals.rate_limited.rpc) session.refused();
}

/** A call that joined another was at the node for no longer than it was here. */
function upstreamMicros({ sentAt, startedAt, waited }: Call, now: number): number {
  return sentAt === 0 ? 0 : now - Math.max(sentAt, startedAt + waited);
}
