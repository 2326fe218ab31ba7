import { beforeEach, describe, expect, it } from 'vitest';
import type { CloseCause } from './close-codes.ts';
import { createListeners, type Listeners } from './listeners.ts';
import type { ToHub } from './messages.ts';
import type { Session } from './session.ts';

/** A session that sends nowhere, and has room or not as a test says. */
class FakeSession {
  over = false;
  events = 0;
  full = false;
  readonly sent: unknown[] = [];
  closedAs: CloseCause | null = null;
  readonly number: number;
  private due: (() => void)[] = [];

  constructor(number: number) {
    this.number = number;
  }

  isFull(): boolean {
    return this.full;
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text).params.result);
  }

  onceDrained(then: () => void): void {
    this.due.push(then);
  }

  drained(): void {
    this.full = false;
    for (const then of this.due.splice(0)) then();
  }

  close(cause: CloseCause): void {
    this.over = true;
    this.closedAs = cause;
  }
}

let told: ToHub[] = [];
let listeners: Listeners;

beforeEach(() => {
  told = [];
  listeners = createListeners({
    tell: (message) => void told.push(message),
    charge: () => true,
    conflate: () => true,
    settle: () => {},
  });
});

const heads = { network: 'eth', kind: 'newHeads', params: '', maxSubscriptions: 0 };
const source = { upstream: 'node', via: 'polling' } as const;
const asSession = (fake: FakeSession): Session => fake as unknown as Session;
const lastAsk = (): number => told.findLast((message) => message.type === 'subscribe')!.ask;
const subscribed = (fake: FakeSession, ask = lastAsk(), feed = 1): void =>
  listeners.hear({ type: 'subscribed', socket: fake.number, ask, feed, source, listeners: 1 });
const event = (...results: number[]): void =>
  listeners.hear({ type: 'events', feed: 1, results: results.map(String) });

function listen(fake: FakeSession): string {
  let id = '';
  listeners.subscribe(asSession(fake), heads, (result) => {
    if (!('subscription' in result)) return;
    id = result.subscription.id;
    listeners.begin(result.subscription);
  });
  subscribed(fake);
  return id;
}

describe('heads of a slow client', () => {
  it('never come behind a newer one, though there is room before it has drained', () => {
    const fake = new FakeSession(1);
    listen(fake);
    event(1);
    fake.full = true;
    event(2, 3);
    fake.full = false;
    event(4);
    fake.full = true;
    event(5);
    expect(fake.sent).toEqual([1, 4]);
    fake.drained();
    expect(fake.sent).toEqual([1, 4, 5]);
    expect(listeners.stats.conflated).toBe(2);
  });

  it('are forgotten with their subscription', () => {
    const fake = new FakeSession(1);
    const id = listen(fake);
    fake.full = true;
    event(1);
    expect(listeners.unsubscribe(asSession(fake), id)).toBe(true);
    fake.drained();
    expect(fake.sent).toEqual([]);
  });
});
