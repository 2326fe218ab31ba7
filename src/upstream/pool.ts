import type { NetworkPolicy } from '../config/index.ts';
import { type BoardMemory, createHeads, createUpstreamBoard, UPSTREAM_SLOTS } from './board.ts';
import type { DeliveryTrace, UpstreamCall, UpstreamDeps, UpstreamStats } from './call.ts';
import type { BreakerState } from './pool/breaker.ts';
import { cellPlacesOf } from './pool/cells.ts';
import { Dispatcher } from './pool/dispatcher.ts';
import type { Timers } from './pool/endings.ts';
import type { PoolTotals } from './pool/totals.ts';
import { Member } from './pool/member.ts';
import { sameService } from './pool/same-node.ts';
import { requestHead } from './request-head.ts';
import { createUpstream } from './upstream.ts';

/** One upstream as its pool knows it; totals since start, of this worker. */
export interface PooledUpstreamStats extends UpstreamStats {
  /** Over all workers. */
  breaker: BreakerState;
  /** Attempts sent here after another one failed; hedges sent here, and those that won. */
  retries: number;
  hedges: number;
  hedgesWon: number;
  /** Calls answered here that were first sent elsewhere. */
  failovers: number;
  /** Methods that the node said it lacks. */
  missingMethods: number;
}

/** The upstreams of one network. */
export interface UpstreamPool {
  /**
   * Never throws. The call is told exactly once what became of it, never inside `send`, and inside the network's
   * `timeoutMs`: by the first upstream that can serve it.
   */
  send(call: UpstreamCall): void;
  /** The upstreams as they would be weighed for a call of this method now; the one not passed over would get it. Changes nothing. */
  foresee(method: string): DeliveryTrace['weighed'];
  /**
   * Takes over a network's new policy between two calls. An upstream of the same name stays, with its connections; one
   * that is gone closes after its calls, for up to `graceMs` milliseconds.
   *
   * @throws TypeError for no upstream, or for headers that cannot be sent; then nothing has changed
   */
  update(network: NetworkPolicy, graceMs: number): void;
  /** Closes all of them; see `Upstream.close`. */
  close(graceMs: number): Promise<void>;
  stats(): PooledUpstreamStats[];
  totals(): PoolTotals;
}

export interface UpstreamPoolDeps extends Omit<UpstreamDeps, 'observer'> {
  board: BoardMemory;
  /** Number of this worker, from 0. */
  worker: number;
  /** From 0 to below 1; `Math.random` by default. */
  random?: () => number;
  /** The system's by default. */
  timers?: Timers;
}

const systemTimers: Timers = {
  set: (run, ms) => setTimeout(run, ms),
  clear: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

/** @throws TypeError for a network without upstreams, or for headers that cannot be sent */
export function createUpstreamPool(network: NetworkPolicy, given: UpstreamPoolDeps): UpstreamPool {
  const { board, worker, turn, now, random = Math.random, timers = systemTimers } = given;
  const heads = createHeads(board, network.slot);
  const dispatcher = new Dispatcher(network, { turn, now, random, timers, heads });
  const deps: UpstreamDeps = { ...given, observer: dispatcher };
  let members: Member[] = [];
  /** Upstreams no longer configured that still have calls under way. */
  const leaving = new Set<Promise<void>>();

  /** A cancelled call that the node still has counts against its `maxInFlight`. */
  function lingeringAt(slot: number): (change: 1 | -1) => void {
    const { cells, inFlight, stride } = cellPlacesOf(board.cells, UPSTREAM_SLOTS, slot);
    const own = inFlight + worker * stride;
    return (change) => void (cells[own]! += change);
  }

  function take(next: NetworkPolicy, graceMs: number): void {
    if (next.upstreams.length === 0) throw new TypeError('a network needs an upstream');
    // All of them are checked before one is changed.
    for (const policy of next.upstreams) requestHead(policy);
    const before = new Map(members.map((member) => [member.policy.name, member]));
    members = next.upstreams.map((policy) => {
      const known = before.get(policy.name);
      if (known !== undefined) {
        known.upstream.update(policy);
        if (!sameService(known.policy, policy)) return known.renewed(policy, next);
        known.update(policy, next);
        return known;
      }
      const member = new Member(policy, next, { board, worker, random });
      member.upstream = createUpstream(policy, { ...deps, lingering: lingeringAt(policy.slot) });
      return member;
    });
    dispatcher.update(next, members);
    const stays = new Set(members.map(({ upstream }) => upstream));
    for (const member of before.values()) {
      if (stays.has(member.upstream)) continue;
      const gone = member.upstream.close(graceMs).then(() => void leaving.delete(gone));
      leaving.add(gone);
    }
  }
  take(network, 0);

  return {
    send: (call) => dispatcher.send(call),
    foresee: (method) =>
      dispatcher.chooser.trace(
        { method, critical: false, mayTry: false, block: -1, oldBlock: -1 },
        dispatcher.clock.now(),
      ),
    update: take,
    async close(graceMs) {
      dispatcher.close();
      await Promise.all([...members.map((member) => member.upstream.close(graceMs)), ...leaving]);
    },
    stats: () => members.map((member) => statsOf(member, board)),
    totals: () => ({ ...dispatcher.totals, waiting: dispatcher.waitingCount }),
  };
}

function statsOf(member: Member, board: BoardMemory): PooledUpstreamStats {
  return {
    ...member.upstream.stats(),
    breaker: createUpstreamBoard(board).breaker(member.policy.slot).state,
    ...member.totals,
    missingMethods: member.methods.missingCount,
  };
}
