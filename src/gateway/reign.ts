import { newStanding, type Standing } from '../admission/index.ts';
import type { Caller, CallerResolver } from './caller.ts';
import type { CallContext } from './context.ts';
import type { CorsLines } from './cors.ts';
import type { Policy } from './policy.ts';
import type { Route } from './route.ts';

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

/** What was read from a request, for as long as the next ones say the same. */
export interface Remembered {
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
