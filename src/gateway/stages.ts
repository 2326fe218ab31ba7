import type { UpstreamPool } from '../upstream/index.ts';
import type { Call } from './call.ts';

/** A caller that may not call was found out when its credentials were read; every call of it says so. */
export function identify(call: Call): boolean {
  const { refusedBecause } = call.context.caller;
  if (refusedBecause === null) return true;
  call.refuse('unauthorized', refusedBecause);
  return false;
}

export function classify(call: Call): boolean {
  const { policy, caller, network } = call.context;
  const facts = policy.method(call.method);
  call.facts = facts;
  call.safe = facts.safe;
  call.cheap = facts.cheap;
  if (facts.blockedBy !== null) {
    call.refuse('method_blocked', facts.blockedBy, { method: call.method });
    return false;
  }
  call.plan = policy.plan(facts, caller.ruleSet, caller.kind === 'key', network);
  return true;
}

export function createAnswerStage(pool: (network: number) => UpstreamPool): (call: Call) => void {
  return (call) => pool(call.context.network).send(call);
}
