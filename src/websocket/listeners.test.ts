import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
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
const clock = { now: () => 0 };

beforeEach(() => {
  told = [];
  listeners = createListeners({
    tell: (message) => void told.push(message),
    charge: () => true,
    conflate: () => true,
    settle: () => {},
    nowMs: () => clock.now(),
  });
});

const heads = { network: 'eth', kind: 'newHeads', params: '', maxSubscriptions: 0, timeoutMs: 1000 };
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
    if (result === 'late' || !('subscription' in result)) return;
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

it('events that come before a batch is answered are kept, but not without end', () => {
  const fake = new FakeSession(1);
  listeners.subscribe(asSession(fake), heads, () => {});
  subscribed(fake);
  for (let k = 0; k < 1024; k++) event(k);
  expect(fake.closedAs).toBeNull();
  event(1024);
  expect(fake.closedAs).toMatchObject({
    code: 1011,
    reason: 'subscription lost: more than 1024 events before its batch was answered',
  });
});

describe('events to very many', () => {
  const audience = 400;
  const turns = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('leave the event loop to others, come in order, and none to who subscribed after them', async () => {
    const fakes = Array.from({ length: audience }, (_, k) => new FakeSession(k));
    for (const fake of fakes) listen(fake);
    // Each look at the clock takes a millisecond: ten steps a turn.
    const ticking = vi.spyOn(clock, 'now').mockImplementation(() => time++);
    let time = 0;
    event(1, 2, 3);
    const late = new FakeSession(audience);
    listen(late);
    event(4);
    expect(fakes.at(-1)!.sent).toEqual([]);
    let waited = 0;
    while (late.sent.length === 0 && waited < 100) {
      await turns();
      waited++;
    }
    ticking.mockRestore();
    expect(waited).toBeGreaterThan(5);
    for (const fake of fakes) expect(fake.sent).toEqual([1, 2, 3, 4]);
    expect(late.sent).toEqual([4]);
  });

  it('that are more than can ever be sent close the sockets, and take no memory without end', () => {
    const fake = new FakeSession(1);
    listen(fake);
    const text = `"${'x'.repeat(12 << 20)}"`;
    listeners.hear({ type: 'events', feed: 1, results: [text, text, text] });
    expect(fake.closedAs).toMatchObject({
      code: 1011,
      reason: 'subscription lost: more events than could be sent to all that listen',
    });
  });
});

describe('a subscription that the hub does not answer', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const unsubscribed = (): ToHub[] => told.filter(({ type }) => type === 'unsubscribe');
  const ask = (fake: FakeSession): unknown[] => {
    const results: unknown[] = [];
    listeners.subscribe(asSession(fake), heads, (result) => void results.push(result));
    return results;
  };

  it('is given up after its time; what comes of it then is undone', () => {
    const fake = new FakeSession(7);
    const results = ask(fake);
    vi.advanceTimersByTime(999);
    expect(results).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(results).toEqual(['late']);
    expect(unsubscribed()).toEqual([]);
    subscribed(fake);
    event(1);
    expect(results).toEqual(['late']);
    expect(unsubscribed()).toEqual([{ type: 'unsubscribe', socket: 7, ask: lastAsk() }]);
    expect(fake.sent).toEqual([]);
    expect(listeners.stats.open).toBe(0);
  });

  it('leaves no timer behind, answered or gone', () => {
    const [one, other] = [new FakeSession(1), new FakeSession(2)];
    ask(one);
    subscribed(one);
    const results = ask(other);
    listeners.left(asSession(other));
    expect(vi.getTimerCount()).toBe(0);
    subscribed(other);
    vi.advanceTimersByTime(2000);
    expect(results).toEqual([]);
    expect(listeners.stats.open).toBe(1);
  });
});

it('10,000 sockets that leave while all wait for the hub are gone at once', () => {
  const fakes = Array.from({ length: 10_000 }, (_, k) => new FakeSession(k));
  for (const fake of fakes) for (let k = 0; k < 3; k++) listeners.subscribe(asSession(fake), heads, () => {});
  const begun = performance.now();
  for (const fake of fakes) listeners.left(asSession(fake));
  // 3 s where each looks at all.
  expect(performance.now() - begun).toBeLessThan(500);
});
