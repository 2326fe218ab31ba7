import type { FeedSource } from '../messages.ts';
import { type ChainStep, createChain } from './chain.ts';
import { type HubClock, pause } from './clock.ts';
import { type Head, readHead } from './head.ts';
import { createHeadSource, type HeadSource } from './head-source.ts';
import type { Nodes } from './nodes.ts';

/** Follows the chain of one network for as long as anybody listens to its heads or logs. */
export interface Follower {
  readonly source: FeedSource;
  readonly tip: Head | null;
  /** Resolves once heads are followed; false: no upstream could be reached. */
  start(): Promise<boolean>;
  recheck(): void;
  stop(): void;
}

export interface FollowerOptions {
  nodes: Nodes;
  clock: HubClock;
  onStep(step: ChainStep): void;
  /** The chain cannot be followed on without a gap. */
  onLost(reason: string): void;
  onSource: Parameters<typeof createHeadSource>[0]['onSource'];
}

/** Heads that wait while one is followed; an older one that is given up is fetched with the rest of the gap. */
const WAITING_MAX = 64;
/** A block that its own node has told may be a moment away from whatever answers for it. */
const TRIES = 4;
const TRY_AGAIN_MS = 150;

export function createFollower(options: FollowerOptions): Follower {
  const { nodes, clock } = options;
  let stopped = false;
  const isWanted = (): boolean => !stopped;
  let working = false;
  /** The source in use has told the tip, or a block after it. */
  let trusted = false;
  let begun = (): void => {};
  const waiting: { head: Head; fresh: boolean }[] = [];

  const chain = createChain({
    byHash: (hash) => fetch('eth_getBlockByHash', `["${hash}",false]`),
    byNumber: (number) => fetch('eth_getBlockByNumber', `["0x${number.toString(16)}",false]`),
    maxBackfill: () => nodes.network.subscriptions.maxBackfill,
  });

  const source: HeadSource = createHeadSource({
    ...{ nodes, clock },
    onSource: options.onSource,
    tip: () => chain.tip?.number ?? -1,
    onHead(head, fresh) {
      if (stopped) return;
      waiting.push({ head, fresh });
      if (waiting.length > WAITING_MAX) waiting.shift();
      if (!working) void work();
    },
  });

  /** Of the node that told the head, then of the others. */
  async function fetch(method: string, params: string): Promise<Head | null> {
    for (let k = 0; k < TRIES && isWanted(); k++) {
      if (k > 0) await pause(clock, TRY_AGAIN_MS * k);
      const own = await source.socket?.ask(method, params);
      const told = own?.kind === 'result' ? readHead(own.value) : undefined;
      if (told !== undefined) return told;
      for (const upstream of nodes.inOrder(source.now.upstream)) {
        const head = readHead(await nodes.ask(upstream, method, params));
        if (head !== undefined) return head;
      }
    }
    return null;
  }

  async function work(): Promise<void> {
    working = true;
    for (let next = waiting.shift(); next !== undefined && isWanted(); next = waiting.shift())
      await take(next);
    working = false;
  }

  async function take({ head, fresh }: { head: Head; fresh: boolean }): Promise<void> {
    if (fresh) trusted = false;
    if (chain.tip === null) {
      chain.begin(head);
      trusted = true;
      return begun();
    }
    const found = await chain.follow(head, trusted);
    if (stopped) return;
    if ('added' in found) {
      trusted = true;
      options.onStep(found);
    } else if ('gap' in found) options.onLost(`a gap of ${found.gap} blocks`);
    else if ('missing' in found) source.leave('its chain has a block that nobody has');
    else if (found.nothing === 'known' && head.hash === chain.tip.hash) trusted = true;
  }

  return {
    get source() {
      return source.now;
    },
    get tip() {
      return chain.tip;
    },
    async start() {
      const began = new Promise<void>((resolve) => (begun = resolve));
      if (!(await source.start())) return false;
      await began;
      return !stopped;
    },
    recheck: () => source.recheck(),
    stop() {
      stopped = true;
      waiting.length = 0;
      source.stop();
      // Whoever waits for a beginning waits no more.
      begun();
    },
  };
}
