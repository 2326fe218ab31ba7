import { newStanding, openBans } from '../../admission/index.ts';
import type { PolicySnapshot } from '../../config/index.ts';
import { digestOfSha256 } from '../../identity/index.ts';
import {
  createBuckets,
  createHash64,
  createMonotonicClock,
  type LimitsMemory,
  openLeaseState,
} from '../../limits/index.ts';
import { createAdmission } from '../admit.ts';
import { Call, sampled } from '../call.ts';
import { createCallerResolver } from '../caller.ts';
import type { CallContext } from '../context.ts';
import type { DecisionRecord } from './decision.ts';
import { Exchange } from '../exchange.ts';
import { createForesight } from './foresight.ts';
import { decisionOf } from './note.ts';
import { Policy } from '../policy.ts';
import { classify, createIdentifyStage } from '../stages.ts';

const nobody = { record: () => {}, turnedAway: () => {}, request: () => {}, unread: () => {} };

/** A call that is only imagined. No key and no address: an address nobody has used. */
export interface DryRunAsk {
  keySha256?: Uint8Array;
  address?: string;
  /** Name of the network; the first one if absent. */
  network?: string;
  method: string;
}

/**
 * What would become of a call now, by the running server's own stages and buckets, taking nothing and
 * sending nothing. Runs on main, beside the workers.
 *
 * @returns undefined if there is no such network
 */
export function createDryRun(
  snapshot: PolicySnapshot,
  limits: LimitsMemory,
  bans: SharedArrayBuffer,
): (ask: DryRunAsk) => DecisionRecord | undefined {
  const hash = createHash64(limits.seed);
  const policy = new Policy(snapshot, hash);
  const callers = createCallerResolver(policy, hash);
  const now = createMonotonicClock();
  const admission = createAdmission(openBans(bans), () => {});
  const identify = createIdentifyStage(admission);
  const limit = createForesight({
    buckets: createBuckets(limits, 0),
    state: limits.leases && openLeaseState(limits.leases),
    epochMs: Date.now,
  });

  return (ask) => {
    const network =
      ask.network === undefined ? 0 : snapshot.networks.findIndex(({ name }) => name === ask.network);
    if (network < 0) return undefined;
    const address = ask.address ?? '';
    const known = ask.keySha256 && callers.ofKey(digestOfSha256(ask.keySha256), address, Date.now());
    const origin = { peerAddress: address, forwardedFor: undefined, forwarded: undefined };
    const caller = known ?? callers.resolve(origin, ask.keySha256 ? { xApiKey: '' } : {}, Date.now());
    const context: CallContext = {
      ...{ policy, caller, standing: newStanding(), network },
      ...{ lane: 'fast', socketId: null, corsLines: '' },
    };
    const id = { request: 0, requestId: '', callerRequestId: undefined, startedAt: now() };
    const exchange = new Exchange(context, id, nobody, { send: () => {}, abandoned: false }, null);
    const call = new Call(exchange, -1, sampled.explain);
    call.method = ask.method;
    if (identify(call) && admission.admit(call) && classify(call)) limit.foresee(call);
    return decisionOf(call, { worker: -1, requestId: 'dry-run', epochMs: Date.now() });
  };
}
