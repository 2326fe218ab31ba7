import type { NetworkPolicy, UpstreamPolicy } from '../../config/index.ts';
import {
  type BoardMemory,
  createHeads,
  createUpstreamBoard,
  health,
  healthReasons,
  healthReasonTexts,
  type UpstreamBoard,
} from '../board.ts';
import { type Block, blockOf } from './block.ts';
import type { ChainSource } from './chain-source.ts';
import type { HealthClock } from './clock.ts';
import type { HealthEvent, NetworkHealth, UpstreamHealth } from './events.ts';
import { createHeadTracker, type HeadTracker } from './head-tracker.ts';
import type { Node } from './node.ts';
import { createProber, type Prober } from './prober.ts';
import type { Transition } from './vitals.ts';

/** Where no cache says how deep finality is. */
const FINALITY_DEPTH = 64;

export interface WatchOptions {
  board: BoardMemory;
  clock: HealthClock;
  createNode(policy: UpstreamPolicy, timeoutMs: number): Node;
  tell(event: HealthEvent): void;
}

/** Checks the upstreams of one network and follows its chain. */
export interface NetworkWatch {
  /**
   * Takes over a new policy: an upstream of the same slot, address and credentials keeps its state, of another nothing is
   * known at once. With another chain id, or no upstream kept, the network has no head until one is found anew.
   */
  update(policy: NetworkPolicy): void;
  state(): NetworkHealth;
  /** By config. */
  readonly chainIdIsKnown: boolean;
  /** Resolves once each upstream was checked, or is watched no more. */
  checked(): Promise<void>;
  /** Ends all checks; resolves when their connections are closed. The board stays as it is. */
  stop(): Promise<void>;
}

interface Watched {
  policy: UpstreamPolicy;
  node: Node;
  prober: Prober;
  source: ChainSource;
}

