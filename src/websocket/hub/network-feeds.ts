import type { NetworkPolicy } from '../../config/index.ts';
import type { FromHub, SubscribeFault } from '../messages.ts';
import type { HubBounds } from './bounds.ts';
import type { ChainStep } from './chain.ts';
import type { HubClock } from './clock.ts';
import type { FeedState, HubEvent } from './events.ts';
import { Feed } from './feed.ts';
import { createFollower, type Follower } from './follower.ts';
import { readLogFilter } from './log-filter.ts';
import { createLogReader, type LogFeed, type LogReader } from './log-reader.ts';
import type { Nodes } from './nodes.ts';
import { createPacedSteps, type PacedSteps } from './paced-steps.ts';
import { createRelay, type Relay } from './relay.ts';

/** What is subscribed to on one network. */
export interface NetworkFeeds {
  /** The feed of a subscription, begun where it was not there, and held until `release`. `params` as in a `subscribe`. */
  acquire(kind: string, params: string): Promise<Feed | SubscribeFault>;
  /** Nobody waits for it any more; without a listener it ends. */
  release(feed: Feed): void;
  /** A listener has left; without another one it ends. */
  left(feed: Feed, worker: number): void;
  update(network: NetworkPolicy): void;
  states(nowMs: number): FeedState[];
  /** Ends all; whoever listens is told why. */
  close(reason: string): Promise<void>;
}

/** How one feed is kept going. */
interface Running {
  readonly feed: Feed;
  /** Of whoever came while it began: all are answered alike. */
  readonly started: Promise<SubscribeFault | null>;
  recheck(): void;
  stop(): void;
}

/** The chain that heads and logs follow from, while any of them is listened to and for `lingerMs` after. */
interface Following {
  readonly follower: Follower;
  readonly steps: PacedSteps;
  readonly logs: LogReader;
  readonly started: Promise<boolean>;
  readonly heads: Set<Feed>;
  users: number;
  /** Calls off its end. */
  keep: () => void;
}

