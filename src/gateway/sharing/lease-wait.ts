import type { Chain, LeaseState } from '../../limits/index.ts';
import type { CallContext } from '../context.ts';
import type { Call } from '../call.ts';
import type { PlanLink } from '../limit/limit-plan.ts';
import type { LeaseNeeds } from './lease-needs.ts';
import { bucketNeed, quotaNeed } from './need-of.ts';
import type { Parked, Parking } from './parking.ts';

/** So long a call waits for leases. */
const WAIT_MS = 50;
/** A timer may be so early. */
const EARLY_MICROS = 500;
/** A call whose leases came and were used up by others asks again. */
const ROUNDS_MAX = 3;

type Links = readonly Pick<PlanLink, 'rule' | 'owner'>[];

/** Calls that wait for leases, and all that is asked of main. */
export interface LeaseWait {
  /** Asks for what the chain found cold, and has the call wait for it: null where it may not, or no longer. */
  wait(call: Call, parked: Parked | null, chain: Chain, links: Links): Parked | null;
  /** Asks for what the chain found cold, for nobody. */
  askCold(chain: Chain, context: CallContext, links: Links): void;
  /** Asks for what a decided chain found to run low, or cold, for others to come. `links` are the chain's, shadows included. */
  askMore(chain: Chain, context: CallContext, links: Links, shadows: Links): void;
  /** It waits for leases no more. */
  leave(parked: Parked): void;
  /** Main has seen to these needs. */
  answered(numbers: readonly number[]): void;
}

export function createLeaseWait(options: {
  state: LeaseState;
  needs: LeaseNeeds;
  parking: Parking;
  /** Decides a call anew; `sharing`: it waits no more. */
  again: (parked: Parked, sharing: boolean) => void;
  /** Monotonic microseconds. */
  now: () => number;
  /** Runs something once, after so many milliseconds. */
  later: (ms: number, run: () => void) => void;
  /** Default 50. */
  waitMs?: number;
}): LeaseWait {
  const { state, needs, parking, now, waitMs = WAIT_MS } = options;
  const waitMicros = waitMs * 1000;
  /** In the order in which they began to wait. */
  const waiting = new Set<Parked>();
  let armed = false;

  function arm(): void {
    if (armed) return;
    for (const { since } of waiting) {
      armed = true;
      return options.later(Math.max(1, Math.ceil((since + waitMicros - now()) / 1000)), expire);
    }
  }

  function expire(): void {
    armed = false;
    const before = now() + EARLY_MICROS - waitMicros;
    needs.forget(before);
    try {
      for (const parked of waiting) {
        if (parked.since > before) break;
        options.again(parked, true);
      }
    } finally {
      arm();
    }
  }

  function ask(chain: Chain, context: CallContext, links: Links, bits: number, parked: Parked | null): void {
    for (let at = 0; at < chain.links; at++)
      if (((bits >> at) & 1) === 1) needs.ask(bucketNeed(chain, at, links[at]!, context), parked);
  }

  function askQuotas(chain: Chain, bits: number, parked: Parked | null): void {
    for (let at = 0; at < chain.quotas; at++)
      if (((bits >> at) & 1) === 1) needs.ask(quotaNeed(chain, at), parked);
  }

  return {
    wait(call, parked, chain, links) {
      const holder = parked ?? parking.hold(call);
      const waits = holder !== null && holder.rounds < ROUNDS_MAX ? holder : null;
      const { context, plan } = call;
      const { cold, shadows } = chain;
      ask(chain, context, links, cold & ~shadows, waits);
      ask(chain, context, [...links, ...plan!.shadows], cold & shadows, null);
      askQuotas(chain, chain.coldQuotas, waits);
      if (waits === null) return null;
      waits.rounds += 1;
      waiting.add(waits);
      arm();
      return waits;
    },
    askCold(chain, context, links) {
      ask(chain, context, links, chain.cold, null);
      askQuotas(chain, chain.coldQuotas, null);
    },
    askMore(chain, context, links, shadows) {
      const bits = chain.low | chain.cold;
      if (bits === 0 && chain.lowQuotas === 0) return;
      if (state.away) return;
      ask(chain, context, shadows.length === 0 ? links : [...links, ...shadows], bits, null);
      askQuotas(chain, chain.lowQuotas, null);
    },
    leave(parked) {
      parked.over = true;
      waiting.delete(parked);
    },
    answered(numbers) {
      for (const parked of needs.answered(numbers)) options.again(parked, false);
    },
  };
}
