import type { HttpRequest, Reply } from '../http/index.ts';
import { type KeySources, looksLikeKey } from '../identity/index.ts';
import {
  describeFault,
  type Fault,
  faultDetail,
  KIND_BATCH,
  MessageScan,
  methodName,
  type RefusalCode,
  refusals,
  scanBatch,
  scanRequest,
} from '../jsonrpc/index.ts';
import { Call } from './call.ts';
import type { CallerResolver } from './caller.ts';
import type { CallContext } from './context.ts';
import { type CorsLines, corsOf, preflightLines } from './cors.ts';
import { Exchange, type ExchangeSink } from './exchange.ts';
import type { Policy } from './policy.ts';
import type { RequestIds } from './request-id.ts';
import { type Route, routeOf } from './route.ts';

/** Characters of a caller's own request id that are kept. */
const CALLER_REQUEST_ID_MAX = 128;

/** A copy where it is cut: a slice would keep the whole header for as long as the decision is kept. */
function cutId(id: string | undefined): string | undefined {
  if (id === undefined || id.length <= CALLER_REQUEST_ID_MAX) return id;
  return Buffer.from(id.slice(0, CALLER_REQUEST_ID_MAX), 'latin1').toString('latin1');
}

/** One policy with what a worker makes ready from it. */
export interface Reign {
  readonly policy: Policy;
  readonly callers: CallerResolver;
  readonly cors: CorsLines;
  /**
   * By `X-API-Key`: where one connection carries many callers, as a load balancer's do, each is resolved once (0.4 us a
   * call). To be emptied now and then, since it keeps keys in memory.
   */
  readonly recent: Map<string, Remembered>;
}

export function createReign(policy: Policy, callers: CallerResolver, cors: CorsLines): Reign {
  return { policy, callers, cors, recent: new Map() };
}

/** Callers kept beyond their connections; when there are more, it begins anew. */
const RECENT_MAX = 4096;

/** What was read from a request, for as long as the next ones say the same. */
interface Remembered {
  readonly reign: Reign;
  readonly peerAddress: string;
  readonly target: string;
  readonly apiKey: string | undefined;
  readonly authorization: string | undefined;
  readonly forwardedFor: string | undefined;
  readonly forwarded: string | undefined;
  readonly origin: string | undefined;
  readonly route: Route;
  readonly context: CallContext;
}

/** A text that is no sound request, and the id to answer with. */
interface FaultyText {
  id: string;
  fault: Fault;
  bytes: Buffer;
}

export interface ReceiveOptions {
  /** The policy now; swapped between two requests. */
  reign: () => Reign;
  requestIds: RequestIds;
  pipeline: (call: Call) => void;
  sink: ExchangeSink;
  /** Monotonic microseconds. */
  now: () => number;
  epochMs: () => number;
  /** Why the next call is to be noted although it passes: bits of `sampled`. */
  sample: () => number;
  instanceId: string;
}

