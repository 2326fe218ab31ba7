import { describe, expect, test } from 'vitest';
import { outcomes } from '../chain.ts';
import { createLimitsMemory } from '../memory.ts';
import { createFixture } from '../testing/fixture.ts';

const hour = 3_600_000;

describe('a full table', () => {
  const slow = { requests: 10, periodMs: hour, burst: 0 };

  test('forgets the buckets that lack least, and counts them', () => {
    const { take, buckets, chain } = createFixture({ entries: 1024 });
    // One shard has one window of 16 here.
    const drained = Array.from({ length: 200 }, (_, i) => `drained ${i}`);
    for (const caller of drained) take(caller, slow, 0, 10);
    const evictedBefore = buckets.stats(0).evictions;
    for (let i = 0; i < 3000; i++) take(`passer-by ${i}`, slow, 0);
    const { entries, used, everUsed, evictions } = buckets.stats(0);
    expect([entries, used, everUsed]).toEqual([1024, 1024, 1024]);
    expect(evictions - evictedBefore).toBe(3000 - (1024 - 200));
    const still = drained.filter((caller) => {
      take(caller, slow, 0, 0);
      return chain.before[0] === 0;
    });
    expect(evictedBefore).toBe(0);
    expect(still.length).toBe(200);
  });

  test('gives a forgotten caller what it lacked and no more', () => {
    const { take, chain } = createFixture({ entries: 1024 });
    for (let i = 0; i < 5000; i++) {
      expect(take(`caller ${i}`, slow, 0, 1 + (i % 10))).toBe(outcomes.allowed);
      expect(chain.after[0]).toBe(10 - (1 + (i % 10)));
    }
  });

  test('evicts no bucket of the chain that is being taken from', () => {
    const { add, chain, buckets, take } = createFixture({ entries: 1024 });
    for (let i = 0; i < 3000; i++) take(`crowd ${i}`, slow, 0, 5);
    // All of a caller's buckets stand in one window of 16 here: seven at a time stay.
    for (let round = 1; round <= 5; round++) {
      chain.reset(1);
      for (let i = 0; i < 7; i++) add('a', `scope ${i}`, slow);
      buckets.take(chain, 0);
      if (round === 1) continue;
      chain.reset(0);
      for (let i = 0; i < 7; i++) add('a', `scope ${i}`, slow);
      buckets.peek(chain, 0);
      for (let i = 0; i < 7; i++) expect(chain.before[i]).toBeLessThan(10);
    }
  });

  test('reuses places whose buckets have refilled, and evicts nothing then', () => {
    const { take, buckets } = createFixture({ entries: 1024 });
    const fast = { requests: 10, periodMs: 1000, burst: 0 };
    for (let i = 0; i < 50_000; i++) take(`caller ${i}`, fast, i * 1000, 1);
    const { everUsed, evictions, used } = buckets.stats(50_000_000 + 1_000_000);
    expect(evictions).toBe(0);
    expect(everUsed).toBeLessThanOrEqual(1024);
    expect(used).toBe(0);
  });
});

describe('memory', () => {
  test('costs nothing before it is used', () => {
    const before = process.memoryUsage.rss();
    const memory = createLimitsMemory({ entries: 2 ** 22, seed: new Uint32Array(4) });
    expect(memory.table.byteLength).toBeGreaterThan(128 * 2 ** 20);
    expect(process.memoryUsage.rss() - before).toBeLessThan(16 * 2 ** 20);
  });

  test.each([
    { entries: 0 },
    { entries: 2 ** 27 },
    { entries: 1, versions: 1 },
    { entries: 1, quotaSlots: 0 },
  ])('of %j is refused', (options) => {
    expect(() => createLimitsMemory({ ...options, seed: new Uint32Array(4) })).toThrow(RangeError);
  });

  test('needs a whole seed', () => {
    expect(() => createLimitsMemory({ entries: 1024, seed: new Uint32Array(3) })).toThrow(RangeError);
  });
});

test('a lease keeps its place, also one that holds its whole bucket', () => {
  const once = { requests: 1, periodMs: 24 * hour, burst: 0 };
  const { add, chain, buckets, versions, take } = createFixture({ entries: 1024, shared: true });
  const callers = Array.from({ length: 100 }, (_, i) => `caller ${i}`);
  const { tokenUnits } = versions.shapeOf(versions.versionOf('default', once))!;
  for (const caller of callers) {
    chain.reset(1);
    add(caller, 'default', once);
    const place = { tagLo: chain.tagLo[0]!, tagHi: chain.tagHi[0]!, version: chain.versions[0]! };
    const grant = { units: tokenUnits, askedMicros: 0, untilMicros: 9e6, rest: 0, dryUntilMicros: 0, low: 0 };
    buckets.leases!.grant(place, grant, 0);
  }
  for (let i = 0; i < 300; i++) {
    chain.reset(1);
    chain.sharing = true;
    add(`other ${i}`, 'default', once);
    buckets.take(chain, 0);
    expect(chain.outcome).toBe(outcomes.allowed);
  }
  expect(buckets.stats(0)).toMatchObject({ used: 400, everUsed: 400, evictions: 0 });
  for (const caller of callers) expect(take(caller, once, 0)).toBe(outcomes.allowed);
});
