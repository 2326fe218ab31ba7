import type { FeedSource, SocketAbout, SocketTotals } from '../messages.ts';

/** What the hub has to tell operators. Names no key and no credential. */
export type HubEvent =
  | { type: 'socket.opened'; worker: number; about: SocketAbout }
  | {
      type: 'socket.closed';
      worker: number;
      about: SocketAbout;
      code: number;
      reason: string;
      totals: SocketTotals;
    }
  /** Sockets that ended with their worker. */
  | { type: 'sockets.lost'; worker: number; count: number }
  /** `source.upstream` is '' while there is none. */
  | { type: 'source.changed'; network: string; kind: string; source: FeedSource; why: string }
  /** A block waits for its logs, and those behind it. */
  | { type: 'logs.late'; network: string; block: number; waitedMs: number }
  | { type: 'gap.filled'; network: string; blocks: number; head: number }
  | { type: 'chain.reorg'; network: string; removed: number; added: number; head: number }
  | { type: 'feed.ended'; network: string; kind: string; listeners: number; reason: string };

/** For operators: all open sockets, and what is subscribed to for them. */
export interface HubState {
  sockets: {
    worker: number;
    about: SocketAbout;
    subscriptions: { kind: string; feed: number }[];
  }[];
  feeds: FeedState[];
}

export interface FeedState {
  feed: number;
  network: string;
  kind: string;
  /** Of the caller, canonical where equal ones are shared. */
  params: string;
  source: FeedSource;
  listeners: number;
  /** Milliseconds since it began. */
  forMs: number;
  events: number;
}
