import { newStanding } from '../admission/index.ts';
import type { RefuseHttp } from '../http/index.ts';
import { type RefusalCode, refusals } from '../jsonrpc/index.ts';
import { outcomes } from '../limits/index.ts';
import type { CallContext } from './context.ts';
import { corsOf } from './cors.ts';
import type { DecisionSource } from './decision-source.ts';
import type { ExchangeSink } from './exchange.ts';
import type { Reign } from './receive.ts';
import type { RequestIds } from './request-id.ts';

/** What HTTP itself refuses, as an answer of ours: counted and noted like any other refusal. */
export function createHttpRefusals(options: {
  reign: () => Reign;
  requestIds: RequestIds;
  sink: ExchangeSink;
  /** Monotonic microseconds. */
  now: () => number;
  epochMs: () => number;
}): RefuseHttp {
  return (code, from) => {
    const { policy, callers, cors } = options.reign();
    const count = options.requestIds.next();
    const requestId = options.requestIds.text(count);
    const corsLines = corsOf(cors, from.origin);
    const origin = { peerAddress: from.address, forwardedFor: undefined, forwarded: undefined };
    const caller = callers.resolve(origin, {}, options.epochMs());
    const context: CallContext = {
      ...{ policy, caller, standing: newStanding(), network: -1 },
      ...{ lane: from.lane, socketId: null, corsLines },
    };
    options.sink.turnedAway(refusedRequest(context, count, code, options.now()));
    const { maxBodyBytes, maxHeaderBytes } = policy.snapshot.server;
    const bounds: Partial<Record<RefusalCode, Record<string, unknown>>> = {
      body_too_large: { maxBodyBytes },
      headers_too_large: { maxHeaderBytes },
    };
    return {
      status: refusals[code].http,
      headers: `Content-Type: application/json\r\nX-Request-Id: ${requestId}\r\n${corsLines}`,
      body: policy.errorAnswer('null', code, { requestId, data: bounds[code] }),
    };
  };
}

/** A decision in which no call was found. */
function refusedRequest(
  context: CallContext,
  request: number,
  refusal: RefusalCode,
  now: number,
): DecisionSource {
  return {
    context,
    request,
    callerRequestId: undefined,
    item: -1,
    startedAt: now,
    sentAt: 0,
    answeredAt: now,
    method: '',
    facts: null,
    plan: null,
    outcome: outcomes.allowed,
    refusal,
    reason: null,
    hasFailed: false,
    attempts: 0,
    cost: 0,
    source: 'upstream',
    via: -1,
    trace: null,
    retryAfterMs: 0,
    reading: null,
    quota: null,
    userQuota: null,
  };
}
