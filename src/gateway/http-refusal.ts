import type { RefuseHttp } from '../http/index.ts';
import { type RefusalCode, refusals } from '../jsonrpc/index.ts';
import { outcomes } from '../limits/index.ts';
import { type Admission, addressRefused } from './admit.ts';
import type { CallContext } from './context.ts';
import { corsOf } from './cors.ts';
import type { DecisionSource } from './decisions/decision-source.ts';
import type { ExchangeSink } from './exchange.ts';
import { type Reign, standingOf } from './reign.ts';
import type { RequestIds } from './request-id.ts';

/**
 * What HTTP itself refuses, as an answer of ours: counted and noted like any other refusal. Whose it is says the peer's address, or a
 * trusted proxy's word where the head was read.
 */
export function createHttpRefusals(options: {
  reign: () => Reign;
  requestIds: RequestIds;
  sink: ExchangeSink;
  admission: Pick<Admission, 'turnsAway'>;
  /** Monotonic microseconds. */
  now: () => number;
  epochMs: () => number;
}): RefuseHttp {
  return (found, from) => {
    const reign = options.reign();
    const { policy, callers, cors } = reign;
    const count = options.requestIds.next();
    const requestId = options.requestIds.text(count);
    const corsLines = corsOf(cors, from.origin);
    const { address: peerAddress, forwardedFor, forwarded } = from;
    const origin = { peerAddress, forwardedFor, forwarded };
    const caller = callers.resolve(origin, {}, options.epochMs());
    const context: CallContext = {
      ...{ policy, caller, standing: standingOf(reign, caller), network: -1 },
      ...{ lane: from.lane, socketId: null, corsLines },
    };
    const banned = options.admission.turnsAway(context);
    const code = banned ? 'forbidden' : found;
    options.sink.turnedAway(refusedRequest(context, count, code, options.now()));
    const { maxBodyBytes, maxHeaderBytes } = policy.snapshot.server;
    const bounds: Partial<Record<RefusalCode, Record<string, unknown>>> = {
      body_too_large: { maxBodyBytes },
      headers_too_large: { maxHeaderBytes },
      forbidden: addressRefused,
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
    reason: refusal === 'forbidden' ? context.standing.denial : null,
    hasFailed: false,
    attempts: 0,
    cost: 0,
    source: 'upstream',
    via: -1,
    trace: null,
    retryAfterMs: 0,
    reading: null,
    sharing: null,
    waited: 0,
    quota: null,
    userQuota: null,
  };
}
