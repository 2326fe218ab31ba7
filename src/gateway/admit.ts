import { type BanReader, judge, newStanding, openAddressLists } from '../admission/index.ts';
import type { PolicySnapshot } from '../config/index.ts';
import { createTrustedProxies } from '../identity/index.ts';
import type { Call } from './call.ts';
import type { CallContext } from './context.ts';

/** What a caller is told: which check it was, and nothing of entries, reasons or times. */
export const addressRefused = { reason: 'address' } as const;

/** Whether callers' addresses are let in. */
export interface Admission {
  /**
   * Why the caller's address is on the blocklist, for operators; null: it is not, or is on the allow-list. One load, unless
   * the bans have changed since it was asked last.
   */
  denial(context: CallContext): string | null;
  /** The same, where it is refused for it: not while the blocklist only simulates. */
  refuses(context: CallContext): boolean;
  /** The same of one call, or of what is none, that is answered now: counted where the blocklist only simulates. */
  turnsAway(context: CallContext): boolean;
  /** Whether what it does wrong counts towards a ban. */
  counts(context: CallContext): boolean;
  /** The stage. */
  admit(call: Call): boolean;
}

export function createAdmission(bans: BanReader, simulated: () => void): Admission {
  const denial = (context: CallContext): string | null => {
    const { standing } = context;
    if (standing.generation !== bans.generation())
      judge(standing, context.caller.from, context.policy.lists, bans);
    return standing.denial;
  };
  const enforces = ({ policy }: CallContext): boolean => policy.snapshot.blocklist.mode === 'enforce';
  const turnsAway = (context: CallContext): boolean => {
    if (denial(context) === null) return false;
    if (enforces(context)) return true;
    simulated();
    return false;
  };
  return {
    denial,
    refuses: (context) => denial(context) !== null && enforces(context),
    turnsAway,
    counts: (context) => denial(context) === null && !context.standing.exempt,
    admit(call) {
      if (!turnsAway(call.context)) return true;
      call.refuse('forbidden', call.context.standing.denial, addressRefused);
      return false;
    },
  };
}

/** Whether a connection from this peer is closed at accept. Peers that speak for others never are. */
export function createPeerCheck(snapshot: PolicySnapshot, bans: BanReader): (address: string) => boolean {
  const { mode, closeConnections } = snapshot.blocklist;
  if (mode !== 'enforce' || !closeConnections) return () => false;
  const lists = openAddressLists(snapshot.blocklist);
  const proxies = createTrustedProxies(snapshot.server.trustedProxies);
  return (address) => {
    const standing = newStanding();
    judge(standing, proxies.clientAddress(address, undefined, undefined), lists, bans);
    return standing.denial !== null && !proxies.trusts(address);
  };
}