export function createNetworkWatch(first: NetworkPolicy, options: WatchOptions): NetworkWatch {
  const { clock, tell } = options;
  const board = createUpstreamBoard(options.board);
  let policy = first;
  let watched: Watched[] = [];
  let begun = false;
  const network = first.name;
  const heads = createHeads(options.board, first.slot);

  const follow = (): HeadTracker =>
    createHeadTracker({
      heads,
      maxBlockLag: () => policy.maxBlockLag,
      finalityDepth: () => policy.cache?.finalityDepth ?? FINALITY_DEPTH,
      onReorg: (from, head, upstream) =>
        tell({ type: 'chain.reorg', network, upstream, from, head: head.number }),
      onDisbelief: (upstream, tip, why) =>
        tell({ type: 'head.doubted', network, upstream, head: tip.number, why }),
    });
  let tracker = follow();

  const waiting: (() => void)[] = [];
  const isChecked = (): boolean => watched.every(({ prober }) => prober.checked);

  /** As configured; else what most upstreams say once each was asked, and of equally many what the first says. */
  const expectedChainId = (): number | null => policy.chainId ?? (begun ? mostFrequent(watched) : null);

  const watch = (upstream: UpstreamPolicy): Watched => {
    const node = options.createNode(upstream, policy.health.timeoutMs);
    const source = sourceOf(upstream.name, node);
    const { slot } = upstream;
    const prober = createProber({
      node,
      clock,
      network: () => policy,
      expectedChainId,
      networkHead: () => tracker.head?.number ?? -1,
      onKnownChain: (tip) => tracker.knows(tip),
      onTip(tip) {
        board.setHead(slot, tip.number);
        void tracker.observe(source, tip);
      },
      onTransition(transition, detail) {
        if (transition.to === 'down') tracker.forget(source);
        // Whatever it answered while it was trusted may have been of that other chain.
        if (transition.to === 'down' && transition.reason === 'wrongChain' && heads.head >= 0) {
          heads.reorg(0, heads.head, heads.finalized);
        }
        const down = transition.to === 'down';
        const reason = down ? healthReasons[transition.reason] : healthReasons.none;
        board.setHealth(slot, down ? health.down : health.up, reason);
        tell(eventOf(network, upstream.name, transition, detail));
      },
      onChecked() {
        beginOnceAllChecked();
        if (isChecked()) for (const go of waiting.splice(0)) go();
      },
    });
    return { policy: upstream, node, prober, source };
  };

  const unwatch = ({ node, prober, source }: Watched): Promise<void> => {
    prober.stop();
    tracker.forget(source);
    return node.close();
  };

  /** The first head is chosen among all, so that a single wrong one that was quicker does not lead the way. */
  function beginOnceAllChecked(): void {
    if (begun || !isChecked()) return;
    begun = true;
    const expected = expectedChainId();
    for (const { prober, source } of watched) {
      if (prober.chainId === null || expected === null || prober.chainId === expected) continue;
      tracker.forget(source);
      prober.checkNow();
    }
    tracker.begin();
  }

  /** Nobody is to be told the head of a chain that is not the network's any more: to all it is as if each block were replaced. */
  const leaveChain = (): void => {
    tracker.stop();
    tracker = follow();
    begun = false;
    if (heads.head >= 0) heads.reorg(0, -1, -1);
  };

  const update = (next: NetworkPolicy): void => {
    const before = watched;
    const otherChain = next.chainId !== null && ![null, next.chainId].includes(expectedChainId());
    // Another chain or another call: what was known of all must be asked anew.
    const asksAnew = policy.chainId !== next.chainId || !same(policy.health, next.health);
    policy = next;
    const keeps = (upstream: UpstreamPolicy): Watched | undefined =>
      otherChain ? undefined : before.find((each) => sameNode(each.policy, upstream));
    const kept = new Map(next.upstreams.map((upstream) => [upstream, keeps(upstream)]));
    watched = [...kept.values()].filter((each) => each !== undefined);
    for (const each of before) if (!watched.includes(each)) void unwatch(each);
    if (before.length > 0 && watched.length === 0) leaveChain();
    watched = [];
    for (const upstream of next.upstreams) {
      const known = kept.get(upstream);
      if (known === undefined) {
        forgetHealth(board, upstream.slot);
        watched.push(watch(upstream));
        continue;
      }
      const changed = !same(known.policy, { ...upstream, index: known.policy.index });
      known.node.update(upstream, next.health.timeoutMs);
      known.policy = upstream;
      watched.push(known);
      if (changed || asksAnew) known.prober.checkNow();
    }
  };

  update(first);
  return {
    update,
    get chainIdIsKnown() {
      return policy.chainId !== null;
    },
    state() {
      const { head, finalized } = tracker;
      return {
        network,
        chainId: expectedChainId(),
        head: head && { number: head.number, hash: head.hash },
        finalized: finalized < 0 ? null : finalized,
        upstreams: watched.map((each) => healthOf(each, board, head, clock.now())),
      };
    },
    checked: () => (isChecked() ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    async stop() {
      for (const go of waiting.splice(0)) go();
      tracker.stop();
      await Promise.all(watched.map(unwatch));
    },
  };
}

/** Nothing is known of the upstream any more; what workers keep in its slot stays. */
export function forgetHealth(board: UpstreamBoard, slot: number): void {
  board.setHealth(slot, health.unknown, healthReasons.none);
  board.setHead(slot, -1);
}

function sourceOf(name: string, node: Node): ChainSource {
  return {
    name,
    async blockAt(which) {
      const tag = which === 'finalized' ? which : `0x${which.toString(16)}`;
      const told = await node.ask('eth_getBlockByNumber', `["${tag}",false]`);
      // A node that does not know the tag says so by an error.
      if (told.kind === 'error') return which === 'finalized' && !told.throttled ? null : undefined;
      const block = told.kind === 'result' ? blockOf(told.value) : undefined;
      return block && which !== 'finalized' && block.number !== which ? undefined : block;
    },
  };
}

function mostFrequent(watched: readonly Watched[]): number | null {
  const votes = new Map<number, number>();
  for (const { prober } of watched) {
    if (prober.chainId !== null) votes.set(prober.chainId, (votes.get(prober.chainId) ?? 0) + 1);
  }
  let winner: number | null = null;
  for (const [chainId, count] of votes) if (count > (votes.get(winner ?? -1) ?? 0)) winner = chainId;
  return winner;
}

/** For people: no more of a clock's digits than they read. */
const whole = (ms: number | null): number | null => (ms === null ? null : Math.round(ms));

function eventOf(network: string, upstream: string, transition: Transition, detail: string): HealthEvent {
  if (transition.to === 'up')
    return { type: 'upstream.up', network, upstream, downMs: whole(transition.downMs) };
  const reason = healthReasonTexts[healthReasons[transition.reason]];
  return { type: 'upstream.down', network, upstream, reason, detail, upMs: whole(transition.upMs) };
}

function healthOf(
  { policy, prober }: Watched,
  board: UpstreamBoard,
  head: Block | null,
  nowMs: number,
): UpstreamHealth {
  const { state, reason, sinceMs, downs } = prober.vitals;
  const own = prober.tip?.number ?? null;
  return {
    upstream: policy.name,
    state,
    reason: reason && healthReasonTexts[healthReasons[reason]],
    detail: prober.detail === '' ? null : prober.detail,
    head: own,
    lag: own === null || head === null ? null : Math.max(0, head.number - own),
    forMs: Math.round(nowMs - sinceMs),
    downs,
    breaker: board.breaker(policy.slot).state,
  };
}

/** Behind one address other credentials, too, may lead to another node. */
function sameNode(a: UpstreamPolicy, b: UpstreamPolicy): boolean {
  const parts = ({ slot, host, port, path, tls, hostHeader, authorization, headers }: UpstreamPolicy) => [
    ...[slot, host, port, path, tls, hostHeader, authorization],
    headers,
  ];
  return same(parts(a), parts(b));
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
