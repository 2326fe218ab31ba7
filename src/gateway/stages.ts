import type { Admission } from './admit.ts';
import type { Call } from './call.ts';
import type { CallContext } from './context.ts';

/**
 * A caller that may not call was found out when its credentials were read; every call of it says so. One whose address is refused
 * is left to `admit`: who is banned for trying keys must not learn on which of them is one.
 */
export function createIdentifyStage(admission: Pick<Admission, 'turnsAway'>): (call: Call) => boolean {
  return (call) => {
    const { refusedBecause } = call.context.caller;
    if (refusedBecause === null || admission.turnsAway(call.context)) return true;
    call.refuse('unauthorized', refusedBecause);
    return false;
  };
}

/** While usage cannot be kept, and must be, nothing is begun that would have to be counted. */
export function createMeterStage(unmetered: (context: CallContext) => boolean): (call: Call) => boolean {
  return (call) => {
    if (!unmetered(call.context)) return true;
    call.retryAfterMs = 1000;
    call.refuse('unmetered', 'the disk of the usage journal is full');
    return false;
  };
}

export function classify(call: Call): boolean {
  const { policy, caller, network } = call.context;
  const facts = policy.method(call.method);
  call.facts = facts;
  call.safe = facts.safe;
  call.cheap = facts.cheap;
  call.retry = facts.retry;
  call.critical = facts.critical;
  call.cost = facts.cost;
  if (facts.blockedBy !== null) {
    call.refuse('method_blocked', facts.blockedBy, { method: call.method });
    return false;
  }
  call.plan = policy.plan(facts, caller.ruleSet, caller.kind === 'key', network);
  return true;
}

/** Where answers that need no upstream cost less: whether this one does is found out before it is paid for. */
export function createPriceStage(networks: { holds(call: Call): boolean }): (call: Call) => boolean {
  return (call) => {
    const share = call.context.policy.snapshot.chargeCached;
    if (share < 1 && networks.holds(call)) call.cost = Math.ceil(call.cost * share);
    return true;
  };
}
