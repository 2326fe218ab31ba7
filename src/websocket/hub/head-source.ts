import type { UpstreamPolicy } from '../../config/index.ts';
import type { FeedSource } from '../messages.ts';
import { type HubClock, pause } from './clock.ts';
import { type Head, readHead } from './head.ts';
import type { NodeSocket } from './node-socket.ts';
import type { Nodes } from './nodes.ts';
import { createPenalties } from './penalties.ts';

/** Tells the heads of a network, from one upstream at a time. */
export interface HeadSource {
  readonly now: FeedSource;
  /** The socket in use, so that its node can be asked for what it told of; null while polling. */
  readonly socket: NodeSocket | null;
  /** False: no upstream could be listened to; it is stopped then. */
  start(): Promise<boolean>;
  /** The upstream of `stretch` is no good: another is taken, or the same after a while. Nothing where it was left already. */
  leave(reason: string, stretch: Stretch): void;
  /** To be called after a policy change: an upstream that is gone, or is another one now, is left. */
  recheck(): void;
  stop(): void;
}

export interface HeadSourceOptions {
  nodes: Nodes;
  clock: HubClock;
  /** @param fresh the first of a source just taken: its latest block, which may be any */
  onHead(head: Head, stretch: Stretch, fresh: boolean): void;
  onSource(source: FeedSource, why: string): void;
  /** Number of the last block that was followed; -1 before the first. */
  tip(): number;
}

const LOOK_MS = 1000;
/** A head that others have had for so long, and it has not told, is missed. */
const SILENCE_MS_MIN = 3000;
/** Polls in a row without an answer. */
const DEAF_POLLS_MAX = 3;
/** How often a source is looked for that is better than polling, and one that tells by itself is asked all the same. */
const BETTER_MS = 30_000;
const LATEST = '["latest",false]';
const NOBODY: FeedSource = { upstream: '', via: 'polling' };

/** One stretch of listening to one upstream. */
export interface Stretch {
  readonly upstream: UpstreamPolicy;
  readonly sinceMs: number;
  readonly via: FeedSource['via'];
  readonly socket: NodeSocket | null;
  end(): void;
}

