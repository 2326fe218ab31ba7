import { expect, test, vi } from 'vitest';
import { createFixture, long } from '../testing/fixture.ts';
import { startRace } from '../testing/race.ts';

vi.setConfig({ testTimeout: long ? 300_000 : 30_000 });

const threads = 3;
const runs = long ? 40 : 5;
/** Refills less than a token while the test runs: its clock stands still anyway. */
const hours = 366 * 24 * 3_600_000;

type Links = [number, number, number, number, number][];

test('threads that take from one bucket admit exactly its capacity', async () => {
  for (let run = 0; run < runs; run++) {
    const { memory, versions } = createFixture();
    const version = versions.versionOf('one', { requests: 20_000, periodMs: hours, burst: 777 });
    const chains: Links[] = [[[run, 2, 3, 4, version]]];
    const race = await startRace(threads, { memory, takes: 10_000, chains, quota: null });
    await race.done;
    expect(race.passed()).toEqual([20_777]);
  }
});

test('threads that take chains admit exactly what the tightest bucket of each allows, and strand nothing', async () => {
  for (let run = 0; run < runs; run++) {
    const { memory, versions, buckets, chain } = createFixture();
    const ceiling = versions.versionOf('ceiling', { requests: 15_000, periodMs: hours, burst: 0 });
    const own = versions.versionOf('own', { requests: 4000, periodMs: hours, burst: 1 });
    // Four callers of 4,001 each under one ceiling of 15,000; every chain in another order of shards.
    const chains: Links[] = [1, 2, 3, 4].map((caller) => {
      const links: Links = [
        [caller, caller << 28, 5, 6, own],
        [0, run << 28, 7, 8, ceiling],
      ];
      return caller % 2 === 0 ? links : links.toReversed();
    });
    const race = await startRace(threads, { memory, takes: 10_000, chains, quota: null });
    await race.done;
    const passed = race.passed();
    expect(passed.reduce((sum, n) => sum + n)).toBe(15_000);
    for (const [which, links] of chains.entries()) {
      expect(passed[which]).toBeLessThanOrEqual(4001);
      chain.reset(0);
      for (const link of links) chain.add(...link);
      buckets.peek(chain, 1_000_000);
      expect(chain.before[which % 2 === 0 ? 1 : 0]).toBe(4001 - passed[which]!);
      expect(chain.before[which % 2 === 0 ? 0 : 1]).toBe(0);
    }
  }
});

test('a quota is exact over threads, and what it refuses takes no tokens', async () => {
  for (let run = 0; run < runs; run++) {
    const { memory, versions, buckets, chain } = createFixture();
    const version = versions.versionOf('one', { requests: 30_000, periodMs: hours, burst: 0 });
    const chains: Links[] = [[[1, 2, 3, 4, version]]];
    const quota = { slot: 9, period: 2, limit: 12_345 };
    const race = await startRace(threads, { memory, takes: 6000, chains, quota });
    await race.done;
    expect(race.passed()).toEqual([12_345]);
    expect(buckets.readQuota(9, 2)).toBe(12_345);
    chain.reset(0);
    chain.add(...chains[0]![0]!);
    buckets.peek(chain, 1_000_000);
    expect(chain.before[0]).toBe(30_000 - 12_345);
  }
});

test('threads that put in new buckets at once lose none', async () => {
  for (let run = 0; run < runs; run++) {
    const { memory, versions, buckets } = createFixture({ entries: 8192 });
    const version = versions.versionOf('small', { requests: 3, periodMs: hours, burst: 0 });
    const chains = Array.from({ length: 1500 }, (_, i): Links => {
      const spread = Math.imul(i + 1, 0x9e37_79b1);
      return [[i, spread, 3, 4, version]];
    });
    const race = await startRace(threads, { memory, takes: 3000, chains, quota: null });
    await race.done;
    expect(race.passed().every((passed) => passed === 3)).toBe(true);
    expect(buckets.stats(1_000_000)).toMatchObject({ everUsed: 1500, evictions: 0 });
  }
});
