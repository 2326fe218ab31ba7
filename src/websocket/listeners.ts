import { randomBytes } from 'node:crypto';
import { closeCauses, withReason } from './close-codes.ts';
import type { FeedSource, FromHub, SubscribeFault, ToHub } from './messages.ts';
import { createPace } from './pace.ts';
import type { Session } from './session.ts';
import type { Subscription } from './subscription.ts';

/** Counts since the worker began; `open` is a gauge. */
export interface ListenerStats {
  open: number;
  events: number;
  eventBytes: number;
  /** Heads a slow client was not sent since a newer one came. */
  conflated: number;
}

/** What came of asking for a subscription. */
export type SubscribeResult =
  /** The hub said nothing in time. */
  'late' | { subscription: Subscription; source: FeedSource; listeners: number } | { fault: SubscribeFault };

export interface Listeners {
  /**
   * `tell` is called once, unless the socket is gone first: also for one that only waits for its answers to close. After
   * `timeoutMs` with `late`; what the hub says after that is undone.
   */
  subscribe(
    session: Session,
    what: { network: string; kind: string; params: string; maxSubscriptions: number; timeoutMs: number },
    tell: (result: SubscribeResult) => void,
  ): void;
  /** Its id is on the way to the caller: from now on events follow it. */
  begin(subscription: Subscription): void;
  /** False if the socket has no such subscription. */
  unsubscribe(session: Session, id: string): boolean;
  /** To be called when a socket is gone; the hub forgets its subscriptions by itself. */
  left(session: Session): void;
  hear(message: Exclude<FromHub, { type: 'socket-admitted' }>): void;
  readonly stats: Readonly<ListenerStats>;
}

/** A subscription that the hub was asked for. */
interface Question {
  readonly subscription: Subscription;
  readonly tell: (result: SubscribeResult) => void;
  readonly timer: NodeJS.Timeout;
  /** Its caller was told that it takes too long. */
  late: boolean;
}

/** What a socket has, and what it asked for. */
interface Own {
  readonly subscriptions: Map<string, Subscription>;
  readonly asked: Map<number, Question>;
}

/** Events between the hub's answer and the caller's, where it waits for the rest of its batch. */
const HELD_EVENTS_MAX = 1024;

/**
 * Events that are made before they are written. Were those of 10,000 listeners all made first, their texts would be in the
 * old generation by then and stay until its next full collection: 16 KB more resident a socket.
 */
const EVENTS_UNWRITTEN_MAX = 64;
/** Sockets that are sent an event in one step of a fan-out: some 0.2 ms. */
const SOCKETS_A_STEP = 16;
/** Texts of events that wait for their fan-out. Beyond it a worker is sent more than it can pass on. */
const BACKLOG_BYTES_MAX = 32 << 20;

const BEFORE_ID = '{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"';

