import type { NetworkPolicy, PolicySnapshot } from '../config/index.ts';
import { type AnswerRoom, type AnswerStats, createAnswerRoom, type SharedStore } from '../answer/index.ts';
import type { Turn } from '../http/index.ts';
import {
  type BoardMemory,
  createHeads,
  createUpstreamBoard,
  createUpstreamPool,
  type DeliveryTrace,
  type Heads,
  health,
  type UpstreamPool,
} from '../upstream/index.ts';
import type { Call } from './call.ts';

/** What one network has counted in one worker. */
export interface NetworkCounts {
  name: string;
  pool: UpstreamPool;
  answers: AnswerStats;
}

/** The networks of one worker: for each its upstreams, and the answers that are kept or under way. */
export interface Networks {
  /** Answers the call from what is kept, by a call under way, or by an upstream. */
  send(call: Call): void;
  /** The same of a call that has waited: the policy may be another by now than the one it came with. */
  sendLate(call: Call): void;
  /** Would {@link send} ask no upstream for it? */
  holds(call: Call): boolean;
  /** To be called with each unsafe call that may have run: what depends on the chain's state may be another now. */
  touch(call: Call): void;
  /** Takes over a policy between two calls. Networks of the same name keep connections and answers. */
  apply(snapshot: PolicySnapshot): void;
  /** Those that are leaving included, until their last call has ended: what they count still counts. */
  counts(): NetworkCounts[];
  close(graceMs: number): Promise<void>;
}

interface Network {
  /** The present policy. */
  readonly held: { policy: NetworkPolicy };
  readonly pool: UpstreamPool;
  readonly answers: AnswerRoom<DeliveryTrace>;
  readonly heads: Heads;
}

export function createNetworks(
  first: PolicySnapshot,
  deps: {
    turn: Turn;
    /** Monotonic microseconds. */
    now: () => number;
    board: BoardMemory;
    /** Secret. */
    seed: number;
    /** Number of this worker, from 0. */
    worker: number;
    /** Called before a network that has left is forgotten, to take over its counts. */
    beforeForgetting: () => void;
    /** Where instances keep answers together; null: nowhere. */
    shared: SharedStore | null;
    /** A call is about to be told an answer of those. */
    foundShared: (call: Call) => void;
  },
): Networks {
  const { board, now } = deps;
  const upstreams = createUpstreamBoard(board);
  let byName = new Map<string, Network>();
  let byIndex: Network[] = [];
  const leaving = new Set<Network>();

  function open(policy: NetworkPolicy): Network {
    const heads = createHeads(board, policy.slot);
    const pool = createUpstreamPool(policy, deps);
    const held = { policy };
    return {
      held,
      pool,
      heads,
      answers: createAnswerRoom<DeliveryTrace>(policy, {
        chain: heads,
        seed: deps.seed,
        upstreamHead(via) {
          const slot = held.policy.upstreams[via]?.slot ?? -1;
          return slot >= 0 && upstreams.health(slot) === health.up ? upstreams.head(slot) : -1;
        },
        send: (call) => pool.send(call),
        now,
        shared: deps.shared,
        // What is sent here are calls of this room alone.
        foundShared: (call) => deps.foundShared(call as Call),
        later(ms, run) {
          const timer = setTimeout(run, ms);
          return () => clearTimeout(timer);
        },
      }),
    };
  }

  function leave(network: Network, graceMs: number): void {
    leaving.add(network);
    void network.pool.close(graceMs).then(() => {
      deps.beforeForgetting();
      leaving.delete(network);
    });
  }

  function apply(snapshot: PolicySnapshot): void {
    const before = byName;
    byName = new Map();
    byIndex = snapshot.networks.map((policy) => {
      const known = before.get(policy.name);
      const network = known ?? open(policy);
      if (known !== undefined) {
        known.held.policy = policy;
        known.pool.update(policy, snapshot.server.drainTimeoutMs);
        known.answers.update(policy);
      }
      byName.set(policy.name, network);
      return network;
    });
    for (const [name, network] of before)
      if (!byName.has(name)) leave(network, snapshot.server.drainTimeoutMs);
  }
  apply(first);

  const counts = ({ held, pool, answers }: Network): NetworkCounts => ({
    name: held.policy.name,
    pool,
    answers: answers.stats(),
  });
  return {
    send: (call) => byIndex[call.context.network]!.answers.send(call),
    sendLate(call) {
      // By its own policy: that of now may number networks in another way.
      const network = byName.get(call.context.policy.snapshot.networks[call.context.network]!.name);
      if (network !== undefined) return network.answers.send(call);
      call.retryAfterMs = 1000;
      call.refuse('no_upstream', 'its network was taken out of the config');
    },
    holds: (call) => byIndex[call.context.network]!.answers.holds(call),
    touch(call) {
      // By its own policy: that of now may number networks in another way.
      const name = call.context.policy.snapshot.networks[call.context.network]?.name ?? '';
      byName.get(name)?.heads.touch();
    },
    apply,
    counts: () => [...byName.values(), ...leaving].map(counts),
    async close(graceMs) {
      await Promise.all([...byName.values()].map(({ pool }) => pool.close(graceMs)));
    },
  };
}