export function createNetworkFeeds(options: {
  nodes: Nodes;
  clock: HubClock;
  bounds: HubBounds;
  /** Of feeds, over all networks. */
  nextNumber(): number;
  send(worker: number, message: FromHub): void;
  onEvent(event: HubEvent): void;
}): NetworkFeeds {
  const { nodes, clock, bounds, onEvent } = options;
  const network = nodes.network.name;
  const byId = new Map<string, Running>();
  const byFeed = new Map<Feed, Running>();
  let following: Following | null = null;

  /** To be ended by `unfollow`. */
  function follow(): Following {
    following ??= begin();
    following.users++;
    following.keep();
    return following;
  }

  function begin(): Following {
    const heads = new Set<Feed>();
    const own: Following = {
      ...{ heads, users: 0, keep: () => {} },
      steps: createPacedSteps(
        (step) => {
          for (const feed of heads) feed.emit(step.added.map(({ text }) => text));
          own.logs.step(step);
        },
        bounds.blocksATurn,
        clock,
      ),
      follower: createFollower({
        ...{ nodes, clock },
        onStep(step) {
          own.steps.add(step);
          note(step);
        },
        onLost: (reason) => endFollowing(own, reason),
        onSource: (source, why) =>
          onEvent({ type: 'source.changed', network, kind: 'newHeads', source, why }),
      }),
      logs: createLogReader({
        ...{ nodes, clock, bytesMax: bounds.logBytes },
        upstream: () => own.follower.source.upstream,
        socket: () => own.follower.socket,
        onLate: (head, waitedMs) => onEvent({ type: 'logs.late', network, block: head.number, waitedMs }),
        // Heads go on.
        onLost: (reason) => endFeeds(reason, (kind) => kind === 'logs'),
      }),
      get started() {
        return started;
      },
    };
    const started = own.follower.start().then((ok) => {
      // Nobody could be reached: whoever comes next tries again.
      if (!ok && following === own) stopFollowing(own);
      return ok;
    });
    return own;
  }

  function note({ removed, added }: ChainStep): void {
    const head = added.at(-1)?.number ?? -1;
    if (removed.length > 0)
      onEvent({ type: 'chain.reorg', network, removed: removed.length, added: added.length, head });
    else if (added.length > 1) onEvent({ type: 'gap.filled', network, blocks: added.length - 1, head });
  }

  function unfollow(own: Following): void {
    if (--own.users > 0 || following !== own) return;
    own.keep = clock.after(bounds.lingerMs, () => stopFollowing(own));
  }

  function stopFollowing(own: Following): void {
    following = null;
    own.keep();
    own.steps.clear();
    own.follower.stop();
    own.logs.stop();
  }

  /** Its feeds cannot go on: their listeners are told, and whoever comes next begins anew. */
  function endFollowing(own: Following, reason: string): void {
    if (following !== own) return;
    stopFollowing(own);
    endFeeds(reason, (kind) => kind === 'newHeads' || kind === 'logs');
  }

  function endFeeds(reason: string, which: (kind: string) => boolean): void {
    for (const running of [...byFeed.values()]) if (which(running.feed.kind)) end(running, reason);
  }

  function end(running: Running, reason: string): void {
    const { feed } = running;
    onEvent({ type: 'feed.ended', network, kind: feed.kind, listeners: feed.listeners, reason });
    feed.end(reason);
    forget(running);
  }

  function forget(running: Running): void {
    if (byFeed.delete(running.feed)) running.stop();
    if (byId.get(running.feed.id) === running) byId.delete(running.feed.id);
  }

  const noUpstream = (started: boolean): SubscribeFault | null => (started ? null : { why: 'no_upstream' });

  function runHeads(feed: Feed): Running {
    const own = follow();
    let stopped = false;
    feed.source = () => own.follower.source;
    // From the tip on, which is known before anybody is answered.
    const started = own.started.then((ok) => {
      if (ok && !stopped) own.heads.add(feed);
      return noUpstream(ok);
    });
    const stop = (): void => {
      stopped = true;
      own.heads.delete(feed);
      unfollow(own);
    };
    return { feed, started, stop, recheck: () => {} };
  }

  function runLogs(feed: Feed, filter: LogFeed['filter']): Running {
    const own = follow();
    let stopped = false;
    feed.source = () => own.follower.source;
    const logFeed: LogFeed = { filter, emit: (texts) => feed.emit([...texts]) };
    const started = own.started.then((ok) => {
      if (ok && !stopped) own.logs.add(logFeed);
      return noUpstream(ok);
    });
    const stop = (): void => {
      stopped = true;
      own.logs.remove(logFeed);
      unfollow(own);
    };
    return { feed, started, stop, recheck: () => {} };
  }

  function runRelay(feed: Feed, params: string): Running {
    const relay: Relay = createRelay({
      ...{ nodes, clock, params, kind: feed.kind },
      onEvent: (result) => feed.emit([result]),
      onSource: (source, why) => onEvent({ type: 'source.changed', network, kind: feed.kind, source, why }),
      onLost(reason) {
        const running = byFeed.get(feed);
        if (running !== undefined) end(running, reason);
      },
    });
    feed.source = () => relay.source;
    return { feed, started: relay.start(), stop: relay.stop, recheck: relay.recheck };
  }

  function run(kind: string, params: string): Running | SubscribeFault {
    const number = options.nextNumber();
    const make = (canonical: string, shared: boolean): Feed => {
      const id = shared ? `${kind} ${canonical}` : `#${number}`;
      return new Feed({ number, network, kind, params: canonical, id }, options.send, clock.now());
    };
    const share = (feed: Feed, begin: () => Running): Running => byId.get(feed.id) ?? begin();
    if (kind === 'newHeads') {
      const feed = make('', true);
      return share(feed, () => runHeads(feed));
    }
    if (kind === 'logs') {
      const filter = readLogFilter(parsedFirst(params));
      if (typeof filter === 'string') return { why: 'invalid_params', message: filter };
      const feed = make(filter.text, true);
      return share(feed, () => runLogs(feed, filter));
    }
    const whole = (text: string): string => `[${JSON.stringify(kind)}${text === '' ? '' : `,${text}`}]`;
    if (kind === 'newPendingTransactions') {
      const wanted = parsedFirst(params);
      if (wanted !== undefined && typeof wanted !== 'boolean')
        return { why: 'invalid_params', message: 'invalid argument 1: a boolean is expected' };
      const full = wanted === true ? 'true' : '';
      const feed = make(full, true);
      return share(feed, () => runRelay(feed, whole(full)));
    }
    const feed = make(params, kind === 'syncing');
    return share(feed, () => runRelay(feed, whole(params)));
  }

  return {
    async acquire(kind, params) {
      const running = run(kind, params);
      if ('why' in running) return running;
      const { feed } = running;
      byId.set(feed.id, running);
      byFeed.set(feed, running);
      feed.holders++;
      const fault = await running.started;
      if (fault === null && byFeed.get(feed) === running) return feed;
      feed.holders--;
      forget(running);
      return fault ?? { why: 'no_upstream' };
    },
    release(feed) {
      feed.holders--;
      const running = byFeed.get(feed);
      if (feed.isIdle && running !== undefined) forget(running);
    },
    left(feed, worker) {
      feed.leave(worker);
      const running = byFeed.get(feed);
      if (feed.isIdle && running !== undefined) forget(running);
    },
    update(policy) {
      const { chainId } = nodes.network;
      nodes.update(policy);
      if (following !== null && chainId !== null && policy.chainId !== null && policy.chainId !== chainId)
        endFollowing(following, 'the network is another chain now');
      following?.follower.recheck();
      for (const running of byFeed.values()) running.recheck();
    },
    states: (nowMs) => [...byFeed.keys()].map((feed) => feed.state(nowMs)),
    async close(reason) {
      if (following !== null) stopFollowing(following);
      for (const running of [...byFeed.values()]) end(running, reason);
      await nodes.close();
    },
  };
}

/** The first of the params after the kind; undefined if there is none. They are JSON without brackets. */
function parsedFirst(params: string): unknown {
  return (JSON.parse(`[${params}]`) as unknown[])[0];
}
