import type { UpgradeRequest } from '../../http/index.ts';
import { digestOfKey, type KeySources, keyInProtocols, presentedKey } from '../../identity/index.ts';
import type { RefusalCode, RefusalDetail } from '../../jsonrpc/index.ts';
import { noKey } from '../../usage/index.ts';
import { type Admission, addressRefused } from '../admit.ts';
import type { Caller } from '../caller.ts';
import type { CallContext } from '../context.ts';
import { corsOf } from '../cors.ts';
import { type Reign, standingOf } from '../reign.ts';
import { isOffRoute, offRoute, routeOf } from '../route.ts';

/** What a worker knows of one socket for as long as it is open: who is calling, and where to. */
export interface Visitor {
  reign: Reign;
  context: CallContext;
  readonly networkName: string;
  /** Of the key's SHA-256, so that a later policy can be asked for it; null without a key. */
  readonly digest: string | null;
  readonly openedAtMs: number;
}

/** Why an upgrade is refused before anybody else is asked. */
export interface UpgradeRefusal {
  code: RefusalCode;
  data?: RefusalDetail['data'];
}

export interface Visitors {
  /** Identifies who asks for a socket, by the policy of now. */
  receive(request: UpgradeRequest, socketId: string): { visitor: Visitor; refusal: UpgradeRefusal | null };
  /** Takes over the policy of now: the same key, or address, on the network of the same name. */
  refresh(visitor: Visitor): void;
}

export function createVisitors({
  reign,
  admission,
  epochMs,
}: {
  reign: () => Reign;
  admission: Pick<Admission, 'turnsAway'>;
  epochMs: () => number;
}): Visitors {
  function callerNow({ callers }: Reign, before: Caller, digest: string | null): Caller {
    const origin = { peerAddress: before.from, forwardedFor: undefined, forwarded: undefined };
    if (digest === null) return callers.resolve(origin, {}, epochMs());
    const { foundIn } = before;
    const known = callers.ofKey(digest, before.from, epochMs());
    return known === undefined
      ? { ...before, kind: 'unknown', keySlot: -1, keyId: noKey, ruleSet: 0, refusedBecause: 'unknown key' }
      : { ...known, foundIn };
  }

  return {
    receive(request, socketId) {
      const now = reign();
      const { policy } = now;
      const route = routeOf(request.target, policy.paths);
      const { apiKey: xApiKey, authorization, address, forwardedFor, forwarded } = request;
      const sources: KeySources = {
        ...{ xApiKey, authorization, path: route.pathKey, query: route.queryKey },
        subprotocol: keyInProtocols(request.protocols),
      };
      const from = { peerAddress: address, forwardedFor, forwarded };
      const caller = now.callers.resolve(from, sources, epochMs());
      const corsLines = corsOf(now.cors, request.origin);
      const context: CallContext = {
        ...{ policy, caller, standing: standingOf(now, caller), network: route.network },
        ...{ lane: 'websocket', socketId, corsLines },
      };
      const key = presentedKey(sources);
      const visitor: Visitor = {
        reign: now,
        context,
        networkName: policy.snapshot.networks[route.network]?.name ?? '',
        digest: typeof key === 'string' ? digestOfKey(key) : null,
        openedAtMs: epochMs(),
      };
      if (admission.turnsAway(context))
        return { visitor, refusal: { code: 'forbidden', data: addressRefused } };
      const off = isOffRoute(route) ? offRoute(route) : null;
      return { visitor, refusal: off === null ? refusalOf(context, request.origin) : { code: off } };
    },
    refresh(visitor) {
      const now = reign();
      const { context, digest } = visitor;
      const { snapshot } = now.policy;
      const network = snapshot.networks.findIndex(({ name }) => name === visitor.networkName);
      const caller = callerNow(now, context.caller, digest);
      visitor.reign = now;
      const standing = standingOf(now, caller);
      visitor.context = { ...context, policy: now.policy, network, caller, standing };
    },
  };
}

function refusalOf(context: CallContext, origin: string | undefined): UpgradeRefusal | null {
  const { policy, caller } = context;
  const { enabled, origins } = policy.snapshot.websocket;
  if (!enabled) return { code: 'http_method_unsupported' };
  const allowed = origin === undefined || origins.includes('*') || origins.includes(origin.toLowerCase());
  if (!allowed) return { code: 'forbidden', data: { reason: 'origin' } };
  return caller.refusedBecause === null ? null : { code: 'unauthorized' };
}
