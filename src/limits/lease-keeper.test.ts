import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { outcomes } from './chain.ts';
import { createLeaseKeeper } from './lease-keeper.ts';
import type { LeaseAnswer, LeaseAsk } from './lease-port.ts';
import { setAway, setHere } from './lease-state.ts';
import { setPlace } from './shares.ts';
import { createFixture } from './testing/fixture.ts';

const { allowed, burst, exceeded, cold } = outcomes;
const second = 1_000_000;
/** Refills 10 tokens in 100 ms; one of two instances holds at most 50 of it. */
const rule = { requests: 100, periodMs: 1000, burst: 100 };
const ttlMs = 10_000;

/** One of two instances, with a store that answers what the test says. */
function createKept() {
  const fixture = createFixture({ shared: true });
  setPlace(fixture.memory, { instances: 2, rank: 0 });
  const { chain, versions, buckets } = fixture;
  const asked: LeaseAsk[][] = [];
  let now = second;
  let answer = (ask: LeaseAsk): LeaseAnswer | null => ({ granted: ask.want, rest: 1e6, waitMs: 0 });
  const keeper = createLeaseKeeper({
    store: {
      ask(asks) {
        asked.push([...asks]);
        return Promise.resolve(asks.map((ask) => answer(ask)));
      },
    },
    table: buckets.leases!,
    shapeOf: versions.shapeOf,
    instances: () => 2,
    away: () => kept.away,
    nowMicros: () => now,
    ttlMs,
  });
  const kept = {
    keeper,
    asked,
    away: false,
    memory: fixture.memory,
    answers(next: typeof answer) {
      answer = next;
    },
    /** Takes one token of the caller's; asks for what lacks or runs low, as a worker does. */
    async call(caller = 'a', params = rule): Promise<number> {
      const outcome = fixture.take(caller, params, now);
      if ((chain.cold | chain.low) === 0) return outcome;
      const place = { tagLo: chain.tagLo[0]!, tagHi: chain.tagHi[0]!, version: chain.versions[0]! };
      await new Promise<void>((done) => {
        keeper.need({ ...place, owner: caller, scope: 'default', cost: 1 }, done);
      });
      return outcome === cold ? fixture.take(caller, params, now) : outcome;
    },
    /** Tokens that the asks since the last look wanted, with what was unspent. */
    wanted: () =>
      asked.splice(0).flatMap((asks) => asks.map((ask) => [ask.want / 10_000, ask.unspent / 10_000])),
    async pass(micros: number) {
      for (const end = now + micros; now < end; ) {
        now += 20_000;
        keeper.tick();
        await turn();
      }
      await turn();
    },
  };
  return kept;
}

describe('leases', () => {
  test('begin with what 100 ms refill, and double while they are used up quickly', async () => {
    const { call, wanted, pass } = createKept();
    expect([await call(), wanted()]).toEqual([allowed, [[10, 0]]]);
    for (let k = 0; k < 5; k++) await call();
    // The lease runs low below half.
    expect(wanted()).toEqual([[16, 4]]);
    for (let k = 0; k < 40; k++) await call();
    expect(wanted()).toEqual([
      [31, 9],
      [31, 19],
    ]);
    await pass(2 * second);
    expect(wanted()).toEqual([]);
  });

  test('of many buckets are asked for together', async () => {
    const { call, asked } = createKept();
    await Promise.all(Array.from({ length: 300 }, (_, k) => call(`caller ${k}`)));
    expect(asked.map(({ length }) => length)).toEqual([128, 128, 44]);
    expect(new Set(asked.flat().map(({ seq }) => seq)).size).toBe(300);
  });

  test('are asked for again under the same number until there is an answer', async () => {
    const { call, asked, answers } = createKept();
    answers(() => null);
    expect(await call()).toBe(cold);
    expect(await call()).toBe(cold);
    answers(({ want }) => ({ granted: want, rest: 0, waitMs: 0 }));
    expect(await call()).toBe(burst);
    const [first, again, last] = asked.flat();
    expect([again, last]).toEqual([first, first]);
  });

  test('of a dry bucket are asked for when there may be more, and only if somebody was refused', async () => {
    const { call, asked, answers, pass, wanted } = createKept();
    answers(() => ({ granted: 10_000, rest: 0, waitMs: 100 }));
    expect([await call(), await call()]).toEqual([burst, exceeded]);
    expect(asked).toHaveLength(1);
    await pass(80_000);
    expect(asked).toHaveLength(1);
    await pass(40_000);
    expect(asked).toHaveLength(2);
    expect([await call(), await call()]).toEqual([burst, exceeded]);
    wanted();
    answers(({ want }) => ({ granted: want, rest: 1e6, waitMs: 0 }));
    await pass(120_000);
    expect(wanted()).toEqual([[40, 0]]);
    await pass(second);
    expect(wanted()).toEqual([]);
  });

  test('are renewed before they end while they are used, and go back when they are not', async () => {
    const { call, asked, pass, keeper } = createKept();
    await call();
    await pass(2.5 * second);
    await call();
    await pass(2.5 * second);
    expect(asked.flat().map(({ leave, unspent }) => [leave, unspent / 10_000])).toEqual([
      [false, 0],
      [false, 8],
    ]);
    expect(await call()).toBe(allowed);
    await pass(4 * second);
    expect(asked.flat().at(-1)).toMatchObject({ leave: true, want: 0 });
    expect(keeper.size).toBe(0);
    expect(await call()).toBe(allowed);
    expect(asked.flat().at(-1)).toMatchObject({ leave: false, unspent: 0 });
  });

  test('go back before the first of a changed rule is asked for', async () => {
    const { call, asked } = createKept();
    await call();
    asked.length = 0;
    expect(await call('a', { ...rule, requests: 200 })).toBe(allowed);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject([
      { leave: true, unspent: 90_000, shape: { tokenUnits: 10_000 } },
      { leave: false, unspent: 0, shape: { tokenUnits: 5_000 } },
    ]);
    expect(asked[0]![0]!.bucket).toBe(asked[0]![1]!.bucket);
  });

  test('all go back at the end, and nothing is asked for afterwards', async () => {
    const { call, asked, keeper } = createKept();
    await Promise.all([call('a'), call('b')]);
    asked.length = 0;
    await keeper.leave();
    expect(asked.flat()).toMatchObject([
      { leave: true, unspent: 90_000 },
      { leave: true, unspent: 90_000 },
    ]);
    expect(await call('c')).toBe(cold);
    expect(asked).toHaveLength(1);
  });

  test('are not asked for while the store is away', async () => {
    const kept = createKept();
    await kept.call();
    kept.asked.length = 0;
    kept.away = true;
    setAway(kept.memory.leases!, second);
    for (let k = 0; k < 20; k++) await kept.call();
    await kept.pass(5 * second);
    expect(kept.asked).toEqual([]);
    kept.away = false;
    setHere(kept.memory.leases!);
    expect(await kept.call()).toBe(allowed);
    expect(kept.asked).toHaveLength(1);
  });
});
