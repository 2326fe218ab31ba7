/*
 * What workers and the hub on main say to each other of sockets and subscriptions. Sockets live in their worker; what is
 * one for all workers (who has how many, what is subscribed to upstream) lives in the hub. A worker's messages arrive in
 * the order sent, and so do the hub's: the answer to a subscription comes before its first event.
 */

/** An open socket as operators see it. Holds no key. */
export interface SocketAbout {
  /** Shown in logs and explain; unique over all workers and restarts. */
  readonly id: string;
  /** Whose bounds it counts against: `key:NUMBER` or `address:TEXT`. */
  readonly caller: string;
  /** -1 without a key. */
  readonly keyNumber: number;
  readonly keyPrefix: string;
  readonly address: string;
  /** Name of the network. */
  readonly network: string;
  /** Epoch milliseconds. */
  readonly openedAtMs: number;
}

/** What went over a socket until it was closed. */
export interface SocketTotals {
  messages: number;
  events: number;
  bytesIn: number;
  bytesOut: number;
}

/** A worker to the hub. `socket` numbers are the worker's own, and not used twice. */
export type ToHub =
  /** May it open? Answered by `socket-admitted`. `maxSockets`: of this caller over all workers; 0: no bound. */
  | { type: 'socket-open'; socket: number; about: SocketAbout; maxSockets: number }
  /** It is gone, whether admitted or not; its subscriptions end with it. `code`: the close code, ours or theirs. */
  | { type: 'socket-close'; socket: number; code: number; reason: string; totals: SocketTotals }
  /**
   * Answered by `subscribed` or `not-subscribed` with the same `ask`. `params` is the text of the call's params after the
   * kind, without brackets: `{"address":…}`, or empty. `maxSubscriptions`: of this caller over all workers; 0: no bound.
   */
  | {
      type: 'subscribe';
      socket: number;
      ask: number;
      network: string;
      kind: string;
      params: string;
      maxSubscriptions: number;
    }
  /** Not answered. One that is not there any more is no fault. */
  | { type: 'unsubscribe'; socket: number; ask: number };

/** Where a feed's events come from, for explain. */
export interface FeedSource {
  /** Name of the upstream; '' while there is none. */
  upstream: string;
  /** `websocket`: its own subscription; `polling`: asked over HTTP again and again. */
  via: 'websocket' | 'polling';
}

/** Why the hub takes no subscription. */
export type SubscribeFault =
  /** The caller has as many as it may. */
  | { why: 'too_many'; limit: number }
  /** Params that no node would take. `message` is for the caller. */
  | { why: 'invalid_params'; message: string }
  /** No upstream of the network offers it (e.g. none has WebSocket). `message` is for the caller. */
  | { why: 'unsupported'; message: string }
  /** The upstream's own error, as JSON text of its `error` member. */
  | { why: 'node_error'; error: string }
  /** No upstream could be reached in time. */
  | { why: 'no_upstream' };

/** The hub to a worker. */
export type FromHub =
  | { type: 'socket-admitted'; socket: number; admitted: boolean }
  /** From now on events of `feed` are its. Subscriptions with the same feed share one upstream subscription. */
  | { type: 'subscribed'; socket: number; ask: number; feed: number; source: FeedSource; listeners: number }
  | { type: 'not-subscribed'; socket: number; ask: number; fault: SubscribeFault }
  /** Events of a feed in order, each the JSON text of a notification's `params.result`; once for each worker that listens. */
  | { type: 'events'; feed: number; results: string[] }
  /** It cannot go on (a gap too large to fill, its network is gone): sockets that listen are to be closed. */
  | { type: 'feed-ended'; feed: number; reason: string };
