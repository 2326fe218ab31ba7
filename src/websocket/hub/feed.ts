import type { FeedSource, FromHub } from '../messages.ts';
import type { FeedState } from './events.ts';

/** Equal subscriptions of a network, as one. It lives while anybody listens, or is about to. */
export class Feed {
  readonly number: number;
  readonly network: string;
  readonly kind: string;
  readonly params: string;
  /** What makes subscriptions share it. */
  readonly id: string;
  events = 0;
  source: () => FeedSource = () => ({ upstream: '', via: 'polling' });
  /** Whoever waits for its beginning. */
  holders = 0;
  private readonly listening = new Map<number, number>();
  private readonly send: (worker: number, message: FromHub) => void;
  private readonly sinceMs: number;

  constructor(
    what: { number: number; network: string; kind: string; params: string; id: string },
    send: (worker: number, message: FromHub) => void,
    nowMs: number,
  ) {
    this.number = what.number;
    this.network = what.network;
    this.kind = what.kind;
    this.params = what.params;
    this.id = what.id;
    this.send = send;
    this.sinceMs = nowMs;
  }

  get listeners(): number {
    let count = 0;
    for (const each of this.listening.values()) count += each;
    return count;
  }

  get isIdle(): boolean {
    return this.holders === 0 && this.listening.size === 0;
  }

  listen(worker: number): void {
    this.listening.set(worker, (this.listening.get(worker) ?? 0) + 1);
  }

  leave(worker: number): void {
    const count = (this.listening.get(worker) ?? 0) - 1;
    if (count > 0) this.listening.set(worker, count);
    else this.listening.delete(worker);
  }

  /** Once for each worker, however many of its sockets listen. */
  emit(results: string[]): void {
    this.events += results.length;
    for (const worker of this.listening.keys())
      this.send(worker, { type: 'events', feed: this.number, results });
  }

  end(reason: string): void {
    for (const worker of this.listening.keys())
      this.send(worker, { type: 'feed-ended', feed: this.number, reason });
  }

  state(nowMs: number): FeedState {
    const { number: feed, network, kind, params, listeners, events } = this;
    return {
      feed,
      network,
      kind,
      params,
      source: this.source(),
      listeners,
      forMs: nowMs - this.sinceMs,
      events,
    };
  }
}