/** The subscriptions of a worker's sockets, and the way of an event to each of them. */
export function createListeners(options: {
  tell: (message: ToHub) => void;
  /** May one more event of that length be sent? Takes what it costs. False: it may not, and the caller was told. */
  charge: (session: Session, bytes: number) => boolean;
  /** Whether slow clients get only the newest head. */
  conflate: () => boolean;
  /** Writes what was sent so far. */
  settle: () => void;
  /** Milliseconds on a steady clock. */
  nowMs: () => number;
}): Listeners {
  const stats: ListenerStats = { open: 0, events: 0, eventBytes: 0, conflated: 0 };
  const asked = new Map<number, Question>();
  const byFeed = new Map<number, Set<Subscription>>();
  const bySession = new Map<Session, Own>();
  /** What the hub says, in the order it says it. */
  const pace = createPace(options.nowMs);
  let lastAsk = 0;
  let unwritten = 0;
  let backlogBytes = 0;

  function add(subscription: Subscription, feed: number): void {
    subscription.feed = feed;
    let listening = byFeed.get(feed);
    if (listening === undefined) byFeed.set(feed, (listening = new Set()));
    listening.add(subscription);
    ownOf(subscription.session).subscriptions.set(subscription.id, subscription);
    stats.open++;
  }

  function ownOf(session: Session): Own {
    let own = bySession.get(session);
    if (own === undefined) bySession.set(session, (own = { subscriptions: new Map(), asked: new Map() }));
    return own;
  }

  function remove(subscription: Subscription): void {
    const listening = byFeed.get(subscription.feed);
    if (!listening?.delete(subscription)) return;
    if (listening.size === 0) byFeed.delete(subscription.feed);
    bySession.get(subscription.session)?.subscriptions.delete(subscription.id);
    subscription.latest = null;
    stats.open--;
  }

  function deliver(subscription: Subscription, result: string): void {
    const { session, id } = subscription;
    if (session.over) return;
    if (!subscription.live) return hold(subscription, result);
    const text = `${BEFORE_ID}${id}","result":${result}}}`;
    if (session.isFull(text.length)) {
      // What was made in this turn was not offered to its client yet.
      options.settle();
      if (session.over) return;
      if (session.isFull(text.length)) return passOver(subscription, result);
    }
    dropLatest(subscription);
    if (!options.charge(session, text.length)) return;
    session.events++;
    stats.events++;
    stats.eventBytes += text.length;
    session.send(text);
    if (++unwritten % EVENTS_UNWRITTEN_MAX === 0) options.settle();
  }

  /** Events one after the other, each to all that listen: one that is slow to be sent to all is sent over several turns. */
  function fanOut(feed: number, results: readonly string[]): void {
    const bytes = results.reduce((sum, { length }) => sum + length, 0);
    if (backlogBytes + bytes > BACKLOG_BYTES_MAX)
      return endFeed(feed, 'more events than could be sent to all that listen');
    backlogBytes += bytes;
    let index = 0;
    let text = '';
    let listening: Iterator<Subscription> | null = null;
    pace.add(() => {
      if (listening === null) {
        if (index === results.length) {
          backlogBytes -= bytes;
          return true;
        }
        text = asLatin1(results[index++]!);
        listening = (byFeed.get(feed) ?? []).values();
      }
      for (let sent = 0; sent < SOCKETS_A_STEP; sent++) {
        const { done, value } = listening.next();
        if (done === true) {
          listening = null;
          break;
        }
        deliver(value, text);
      }
      return false;
    });
  }

  function endFeed(feed: number, reason: string): void {
    const cause = withReason(closeCauses.lost, reason);
    // One that closes already says why itself.
    for (const { session } of [...(byFeed.get(feed) ?? [])]) if (!session.over) session.close(cause);
  }

  function hold(subscription: Subscription, result: string): void {
    if (subscription.held.push(result) > HELD_EVENTS_MAX)
      subscription.session.close(
        withReason(closeCauses.lost, `more than ${HELD_EVENTS_MAX} events before its batch was answered`),
      );
  }

  /** Its client reads too slowly for one more. */
  function passOver(subscription: Subscription, result: string): void {
    const { session } = subscription;
    if (subscription.kind !== 'newHeads' || !options.conflate()) return session.close(closeCauses.slow);
    if (!subscription.waits) session.onceDrained(() => catchUp(subscription));
    subscription.waits = true;
    dropLatest(subscription);
    subscription.latest = result;
  }

  /** There is a newer one: sent behind it, the older would be taken for a reorg. */
  function dropLatest(subscription: Subscription): void {
    if (subscription.latest === null) return;
    subscription.latest = null;
    stats.conflated++;
  }

  function catchUp(subscription: Subscription): void {
    const { latest } = subscription;
    subscription.latest = null;
    subscription.waits = false;
    if (latest !== null) deliver(subscription, latest);
  }

  function answered(message: Extract<FromHub, { type: 'subscribed' | 'not-subscribed' }>): void {
    const question = asked.get(message.ask);
    // Its socket is gone, and the hub knows.
    if (question === undefined) return;
    const { session } = question.subscription;
    asked.delete(message.ask);
    bySession.get(session)?.asked.delete(message.ask);
    clearTimeout(question.timer);
    if (question.late) {
      if (message.type === 'subscribed')
        options.tell({ type: 'unsubscribe', socket: session.number, ask: message.ask });
      return;
    }
    // A socket that is about to close still waits for the answers under way.
    if (message.type === 'not-subscribed') return question.tell({ fault: message.fault });
    add(question.subscription, message.feed);
    question.tell({
      subscription: question.subscription,
      source: message.source,
      listeners: message.listeners,
    });
  }

  return {
    stats,
    subscribe(session, { network, kind, params, maxSubscriptions, timeoutMs }, tell) {
      const ask = ++lastAsk;
      const id = `0x${randomBytes(16).toString('hex')}`;
      const subscription: Subscription = {
        ...{ id, session, ask, kind },
        ...{ feed: -1, live: false, held: [], latest: null, waits: false },
      };
      const giveUp = (): void => {
        question.late = true;
        tell('late');
      };
      const question = { subscription, tell, timer: setTimeout(giveUp, timeoutMs).unref(), late: false };
      asked.set(ask, question);
      ownOf(session).asked.set(ask, question);
      options.tell({
        type: 'subscribe',
        socket: session.number,
        ...{ ask, network, kind, params, maxSubscriptions },
      });
    },
    begin(subscription) {
      subscription.live = true;
      for (const result of subscription.held.splice(0)) deliver(subscription, result);
    },
    unsubscribe(session, id) {
      const subscription = bySession.get(session)?.subscriptions.get(id);
      if (subscription === undefined) return false;
      remove(subscription);
      options.tell({ type: 'unsubscribe', socket: session.number, ask: subscription.ask });
      return true;
    },
    left(session) {
      const own = bySession.get(session);
      if (own === undefined) return;
      for (const [ask, { timer }] of own.asked) {
        clearTimeout(timer);
        asked.delete(ask);
      }
      for (const subscription of own.subscriptions.values()) remove(subscription);
      bySession.delete(session);
    },
    hear(message) {
      if (message.type === 'events') return fanOut(message.feed, message.results);
      pace.add(() => {
        if (message.type === 'feed-ended') endFeed(message.feed, message.reason);
        else answered(message);
        return true;
      });
    },
  };
}

/** UTF-8 as latin1 text, as all that is sent: made once for all listeners. */
function asLatin1(text: string): string {
  // biome-ignore lint: control characters are meant.
  return /^[\x00-\x7f]*$/.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}
