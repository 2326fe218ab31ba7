import type { FeedSource } from '../messages.ts';
import { type ChainStep, createChain } from './chain.ts';
import { type HubClock, pause } from './clock.ts';
import { type Head, readHead } from './head.ts';
import { createHeadSource, type HeadSource, type Stretch } from './head-source.ts';
import type { NodeSocket } from './node-socket.ts';
import type { Nodes } from './nodes.ts';

/** Follows the chain of one network for as long as anybody listens to its heads or logs. */
export interface Follower {
  readonly source: FeedSource;
  /** Of the node that tells the heads; null while it is polled. */
  readonly socket: NodeSocket | null;
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
/** Heads not above the tip for so long: is the chain another one now? */
const BELOW_MS = 10_000;
/** A head so far above what health checks found is nobody's but its source's. */
const FAR_ABOVE = 64;

export function createFollower(options: FollowerOptions): Follower {
  const { nodes, clock } = options;
  let stopped = false;
  const isWanted = (): boolean => !stopped;
  let working = false;
  /** Who told the tip, or has told it since. */
  let teller: Stretch | null = null;
  /** The last head that was level with the tip, and another block. */
  let level = '';
  /** Since when no head was above the tip. */
  let belowSince: number | null = null;
  let begun = (): void => {};
  const waiting: { head: Head; stretch: Stretch }[] = [];

  const chain = createChain({
    byHash: (hash) => fetch('eth_getBlockByHash', `["${hash}",false]`),
    byNumber: (number) => fetch('eth_getBlockByNumber', `["0x${number.toString(16)}",false]`),
    maxBackfill: () => nodes.network.subscriptions.maxBackfill,
  });

  const source: HeadSource = createHeadSource({
    ...{ nodes, clock },
    onSource: options.onSource,
    tip: () => chain.tip?.number ?? -1,
    onHead(head, stretch, fresh) {
      if (stopped) return;
      // What the one before told may be nobody's any more.
      if (fresh) waiting.length = 0;
      waiting.push({ head, stretch });
      if (waiting.length > WAITING_MAX) waiting.shift();
      if (!working) work().catch(() => options.onLost('its chain could not be followed'));
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
    try {
      for (let next = waiting.shift(); next !== undefined && isWanted(); next = waiting.shift())
        await take(next);
    } finally {
      working = false;
    }
  }

  async function take({ head, stretch }: { head: Head; stretch: Stretch }): Promise<void> {
    if (chain.tip === null) {
      chain.begin(head);
      teller = stretch;
      return begun();
    }
    const found = await chain.follow(head, isSure(head, stretch));
    if (stopped) return;
    if ('added' in found) {
      belowSince = null;
      teller = stretch;
      options.onStep(found);
    } else if ('gap' in found) lose(head, found.gap, stretch);
    else if ('missing' in found) source.leave('its chain has a block that nobody has', stretch);
    else if (head.hash === chain.tip.hash) {
      belowSince = null;
      teller = stretch;
    } else await below(chain.tip);
  }

  /**
   * Another block as high as the tip: a reorg, where the source that told the tip tells it by itself, or says so twice in a
   * row; else it may be one of several nodes behind an address, of which each has another.
   */
  function isSure(head: Head, stretch: Stretch): boolean {
    const again = level === head.hash;
    level = head.number === chain.tip?.number ? head.hash : '';
    return again || (stretch === teller && stretch.via === 'websocket');
  }

  /** One upstream's word is not enough to end what all listen to. */
  function lose(head: Head, gap: number, stretch: Stretch): void {
    if (nodes.head >= 0 && head.number > nodes.head + FAR_ABOVE)
      source.leave(`tells a head ${head.number - nodes.head} blocks above all others`, stretch);
    else options.onLost(`a gap of ${gap} blocks`);
  }

  /** A source that lags catches up; a chain that was begun anew, or left for another, does not have our tip any more. */
  async function below(tip: Head): Promise<void> {
    belowSince ??= clock.now();
    if (clock.now() - belowSince < BELOW_MS) return;
    belowSince = clock.now();
    const answers = await Promise.all(
      nodes.inOrder().map((upstream) => nodes.ask(upstream, 'eth_getBlockByHash', `["${tip.hash}",false]`)),
    );
    // Nobody answers: nobody knows.
    const nobodyHasIt = answers.every((answer) => answer === null || answer === undefined);
    if (nobodyHasIt && answers.includes(null)) options.onLost('the chain was replaced by another one');
  }

  return {
    get source() {
      return source.now;
    },
    get socket() {
      return source.socket;
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
