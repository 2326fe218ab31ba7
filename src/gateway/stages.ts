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
  if (facts.blocked) {
    call.refuse('method_blocked', null, { method: call.method });
    return false;
  }
  call.plan = policy.plan(facts, caller.ruleSet, caller.kind === 'key', network);
  return true;
}

/** Its time counts from the exchange's start: the stages before it take a few microseconds. */
export function createAnswerStage(pool: (network: number) => UpstreamPool): (call: Call) => void {
  return (call) => {
    call.sentAt = call.startedAt;
    pool(call.context.network).send(call);
  };
}
