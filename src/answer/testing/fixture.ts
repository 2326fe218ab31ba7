import type { CachePolicy, NetworkPolicy } from '../../config/index.ts';
import { type AnswerRoom, createAnswerRoom } from '../answer-room.ts';
import type { ChainView, SharedStore } from '../ports.ts';
import { Caller, callText } from './caller.ts';
import { FakePool } from './pool.ts';

export const cachePolicy: CachePolicy = {
  maxBytes: 1 << 20,
  maxEntryBytes: 1 << 18,
  headTtlMs: 2000,
  finalityDepth: 0,
  methods: [],
  shared: null,
};

/** A network's policy as far as answers are concerned. */
export function networkPolicy(over: Partial<NetworkPolicy> = {}): NetworkPolicy {
  return {
    kind: 'ethereum',
    name: 'main',
    chainId: 1,
    health: { intervalMs: 2000, timeoutMs: 2000, call: null },
    upstreams: ['a', 'b', 'c'].map((host) => ({ host, port: 1, path: '/', tls: false })),
    timeoutMs: 10_000,
    coalesce: true,
    cache: cachePolicy,
    ...over,
  } as unknown as NetworkPolicy;
}

/** The chain as a test moves it. */
export class FakeChain implements ChainView {
  head = 100;
  finalized = 90;
  epoch = 1;
  reorgs = 0;
  reorgFrom = 0;
  served = -1;

  move(head: number, finalized: number): void {
    this.head = head;
    this.finalized = finalized;
    this.epoch++;
  }

  reorg(from: number, head: number, finalized: number): void {
    this.reorgFrom = from;
    this.reorgs++;
    this.served = -1;
    this.move(head, finalized);
  }
}

/** A clock that goes where it is told, with what is due on the way. */
export class FakeClock {
  micros = 1_000_000;
  private readonly timers = new Set<{ at: number; run: () => void }>();

  readonly now = (): number => this.micros;
  readonly later = (ms: number, run: () => void): (() => void) => {
    const timer = { at: this.micros + ms * 1000, run };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  };

  get waiting(): number {
    return this.timers.size;
  }

  pass(ms: number): void {
    const end = this.micros + ms * 1000;
    for (;;) {
      const next = [...this.timers].toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      this.micros = Math.max(this.micros, next.at);
      this.timers.delete(next);
      next.run();
    }
    this.micros = end;
  }
}

export interface FixtureParts {
  shared: SharedStore | null;
  chain: FakeChain;
  clock: FakeClock;
}

export interface Fixture {
  room: AnswerRoom<string>;
  pool: FakePool;
  chain: FakeChain;
  clock: FakeClock;
  /** By upstream; the network's head where not set. */
  heads: Map<number, number>;
  /** Sends a call; params as JSON text. */
  call(method: string, params?: string, id?: string): Caller;
  /** Sends a call that must go to the pool, and ends it there. */
  fill(method: string, params: string | undefined, result: string, via?: number): Caller;
}

/** With `shared` it is one of several rooms that share a store; they may share the chain and the clock as well. */
export function createFixture(
  over: Partial<NetworkPolicy> = {},
  { shared = null, chain = new FakeChain(), clock = new FakeClock() }: Partial<FixtureParts> = {},
): Fixture {
  const pool = new FakePool();
  const heads = new Map<number, number>();
  const room = createAnswerRoom<string>(networkPolicy(over), {
    seed: 42,
    chain,
    send: pool.send,
    upstreamHead: (via) => heads.get(via) ?? chain.head,
    now: clock.now,
    later: clock.later,
    shared,
    foundShared: () => {},
  });
  let ids = 0;
  const call: Fixture['call'] = (method, params, id = `${++ids}`) => {
    const caller = new Caller(callText(id, method, params), clock.now);
    room.send(caller);
    // Good only during `send`.
    caller.bytes.fill(0x20);
    return caller;
  };
  return {
    room,
    pool,
    chain,
    clock,
    heads,
    call,
    fill(method, params, result, via) {
      const sent = pool.sent.length;
      const caller = call(method, params);
      if (pool.sent.length !== sent + 1) throw new Error('it was not sent');
      pool.sent[sent]!.answer(result, via);
      return caller;
    },
  };
}
