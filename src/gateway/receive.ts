import { newStanding, type Standing } from '../admission/index.ts';
import type { HttpRequest, Reply } from '../http/index.ts';
import type { KeySources } from '../identity/index.ts';
import type { RefusalCode } from '../jsonrpc/index.ts';
import { type Admission, addressRefused } from './admit.ts';
import type { Caller, CallerResolver } from './caller.ts';
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
  /** For the same reason: see {@link standingOf}. */
  readonly standings: ({ address: string; standing: Standing } | undefined)[];
}

export function createReign(policy: Policy, callers: CallerResolver, cors: CorsLines): Reign {
  return { policy, callers, cors, recent: new Map(), standings: new Array(STANDINGS).fill(undefined) };
}

/** Places for standings, 150 bytes each once taken. A power of two. */
const STANDINGS = 16_384;

/**
 * What the blocklist says of an address, for all who call from it: behind a proxy one connection brings many, and each look-up in
 * lists and bans takes 1 to 8 us. A place is told by the address's seeded hash, which is there already, and goes to the last who came.
 */
export function standingOf(
  { standings }: Reign,
  { addressLo, from }: Pick<Caller, 'addressLo' | 'from'>,
): Standing {
  const at = addressLo & (STANDINGS - 1);
  const known = standings[at];
  if (known !== undefined && known.address === from) return known.standing;
  const standing = newStanding();
  standings[at] = { address: from, standing };
  return standing;
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

  function receiveOther(request: HttpRequest, known: Remembered, arrival: Arrival): boolean {
    const { reply } = arrival;
    const { route, reign, context } = known;
    if (route.path === '/healthz' && (request.method === 'GET' || request.method === 'HEAD')) {
      const ids = `X-Request-Id: ${options.requestIds.text(options.requestIds.next())}\r\nX-Polymorph-Instance: ${options.instanceId}\r\n`;
      reply.send(200, `Content-Type: application/json\r\n${ids}`, '{"status":"ok"}\n');
      return true;
    }
    const refuse = (code: RefusalCode): true => {
      // What is a call is asked about by the stages.
      if (options.admission.turnsAway(context)) reader.refuse('forbidden', arrival, addressRefused);
      else reader.refuse(code, arrival);
      return true;
    };
    if (request.method === 'OPTIONS' && request.origin !== undefined && reign.cors !== null) {
      if (options.admission.turnsAway(context)) {
        reader.refuse('forbidden', arrival, addressRefused);
        return true;
      }
      reply.send(
        204,
        `X-Request-Id: ${options.requestIds.text(options.requestIds.next())}\r\n${preflightLines(reign.cors, request.origin)}`,
        '',
      );
      return true;
    }
    if (isOffRoute(route)) return refuse(offRoute(route));
    if (request.method !== 'POST') return refuse('http_method_unsupported');
    if (request.contentEncoding !== undefined && request.contentEncoding.toLowerCase() !== 'identity')
      return refuse('encoding_unsupported');
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
