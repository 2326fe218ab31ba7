import type { PolicySnapshot } from '../../config/index.ts';
import type { BoardMemory } from '../../upstream/index.ts';
import type { FromHub, SubscribeFault, ToHub } from '../messages.ts';
import { type HubBounds, hubBounds } from './bounds.ts';
import { type HubClock, systemClock } from './clock.ts';
import type { HubEvent, HubState } from './events.ts';
import type { Feed } from './feed.ts';
import { createNetworkFeeds, type NetworkFeeds } from './network-feeds.ts';
import { createNodes } from './nodes.ts';
import { createRegistry, type RegisteredSocket } from './registry.ts';

/**
 * What is one for all workers: how many sockets and subscriptions each caller has, and the subscriptions upstream, of which
 * equal ones are one. Runs on main.
 */
export interface Hub {
  /** Takes over a policy. A network that is gone ends its feeds; all others go on without a gap. */
  update(snapshot: PolicySnapshot): void;
  /** A worker's word; see `ToHub`. */
  hear(worker: number, message: ToHub): void;
  /** A worker is gone, and with it its sockets. Before another one takes its place. */
  dropWorker(worker: number): void;
  state(): HubState;
  /** Ends all that is subscribed to, and tells nobody. */
  close(): Promise<void>;
}

export interface HubOptions {
  board: BoardMemory;
  /** To the worker that has the place now. */
  send(worker: number, message: FromHub): void;
  onEvent(event: HubEvent): void;
  clock?: HubClock;
  bounds?: HubBounds;
}

export function createHub(options: HubOptions): Hub {
  const { board, send, onEvent } = options;
  const clock = options.clock ?? systemClock;
  const bounds = options.bounds ?? hubBounds;
  const registry = createRegistry();
  const networks = new Map<string, NetworkFeeds>();
  const feeds = new Map<number, { feed: Feed; owner: NetworkFeeds }>();
  let lastFeed = 0;
  let closing: Promise<void> | undefined;

  function leave(feedNumber: number, worker: number): void {
    const known = feeds.get(feedNumber);
    if (known === undefined) return;
    known.owner.left(known.feed, worker);
    if (known.feed.isIdle) feeds.delete(feedNumber);
  }

  function forget(socket: RegisteredSocket): void {
    for (const { feed } of socket.subscriptions.values()) leave(feed, socket.worker);
  }

  async function subscribe(worker: number, asked: Extract<ToHub, { type: 'subscribe' }>): Promise<void> {
    const { socket, ask, kind, maxSubscriptions } = asked;
    const refuse = (fault: SubscribeFault): void =>
      send(worker, { type: 'not-subscribed', socket, ask, fault });
    const owner = registry.find(worker, socket);
    const network = networks.get(asked.network);
    if (owner === undefined || network === undefined) return refuse({ why: 'no_upstream' });
    if (!registry.subscribe(owner, ask, { kind, feed: 0 }, maxSubscriptions))
      return refuse({ why: 'too_many', limit: maxSubscriptions });
    const feed = await network.acquire(kind, asked.params);
    const isThere = registry.find(worker, socket) === owner && owner.subscriptions.has(ask);
    if ('why' in feed) {
      if (!isThere) return;
      registry.unsubscribe(owner, ask);
      return refuse(feed);
    }
    if (isThere) {
      owner.subscriptions.set(ask, { kind, feed: feed.number });
      feeds.set(feed.number, { feed, owner: network });
      feed.listen(worker);
      const { listeners } = feed;
      send(worker, { type: 'subscribed', socket, ask, feed: feed.number, source: feed.source(), listeners });
    }
    network.release(feed);
  }

  function opened(
    worker: number,
    { socket, about, maxSockets }: Extract<ToHub, { type: 'socket-open' }>,
  ): void {
    const admitted = registry.open(worker, socket, about, maxSockets);
    send(worker, { type: 'socket-admitted', socket, admitted });
    if (admitted) onEvent({ type: 'socket.opened', worker, about });
  }

  function closed(worker: number, message: Extract<ToHub, { type: 'socket-close' }>): void {
    const socket = registry.close(worker, message.socket);
    // Never admitted: it counted for nothing.
    if (socket === undefined) return;
    forget(socket);
    const { code, reason, totals } = message;
    onEvent({ type: 'socket.closed', worker, about: socket.about, code, reason, totals });
  }

  function unsubscribe(worker: number, socket: number, ask: number): void {
    const owner = registry.find(worker, socket);
    const found = owner && registry.unsubscribe(owner, ask);
    if (found !== undefined) leave(found.feed, worker);
  }

  return {
    update(snapshot) {
      const wanted = new Map(snapshot.networks.map((network) => [network.name, network]));
      for (const [name, known] of networks) {
        const policy = wanted.get(name);
        if (policy !== undefined) known.update(policy);
        else {
          networks.delete(name);
          void known.close('its network is no longer served');
        }
      }
      for (const [name, policy] of wanted) {
        if (networks.has(name)) continue;
        const { lingerMs } = bounds;
        const nodes = createNodes(policy, { board, clock, lingerMs });
        const nextNumber = (): number => ++lastFeed;
        networks.set(name, createNetworkFeeds({ nodes, clock, bounds, nextNumber, send, onEvent }));
      }
    },
    hear(worker, message) {
      if (message.type === 'socket-open') opened(worker, message);
      else if (message.type === 'socket-close') closed(worker, message);
      else if (message.type === 'subscribe') {
        subscribe(worker, message).catch(() => {
          const { socket, ask } = message;
          unsubscribe(worker, socket, ask);
          send(worker, { type: 'not-subscribed', socket, ask, fault: { why: 'no_upstream' } });
        });
      } else unsubscribe(worker, message.socket, message.ask);
    },
    dropWorker(worker) {
      const lost = registry.dropWorker(worker);
      lost.forEach(forget);
      if (lost.length > 0) onEvent({ type: 'sockets.lost', worker, count: lost.length });
    },
    state() {
      const nowMs = clock.now();
      return {
        sockets: [...registry.all()].map(({ worker, about, subscriptions }) => ({
          ...{ worker, about },
          subscriptions: [...subscriptions.values()].filter(({ feed }) => feed > 0),
        })),
        feeds: [...networks.values()].flatMap((network) => network.states(nowMs)),
      };
    },
    close() {
      const all = [...networks.values()];
      networks.clear();
      closing ??= Promise.all(all.map((network) => network.close('the gateway ends'))).then(() => {});
      return closing;
    },
  };
}
