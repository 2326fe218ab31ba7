import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { outcomes } from '../chain.ts';
import { createLeaseKeeper } from './lease-keeper.ts';
import type { LeaseAnswer, LeaseAsk } from './lease-port.ts';
import { setAway, setHere } from './lease-state.ts';
import { createShardLocks } from '../shard-locks.ts';
import { setPlace } from './shares.ts';
import { createFixture } from '../testing/fixture.ts';

const { allowed, burst, exceeded, cold } = outcomes;
const second = 1_000_000;
/** Refills 10 tokens in 100 ms; one of two instances holds at most 50 of it. */
const rule = { requests: 100, periodMs: 1000, burst: 100 };
const ttlMs = 10_000;

/** One of two instances, with a store that answers what the test says. */
function createKept(leasesMax?: number) {
  const fixture = createFixture({ shared: true }, 0);
  setPlace(fixture.memory, { instances: 2, rank: 0 });
  const { chain, versions, buckets } = fixture;
  const asked: LeaseAsk[][] = [];
  let now = second;
  let held: Promise<void> | null = null;
  let answer = (ask: LeaseAsk): LeaseAnswer | null => ({ granted: ask.want, rest: 1e6, waitMs: 0 });
  const keeper = createLeaseKeeper({
    store: {
      async ask(asks) {
        asked.push([...asks]);
        await held;
        return asks.map((ask) => answer(ask));
      },
    },
    table: buckets.leases!,
    shapeOf: versions.shapeOf,
    instances: () => 2,
    away: () => kept.away,
    nowMicros: () => now,
    ttlMs,
    ...(leasesMax !== undefined && { leasesMax }),
  });
  const kept = {
    keeper,
    asked,
    away: false,
    memory: fixture.memory,
    fixture,
    nowMicros: () => now,
    /** Answers come once what is returned was called. */
    hold(): () => void {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = promise;
      return resolve;
    },
    /** Tokens that can be taken now without another ask. */
    spendable(caller = 'a', params = rule): number {
      let tokens = 0;
      while (fixture.take(caller, params, now) <= burst) tokens++;
      return tokens;
    },
    answers(next: typeof answer) {
      answer = next;
    },
    /** Tokens that calls get which do not wait for a lease. */
    shareNow(caller: string): number {
      for (let tokens = 0; ; tokens++) {
        chain.reset(1);
        chain.sharing = true;
        fixture.add(caller, 'default', rule);
        fixture.buckets.take(chain, now);
        if (chain.outcome > burst) return tokens;
      }
    },
    /** Takes one token of the caller's; asks for what lacks or runs low, as a worker does. */
    async call(caller = 'a', params = rule): Promise<number> {
      const outcome = fixture.take(caller, params, now);
      if ((chain.cold | chain.low) === 0) return outcome;
      const place = { tagLo: chain.tagLo[0]!, tagHi: chain.tagHi[0]!, version: chain.versions[0]! };
      await new Promise<void>((done) => {
        keeper.need(
          { ...place, owner: caller, scope: 'default', cost: 1, least: chain.cold === 0 ? 0 : 1 },
          done,
        );
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

  test('get nothing back that was told as spent', async () => {
    const { call, asked, hold, fixture, nowMicros, spendable } = createKept();
    for (let k = 0; k < 5; k++) await call();
    const release = hold();
    // Runs it low: more is asked for, and the answer is not here yet.
    const low = call();
    await turn();
    await turn();
    const { unspent, want } = asked.at(-1)![0]!;
    fixture.chain.reset(1);
    fixture.add('a', 'default', rule);
    fixture.buckets.giveBack(fixture.chain, nowMicros(), nowMicros() + 1000);
    release();
    await low;
    expect(spendable()).toBe((unspent + want) / 10_000);
  });

  test('that cannot be looked at, as a worker died at them, are not told as spent', async () => {
    const { call, asked, fixture, memory } = createKept();
    for (let k = 0; k < 5; k++) await call();
    const before = asked.length;
    const { shardsLow, shardsHigh } = fixture.chain;
    const dead = createShardLocks(memory, 7);
    const low = call();
    dead.acquire(shardsLow, shardsHigh);
    await low;
    expect(asked).toHaveLength(before);
    dead.release(shardsLow, shardsHigh);
    await call();
    expect(
      asked
        .slice(before)
        .flat()
        .map(({ unspent }) => unspent),
    ).toEqual([]);
  });

  test('that come when all have turned to their shares wait for the next ask', async () => {
    const kept = createKept();
    const release = kept.hold();
    const first = kept.call();
    await turn();
    await turn();
    kept.away = true;
    setAway(kept.memory.leases!, kept.nowMicros());
    const passed = kept.spendable();
    release();
    await first;
    // Capacity 200, one of two instances.
    expect(passed + kept.spendable()).toBe(100);
  });

  test('are not asked for by those who still wait at the end', async () => {
    const { call, asked, keeper } = createKept();
    await call();
    asked.length = 0;
    const late = call('b');
    await keeper.leave();
    expect(await late).toBe(cold);
    expect(asked.flat().every(({ leave }) => leave)).toBe(true);
  });

  test('behind the lock of a worker that died block main once a turn, however many', async () => {
    const { call, fixture, memory, pass, keeper } = createKept();
    await Promise.all(Array.from({ length: 1000 }, (_, k) => call(`caller ${k}`)));
    fixture.chain.reset(1);
    fixture.add('caller 0', 'default', rule);
    const { shardsLow, shardsHigh } = fixture.chain;
    const dead = createShardLocks(memory, 7);
    dead.acquire(shardsLow, shardsHigh);
    await pass(60_000);
    const began = performance.now();
    for (let k = 0; k < 25; k++) keeper.tick();
    expect(performance.now() - began).toBeLessThan(1000);
    dead.release(shardsLow, shardsHigh);
  });

  test('are of so many buckets at most; those beyond go by the share', async () => {
    const { call, keeper, pass, asked } = createKept(2);
    expect([await call('a'), await call('b'), await call('c')]).toEqual([allowed, allowed, cold]);
    expect(keeper.size).toBe(2);
    await pass(4 * second);
    asked.length = 0;
    expect(await call('c')).toBe(allowed);
  });

  test('that are not to be had are not waited for to pay: the share goes on as it refills', async () => {
    const { call, shareNow, pass } = createKept(1);
    await call('a');
    // Capacity 200 and 100 a second, of one of two instances the half.
    expect(shareNow('b')).toBe(100);
    await pass(second);
    expect(await call('b')).toBe(cold);
    expect(shareNow('b')).toBe(50);
  });

  test('that are dry cost main nothing until there may be more, in a flood of callers', async () => {
    const { call, answers, keeper, fixture, nowMicros } = createKept();
    answers(() => ({ granted: 0, rest: 0, waitMs: 900 }));
    await Promise.all(Array.from({ length: 20_000 }, (_, k) => call(`caller ${k}`)));
    const timed = (work: () => void): number => {
      const began = performance.now();
      work();
      return performance.now() - began;
    };
    fixture.chain.reset(1);
    fixture.add('caller 0', 'default', rule);
    const { tagLo, tagHi, versions } = fixture.chain;
    const place = { tagLo: tagLo[0]!, tagHi: tagHi[0]!, version: versions[0]! };
    const lookMs = timed(() => {
      for (let k = 0; k < 20_000; k++) fixture.buckets.leases!.read(place, nowMicros());
    });
    const ticksMs = timed(() => {
      for (let k = 0; k < 100; k++) keeper.tick();
    });
    // Not even half of them each time, on a machine that has more to do.
    expect(ticksMs).toBeLessThan(40 * lookMs);
  });
});
