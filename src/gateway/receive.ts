import { newStanding } from '../admission/index.ts';
import type { HttpRequest, Reply } from '../http/index.ts';
import type { KeySources } from '../identity/index.ts';
import type { CallerResolver } from './caller.ts';
import type { CallContext } from './context.ts';
import { type CorsLines, corsOf, preflightLines } from './cors.ts';
import type { Policy } from './policy.ts';
import type { Arrival, CallReader } from './read-calls.ts';
import type { RequestIds } from './request-id.ts';
import { isOffRoute, offRoute, type Route, routeOf } from './route.ts';

/** Characters of a caller's own request id that are kept. */
const CALLER_REQUEST_ID_MAX = 128;

/** A copy where it is cut: a slice would keep the whole header for as long as the decision is kept. */
export function cutId(id: string | undefined): string | undefined {
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

export interface ReceiveOptions {
  /** The policy now; swapped between two requests. */
  reign: () => Reign;
  requestIds: RequestIds;
  reader: CallReader;
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
      standing: newStanding(),
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

  function receiveOther(request: HttpRequest, known: Remembered, arrival: Arrival): boolean {
    const { reply } = arrival;
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
    if (isOffRoute(route)) {
      reader.refuse(offRoute(route), arrival);
      return true;
    }
    if (request.method !== 'POST') {
      reader.refuse('http_method_unsupported', arrival);
      return true;
    }
    if (request.contentEncoding !== undefined && request.contentEncoding.toLowerCase() !== 'identity') {
      reader.refuse('encoding_unsupported', arrival);
      return true;
    }
    return false;
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