export function createHeadSource(options: HeadSourceOptions): HeadSource {
  const { nodes, clock } = options;
  const penalties = createPenalties(clock);
  let stretch: Stretch | null = null;
  let stopped = false;
  /** Whatever was called meanwhile may have left it. */
  const stretchNow = (): Stretch | null => stretch;
  const isSought = (): boolean => !stopped && stretch === null;
  let seeking: Promise<void> | null = null;
  let callOffLook = (): void => {};
  /** Since when the network's head is above the tip. */
  let behindSince: number | null = null;
  /** When a polled source was last compared with others, or a listened-to one asked. */
  let askedAt = 0;

  /** Its latest block, and behind it what it told meanwhile. */
  async function listen(upstream: UpstreamPolicy): Promise<Head[]> {
    return upstream.ws === null ? poll(upstream) : subscribe(upstream);
  }

  function begin(next: Stretch): void {
    stretch?.end();
    stretch = next;
    behindSince = null;
    askedAt = clock.now();
  }

  async function subscribe(upstream: UpstreamPolicy): Promise<Head[]> {
    const socket = await nodes.socket(upstream);
    let own: Stretch | null = null;
    let callOff = (): void => {};
    try {
      const early: Head[] = [];
      const answer = await socket.subscribe('["newHeads"]', (text) => {
        const head = readHead(JSON.parse(text), text);
        if (head === undefined) return own === null ? undefined : leave('told what is no head', own);
        if (own === null) early.push(head);
        else if (own === stretch) options.onHead(head, own, false);
      });
      if (answer.kind === 'failed') throw new Error(answer.reason);
      if (answer.kind === 'error') throw new Error('refuses newHeads');
      const latest = await socket.ask('eth_getBlockByNumber', LATEST);
      const head = latest.kind === 'result' ? readHead(latest.value) : undefined;
      if (head === undefined || stopped) {
        socket.unsubscribe(answer.id);
        throw new Error('does not tell its latest block');
      }
      own = {
        ...{ upstream, via: 'websocket', socket, sinceMs: clock.now() },
        end() {
          callOff();
          socket.unsubscribe(answer.id);
          // Whoever stops has waited already for somebody to come.
          nodes.release(socket, stopped ? 'at once' : 'later');
        },
      };
      begin(own);
      const mine = own;
      callOff = socket.onceClosed((reason) => leave(reason, mine));
      return [head, ...early];
    } catch (error) {
      if (own === null) nodes.release(socket);
      throw error;
    }
  }

  async function latestOf(upstream: UpstreamPolicy): Promise<Head | undefined> {
    return readHead(await nodes.ask(upstream, 'eth_getBlockByNumber', LATEST));
  }

  async function poll(upstream: UpstreamPolicy): Promise<Head[]> {
    const head = await latestOf(upstream);
    if (head === undefined || stopped) throw new Error('does not tell its latest block');
    let callOff = (): void => {};
    const own: Stretch = {
      ...{ upstream, via: 'polling', socket: null, sinceMs: clock.now() },
      end: () => callOff(),
    };
    let deaf = 0;
    const ask = async (): Promise<void> => {
      const next = await latestOf(upstream);
      if (own !== stretch) return;
      deaf = next === undefined ? deaf + 1 : 0;
      if (next !== undefined) options.onHead(next, own, false);
      if (deaf >= DEAF_POLLS_MAX) return leave('does not answer', own);
      plan();
    };
    const plan = (): void => {
      callOff = clock.after(nodes.network.subscriptions.pollIntervalMs, () => void ask());
    };
    plan();
    begin(own);
    return [head];
  }

  /** Of those that may be tried now; of equal standing, one that tells by itself goes first. */
  function candidates(): UpstreamPolicy[] {
    const inOrder = nodes.inOrder();
    const place = (upstream: UpstreamPolicy): number => {
      const standing = { fit: 0, behind: 1, down: 2 }[nodes.standing(upstream)];
      return standing * 4 + (upstream.tier === 'primary' ? 0 : 2) + (upstream.ws === null ? 1 : 0);
    };
    return inOrder.sort((a, b) => place(a) - place(b)).filter(({ name }) => penalties.wait(name) === 0);
  }

  /** Tries all once. */
  async function take(why: string): Promise<boolean> {
    for (const upstream of candidates()) {
      if (stopped) return false;
      try {
        tell(upstream, await listen(upstream), why);
        // Lost again at once, by what came right behind its answer: there may be others.
        if (stretchNow() !== null) return true;
      } catch {
        penalties.failed(upstream.name);
      }
    }
    return false;
  }

  function tell({ name }: UpstreamPolicy, [latest, ...later]: Head[], why: string): void {
    const own = stretch;
    if (own === null) return;
    options.onSource({ upstream: name, via: own.via }, why);
    options.onHead(latest!, own, true);
    for (const head of later) options.onHead(head, own, false);
  }

  async function seek(why: string): Promise<void> {
    while (isSought()) {
      if (await take(why)) continue;
      const waits = nodes.inOrder().map(({ name }) => penalties.wait(name));
      await pause(clock, Math.max(50, Math.min(...waits, LOOK_MS)));
    }
    seeking = null;
  }

  function leave(reason: string, which: Stretch): void {
    if (stopped || which !== stretch) return;
    stretch = null;
    which.end();
    penalties.failed(which.upstream.name, clock.now() - which.sinceMs);
    options.onSource(NOBODY, `${which.upstream.name}: ${reason}`);
    seeking ??= seek(reason);
  }

  function look(): void {
    callOffLook = clock.after(LOOK_MS, look);
    if (stretch === null) return;
    const standing = nodes.standing(stretch.upstream);
    const others = candidates().some((one) => one !== stretch!.upstream && nodes.standing(one) === 'fit');
    // A sole upstream that is behind is better than none.
    if (standing !== 'fit' && others) return leave(standing === 'down' ? 'is down' : 'is behind', stretch);
    missed(others);
    const present = stretchNow();
    if (present === null || clock.now() - askedAt <= BETTER_MS) return;
    askedAt = clock.now();
    if (present.via === 'polling') void better(present);
    else void ask(present);
  }

  /** A socket may be open and tell nothing. */
  function missed(others: boolean): void {
    if (nodes.head <= options.tip()) behindSince = null;
    else behindSince ??= clock.now();
    if (behindSince === null || stretch === null) return;
    const silence = clock.now() - behindSince;
    const patience = Math.max(SILENCE_MS_MIN, 2 * nodes.network.health.intervalMs);
    if (silence <= patience) return;
    if (others || stretch.via === 'websocket') leave('tells no heads', stretch);
  }

  /** A source that tells by itself is taken before the polled one is left. */
  async function better(polled: Stretch): Promise<void> {
    const first = candidates().find(({ ws }) => ws !== null);
    if (first === undefined || nodes.standing(first) !== 'fit') return;
    if (first.tier === 'fallback' && polled.upstream.tier === 'primary') return;
    try {
      tell(first, await subscribe(first), 'it can be listened to again');
    } catch {
      penalties.failed(first.name);
    }
  }

  /** Of one that is silent nobody may know better, where no health checks are made. */
  async function ask(own: Stretch): Promise<void> {
    const latest = await own.socket?.ask('eth_getBlockByNumber', LATEST);
    if (own !== stretch || latest === undefined) return;
    const head = latest.kind === 'result' ? readHead(latest.value) : undefined;
    if (head === undefined) leave('does not answer', own);
    else options.onHead(head, own, false);
  }

  return {
    get now() {
      return stretch === null ? NOBODY : { upstream: stretch.upstream.name, via: stretch.via };
    },
    get socket() {
      return stretch?.socket ?? null;
    },
    leave,
    async start() {
      askedAt = clock.now();
      if (!(await take('the first subscription'))) {
        stopped = true;
        return false;
      }
      callOffLook = clock.after(LOOK_MS, look);
      return true;
    },
    recheck() {
      if (stretch === null) return;
      const policy = nodes.find(stretch.upstream.name);
      const { ws, url } = stretch.upstream;
      if (policy === undefined) leave('it is no longer configured', stretch);
      else if (JSON.stringify([policy.ws, policy.url]) !== JSON.stringify([ws, url]))
        leave('its address changed', stretch);
    },
    stop() {
      stopped = true;
      callOffLook();
      stretch?.end();
      stretch = null;
    },
  };
}
