import { describe, expect, test } from 'vitest';
import { outcomes } from '../chain.ts';
import { savedSeed } from './state-format.ts';
import { createFixture, testSeed } from '../testing/fixture.ts';

const rule = { requests: 10, periodMs: 10_000, burst: 5 };
const coarse = { requests: 999_983, periodMs: 31 * 86_400_000, burst: 0 };
const second = 1_000_000;

/** A run that left `a` with 5 tokens, `b` empty and in its burst, `c` full again, a coarse bucket and two quotas. */
function run(): Uint8Array {
  const { take, buckets } = createFixture();
  take('c', rule, 0, 15);
  take('a', rule, 100 * second, 10);
  take('b', rule, 100 * second, 15);
  take('d', coarse, 100 * second, 900_000);
  buckets.writeQuota(3, 4, 77);
  buckets.writeQuota(9, 4, 5);
  return buckets.save(100 * second, 1_000_000);
}

describe('a drained restart', () => {
  test('keeps what was not full, refilled by the time that passed', () => {
    const file = run();
    const { take, chain, buckets, versions } = createFixture({ seed: savedSeed(file)! });
    versions.versionOf('something else first', rule);
    // Rebooted: the monotonic clock starts again, 4 s later on the wall's.
    expect(buckets.load(file, 7 * second, 1_004_000)).toEqual({ ok: true, buckets: 3, quotas: 2 });
    take('a', rule, 7 * second, 0);
    expect(chain.before[0]).toBe(9);
    take('b', rule, 7 * second, 0);
    expect(chain.before[0]).toBe(4);
    take('c', rule, 7 * second, 0);
    expect(chain.before[0]).toBe(15);
    take('d', coarse, 7 * second, 0);
    expect(chain.before[0]).toBeCloseTo(99_983 + (4 * 999_983) / (31 * 86_400), 1);
    expect(buckets.readQuota(3, 4)).toBe(77);
    expect(take('b', rule, 7 * second, 5)).toBe(outcomes.exceeded);
    expect(chain.depleted).toBe(true);
  });

  test('keeps the fill ratio where the config changed meanwhile', () => {
    const file = run();
    const { take, chain, buckets } = createFixture();
    buckets.load(file, 100 * second, 1_000_000);
    take('a', { requests: 20, periodMs: 10_000, burst: 10 }, 100 * second, 0);
    expect(chain.before[0]).toBe(10);
  });

  test.each([
    ['the wall clock was set back', 200 * second, 900_000, 5],
    ['the wall clock was set forward', 101 * second, 9_000_000, 6],
    ['nothing passed', 100 * second, 1_000_000, 5],
    ['long enough passed for all of it', 4000 * second, 4_900_000, 15],
  ])('refills no more than passed: %s', (_name, nowMicros, wallMs, expected) => {
    const file = run();
    const { take, chain, buckets } = createFixture();
    buckets.load(file, nowMicros, wallMs);
    take('a', rule, nowMicros, 0);
    expect(chain.before[0]).toBe(expected);
  });

  test('finds a quota again by its name, and drops one whose owner is gone', () => {
    const { buckets: before } = createFixture();
    before.writeQuota(3, 4, 77);
    before.writeQuota(9, 4, 5);
    before.writeQuota(11, 4, 6);
    const names = new Map([
      [3, 'acme'],
      [9, 'größer'],
    ]);
    const file = before.save(0, 0, (slot) => names.get(slot));
    const { buckets } = createFixture();
    const slots = new Map([['größer', 100]]);
    expect(buckets.load(file, 0, 0, (name) => slots.get(name))).toEqual({ ok: true, buckets: 0, quotas: 1 });
    expect([buckets.readQuota(100, 4), buckets.readQuota(3, 4)]).toEqual([5, 0]);
  });

  test('is not spoilt by a lease that ended before it had paid for what its share gave', () => {
    const { take, add, chain, buckets, memory } = createFixture({ shared: true });
    chain.reset(1);
    chain.sharing = true;
    add('a', 'default', rule);
    buckets.take(chain, 0);
    const place = { tagLo: chain.tagLo[0]!, tagHi: chain.tagHi[0]!, version: chain.versions[0]! };
    const grant = { units: 0, askedMicros: 0, untilMicros: second, rest: 0, dryUntilMicros: 0, low: 0 };
    buckets.leases!.grant(place, grant, 0);
    expect(take('a', rule, 2 * second)).toBe(outcomes.cold);
    const file = buckets.save(2 * second, 0);
    expect(createFixture({ seed: memory.seed }).buckets.load(file, 2 * second, 0)).toMatchObject({
      ok: true,
      buckets: 1,
    });
  });

  test('saves again what it loaded', () => {
    const file = run();
    const { buckets } = createFixture();
    buckets.load(file, 100 * second, 1_000_000);
    const again = createFixture();
    again.buckets.load(buckets.save(100 * second, 1_000_000), 100 * second, 1_000_000);
    again.take('a', rule, 100 * second, 0);
    expect(again.chain.before[0]).toBe(5);
  });
});

describe('a state file that is not sound', () => {
  const file = run();

  function refused(bytes: Uint8Array): unknown {
    const { buckets } = createFixture();
    const result = buckets.load(bytes, 100 * second, 1_000_000);
    expect(buckets.stats(100 * second).everUsed).toBe(0);
    expect(buckets.readQuota(3, 4)).toBe(0);
    return result;
  }

  test('is refused whichever byte changed, and changes nothing', () => {
    for (let at = 0; at < file.length; at++) {
      const bytes = Uint8Array.from(file);
      bytes[at]! ^= 1 << (at % 8);
      expect(refused(bytes)).toMatchObject({ ok: false });
      expect(savedSeed(bytes)).toBeUndefined();
    }
  });

  test('is refused at any other length', () => {
    for (let length = 0; length < file.length; length += 8) {
      expect(refused(file.subarray(0, length))).toEqual({ ok: false, reason: 'damaged' });
    }
    expect(refused(new Uint8Array([...file, ...new Uint8Array(8)]))).toEqual({
      ok: false,
      reason: 'damaged',
    });
    expect(refused(new Uint8Array(640))).toEqual({ ok: false, reason: 'not a state file' });
  });

  test('is refused with another seed, whose tags it could not find', () => {
    const { buckets } = createFixture({ seed: Uint32Array.of(9, 9, 9, 9) });
    expect(buckets.load(file, 0, 0)).toEqual({ ok: false, reason: 'of another seed' });
    expect(savedSeed(file)).toEqual(testSeed);
  });

  test('is refused if its limits do not fit beside the config’s', () => {
    const { buckets, versions } = createFixture({ versions: 3 });
    versions.versionOf('mine', rule);
    expect(buckets.load(file, 0, 0)).toEqual({ ok: false, reason: 'of more limits than fit' });
  });
});