/** The first stage: from an HTTP request to calls in the pipeline, or to the answer that there are none. */
export function createReceiver(options: ReceiveOptions): (request: HttpRequest, reply: Reply) => void {
  const scan = new MessageScan();

  function remember(request: HttpRequest, reign: Reign): Remembered {
    const route = routeOf(request.target, reign.policy.paths);
    const { peer, apiKey, authorization, forwardedFor, forwarded, origin, target } = request;
    const sources: KeySources = {
      xApiKey: apiKey,
      authorization,
      path: route.pathKey,
      query: route.queryKey,
    };
    const caller = reign.callers.resolve(
      { peerAddress: peer.address, forwardedFor, forwarded },
      sources,
      options.epochMs(),
    );
    const context: CallContext = {
      policy: reign.policy,
      caller,
      network: route.network,
      lane: request.lane,
      corsLines: corsOf(reign.cors, origin),
    };
    const known: Remembered = {
      reign,
      peerAddress: peer.address,
      target,
      apiKey,
      authorization,
      forwardedFor,
      forwarded,
      origin,
      route,
      context,
    };
    peer.memo = known;
    // Only keys that exist: whoever makes keys up fills nothing.
    if (apiKey !== undefined && caller.kind === 'key') {
      if (reign.recent.size >= RECENT_MAX) reign.recent.clear();
      reign.recent.set(apiKey, known);
    }
    return known;
  }

  function fits(known: Remembered, request: HttpRequest, reign: Reign): boolean {
    return (
      known.reign === reign &&
      known.target === request.target &&
      known.apiKey === request.apiKey &&
      known.authorization === request.authorization &&
      known.forwardedFor === request.forwardedFor &&
      known.forwarded === request.forwarded &&
      known.origin === request.origin &&
      reign.callers.current(known.context.caller, options.epochMs)
    );
  }

  function recall(request: HttpRequest, reign: Reign): Remembered {
    const known = request.peer.memo as Remembered | undefined;
    if (known !== undefined && fits(known, request, reign)) return known;
    const recent = request.apiKey === undefined ? undefined : reign.recent.get(request.apiKey);
    if (
      recent !== undefined &&
      recent.peerAddress === request.peer.address &&
      recent.context.lane === request.lane &&
      fits(recent, request, reign)
    ) {
      request.peer.memo = recent;
      return recent;
    }
    return remember(request, reign);
  }

  /** Answers a request in which no call was found, and notes it. */
  function refuse(
    request: HttpRequest,
    known: Remembered,
    reply: Reply,
    code: RefusalCode,
    text?: FaultyText,
  ): void {
    const exchange = exchangeOf(request, known, reply);
    const { requestId } = exchange;
    const fault = text && describeFault(text.bytes, text.fault);
    const detail = fault ? faultDetail(fault, requestId) : { requestId };
    const body = known.context.policy.errorAnswer(text?.id ?? 'null', code, detail);
    const allow = code === 'http_method_unsupported' ? 'Allow: POST, OPTIONS\r\n' : '';
    const headers = `Content-Type: application/json\r\nX-Request-Id: ${requestId}\r\n${allow}${known.context.corsLines}`;
    const call = new Call(exchange, -1, 0);
    call.refusal = code;
    call.reason = fault?.what ?? known.context.caller.refusedBecause;
    options.sink.turnedAway(call);
    reply.send(refusals[code].http, headers, body);
  }

  function exchangeOf(request: HttpRequest, known: Remembered, reply: Reply): Exchange {
    const count = options.requestIds.next();
    const id = {
      request: count,
      requestId: options.requestIds.text(count),
      callerRequestId: cutId(request.requestId),
      startedAt: options.now(),
    };
    return new Exchange(known.context, id, options.sink, reply);
  }

  function receiveBatch(request: HttpRequest, known: Remembered, reply: Reply): void {
    const { bytes, bodyStart, bodyEnd } = request;
    const found = scanBatch(bytes, bodyStart, bodyEnd, known.context.policy.snapshot.server.maxBatchSize);
    if (!('items' in found))
      return refuse(request, known, reply, 'invalid_request', { id: 'null', fault: found, bytes });
    const exchange = exchangeOf(request, known, reply);
    const calls = found.items.map((_item, k) => new Call(exchange, k, options.sample()));
    exchange.expect(calls);
    options.sink.request(request.lane, calls.length);
    found.items.forEach((item, k) => {
      const call = calls[k]!;
      if (item.fault === 0) {
        call.read(bytes, item, methodName(bytes, item));
        options.pipeline(call);
        call.release();
      } else {
        call.id = item.idStart < 0 ? 'null' : bytes.toString('latin1', item.idStart, item.idEnd);
        const fault = describeFault(bytes, item);
        const { data, message } = faultDetail(fault, exchange.requestId);
        call.refuse('invalid_request', fault.what, data, message);
      }
    });
  }

  function receiveOther(request: HttpRequest, known: Remembered, reply: Reply): boolean {
    const { route, reign } = known;
    if (request.method === 'OPTIONS' && request.origin !== undefined && reign.cors !== null) {
      reply.send(
        204,
        `X-Request-Id: ${options.requestIds.text(options.requestIds.next())}\r\n${preflightLines(reign.cors, request.origin)}`,
        '',
      );
      return true;
    }
    if (route.path === '/healthz' && (request.method === 'GET' || request.method === 'HEAD')) {
      const ids = `X-Request-Id: ${options.requestIds.text(options.requestIds.next())}\r\nX-Polymorph-Instance: ${options.instanceId}\r\n`;
      reply.send(200, `Content-Type: application/json\r\n${ids}`, '{"status":"ok"}\n');
      return true;
    }
    if (route.network < 0 || (route.pathKey !== undefined && !looksLikeKey(route.pathKey))) {
      const keyShaped = route.pathKey !== undefined && looksLikeKey(route.pathKey);
      refuse(request, known, reply, keyShaped ? 'unauthorized' : 'path_not_found');
      return true;
    }
    if (request.method !== 'POST') {
      refuse(request, known, reply, 'http_method_unsupported');
      return true;
    }
    if (request.contentEncoding !== undefined && request.contentEncoding.toLowerCase() !== 'identity') {
      refuse(request, known, reply, 'encoding_unsupported');
      return true;
    }
    return false;
  }

  return (request, reply) => {
    const known = recall(request, options.reign());
    const { route } = known;
    const plain = request.lane === 'fast' && route.network >= 0 && route.pathKey === undefined;
    if (!plain && receiveOther(request, known, reply)) return;
    const { bytes, bodyStart, bodyEnd } = request;
    if (!scanRequest(bytes, bodyStart, bodyEnd, scan)) {
      if (scan.fault === 0 && scan.kind === KIND_BATCH) return receiveBatch(request, known, reply);
      const id = scan.idStart < 0 ? 'null' : bytes.toString('latin1', scan.idStart, scan.idEnd);
      const code = describeFault(bytes, scan).refusal;
      return refuse(request, known, reply, code, { id, fault: scan, bytes });
    }
    const call = new Call(exchangeOf(request, known, reply), -1, options.sample());
    call.read(bytes, scan, methodName(bytes, scan));
    options.sink.request(request.lane, null);
    options.pipeline(call);
    call.release();
  };
}
