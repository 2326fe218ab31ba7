import type { HttpRequest, Reply } from '../http/index.ts';
import type { KeySources } from '../identity/index.ts';
import type { RefusalCode } from '../jsonrpc/index.ts';
import { type Admission, addressRefused } from './admit.ts';
import type { CallContext } from './context.ts';
import { corsOf, preflightLines } from './cors.ts';
import type { Arrival, CallReader } from './read-calls.ts';
import { cutId, type RequestIds } from './request-id.ts';
import { type Reign, type Remembered, standingOf } from './reign.ts';
import { isOffRoute, offRoute, type Route, routeOf } from './route.ts';

/** Callers kept beyond their connections; when there are more, it begins anew. */
const RECENT_MAX = 4096;

export interface ReceiveOptions {
  /** The policy now; swapped between two requests. */
  reign: () => Reign;
  requestIds: RequestIds;
  reader: CallReader;
  admission: Pick<Admission, 'turnsAway'>;
  epochMs: () => number;
  instanceId: string;
}

/** The first stage over HTTP: from a request to the calls in it, or to the answer that there are none. */
export function createReceiver(options: ReceiveOptions): (request: HttpRequest, reply: Reply) => void {
  const { reader } = options;

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
      standing: standingOf(reign, caller),
      network: route.network,
      lane: request.lane,
      socketId: null,
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

  /** What is no call, or not plainly one; false: it may be. */
  function receiveOther(request: HttpRequest, known: Remembered, arrival: Arrival): boolean {
    const { reply } = arrival;
    const { route, reign, context } = known;
    if (route.path === '/healthz' && (request.method === 'GET' || request.method === 'HEAD')) {
      const ids = `X-Request-Id: ${options.requestIds.text(options.requestIds.next())}\r\nX-Polymorph-Instance: ${options.instanceId}\r\n`;
      reply.send(200, `Content-Type: application/json\r\n${ids}`, '{"status":"ok"}\n');
      return true;
    }
    const isPreflight = request.method === 'OPTIONS' && request.origin !== undefined && reign.cors !== null;
    const refusal = isPreflight ? null : refusalOf(request, route);
    // What is a call is asked about by the stages.
    if (!isPreflight && refusal === null) return false;
    if (options.admission.turnsAway(context)) reader.refuse('forbidden', arrival, addressRefused);
    else if (refusal !== null) reader.refuse(refusal, arrival);
    else {
      const id = `X-Request-Id: ${options.requestIds.text(options.requestIds.next())}\r\n`;
      reply.send(204, id + preflightLines(reign.cors, request.origin), '');
    }
    return true;
  }

  return (request, reply) => {
    const known = recall(request, options.reign());
    const { route, context } = known;
    const arrival: Arrival = {
      context,
      callerRequestId: cutId(request.requestId),
      reply,
      session: null,
    };
    const plain = request.lane === 'fast' && route.network >= 0 && route.pathKey === undefined;
    if (!plain && receiveOther(request, known, arrival)) return;
    reader.read(request.bytes, request.bodyStart, request.bodyEnd, arrival);
  };
}

/** Why no text of the request's is read; null: it may be one of calls. */
function refusalOf({ method, contentEncoding }: HttpRequest, route: Route): RefusalCode | null {
  if (isOffRoute(route)) return offRoute(route);
  if (method !== 'POST') return 'http_method_unsupported';
  const plain = contentEncoding === undefined || contentEncoding.toLowerCase() === 'identity';
  return plain ? null : 'encoding_unsupported';
}
