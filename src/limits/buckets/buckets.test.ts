import { describe, expect, test } from 'vitest';
import { Chain, linksMax, outcomes } from '../chain.ts';
import { quotaPeriod } from '../quotas/quota.ts';
import { createFixture } from '../testing/fixture.ts';

const { allowed, burst, exceeded, quota } = outcomes;
const second = 1_000_000;
const rule = { requests: 2, periodMs: 1000, burst: 2 };
const day = quotaPeriod('day', Date.UTC(2026, 0, 1)).id;

describe('one bucket', () => {
  test('is allowed down to its burst, then burst, then exceeded; the first of those is depleted', () => {
    const { take, chain } = createFixture();
    const seen = [1, 2, 3, 4, 5, 6].map(() => [take('a', rule, 0), chain.depleted]);
    expect(seen).toEqual([
      [allowed, false],
      [allowed, false],
      [burst, false],
      [burst, false],
      [exceeded, true],
      [exceeded, false],
    ]);
  });

  test('is depleted again only after another burst', () => {
    const { take, chain } = createFixture();
    for (let i = 0; i < 5; i++) take('a', rule, 0);
    expect(take('a', rule, 0.5 * second)).toBe(burst);
    expect(take('a', rule, 0.5 * second)).toBe(exceeded);
    expect(chain.depleted).toBe(true);
  });

  test('that went back to allowed is no longer in a burst', () => {
    const { take, chain } = createFixture();
    for (let i = 0; i < 4; i++) take('a', rule, 0);
    expect(take('a', rule, 1.6 * second)).toBe(allowed);
    expect(take('a', rule, 1.6 * second, 3)).toBe(exceeded);
    expect(chain.depleted).toBe(false);
  });

  test('says what it held, what is left and when to come back', () => {
    const { take, chain } = createFixture();
    take('a', rule, 0, 3);
    expect([chain.before[0], chain.after[0], chain.retryAfterMs]).toEqual([4, 1, 0]);
    expect(take('a', rule, 0.25 * second, 3)).toBe(exceeded);
    expect([chain.before[0], chain.after[0], chain.retryAfterMs]).toEqual([1.5, 1.5, 750]);
    expect(chain.failing).toBe(0);
    expect(take('a', rule, 0.999999 * second, 3)).toBe(exceeded);
    expect(chain.retryAfterMs).toBe(1);
    expect(take('a', rule, second, 3)).toBe(burst);
  });

  test('refuses for ever what costs more than it holds', () => {
    const { take, chain } = createFixture();
    expect(take('a', rule, 0, 5)).toBe(exceeded);
    expect(chain.retryAfterMs).toBe(Number.POSITIVE_INFINITY);
    expect(take('a', rule, 0, 4)).toBe(burst);
  });

  test('lets through what costs nothing, even when empty', () => {
    const { take, chain, buckets } = createFixture();
    take('a', rule, 0, 4);
    expect(take('a', rule, 0, 0)).toBe(allowed);
    expect(chain.after[0]).toBe(0);
    expect(take('b', rule, 0, 0)).toBe(allowed);
    expect(buckets.stats(0).everUsed).toBe(1);
  });

  test('refills nothing when the clock goes back, and once only when it comes again', () => {
    const { take } = createFixture();
    expect(take('a', rule, 10 * second, 4)).toBe(burst);
    expect(take('a', rule, 5 * second)).toBe(exceeded);
    expect(take('a', rule, 10 * second)).toBe(exceeded);
    expect(take('a', rule, 10.5 * second)).toBe(burst);
  });

  test.each([-1, 0.5, Number.NaN])('refuses a cost of %s', (cost) => {
    expect(() => new Chain().reset(cost)).toThrow(RangeError);
  });
});

describe('a chain', () => {
  const wide = { requests: 10, periodMs: 1000, burst: 0 };

  test('takes from all or from none', () => {
    const { add, chain, buckets } = createFixture();
    const call = (cost: number): number => {
      chain.reset(cost);
      add('a', 'wide', wide);
      add('a', 'narrow', rule);
      buckets.take(chain, 0);
      return chain.outcome;
    };
    expect(call(3)).toBe(burst);
    expect(chain.bursting).toBe(0b10);
    expect(call(3)).toBe(exceeded);
    expect([chain.failing, chain.refused]).toEqual([1, 0b10]);
    expect([...chain.before.slice(0, 2)]).toEqual([7, 1]);
    expect([...chain.after.slice(0, 2)]).toEqual([7, 1]);
    expect(call(1)).toBe(burst);
    expect([...chain.after.slice(0, 2)]).toEqual([6, 0]);
  });

  test('names the first that refuses and waits for the last', () => {
    const { add, chain, buckets } = createFixture();
    const call = (): void => {
      chain.reset(4);
      add('a', 'fast', { requests: 4, periodMs: 1000, burst: 0 });
      add('a', 'slow', { requests: 4, periodMs: 60_000, burst: 0 });
      buckets.take(chain, 0);
    };
    call();
    call();
    expect([chain.failing, chain.refused, chain.retryAfterMs]).toEqual([0, 0b11, 60_000]);
  });

  test('whose limit refuses uses no quota; whose quota refuses takes no tokens; the limit goes first', () => {
    const { add, chain, buckets } = createFixture();
    const call = (limit: number): number => {
      chain.reset(3);
      add('a', 'default', rule);
      chain.quota(3, day, limit, 1);
      buckets.take(chain, 0);
      return chain.outcome;
    };
    expect(call(0)).toBe(quota);
    expect([chain.before[0], chain.after[0]]).toEqual([4, 4]);
    expect(call(5)).toBe(burst);
    expect(call(5)).toBe(exceeded);
    expect(chain.quotaUsed[0]).toBe(1);
    expect(call(0)).toBe(exceeded);
    expect(buckets.readQuota(3, day)).toBe(1);
  });

  test('is not refused by a shadow, which takes where it would admit and the call passes', () => {
    const { add, chain, buckets } = createFixture();
    const call = (): number => {
      chain.reset(2);
      add('a', 'real', wide);
      add('a', 'shadow', { requests: 3, periodMs: 60_000, burst: 3 }, true);
      buckets.take(chain, 0);
      return chain.outcome;
    };
    const seen = [1, 2, 3, 4, 5].map(() => [call(), chain.shadowRefused, chain.after[1]]);
    expect(seen).toEqual([
      [allowed, 0, 4],
      [allowed, 0, 2],
      [allowed, 0, 0],
      [allowed, 0b10, 0],
      [allowed, 0b10, 0],
    ]);
    expect(call()).toBe(exceeded);
    expect([chain.refused, chain.failing, chain.shadowRefused]).toEqual([0b01, 0, 0b10]);
  });

  test('that is refused takes from no shadow', () => {
    const { add, chain, buckets } = createFixture();
    for (let i = 0; i < 3; i++) {
      chain.reset(4);
      add('a', 'shadow', wide, true);
      add('a', 'real', rule);
      buckets.take(chain, 0);
    }
    expect(chain.before[0]).toBe(6);
    expect(chain.after[0]).toBe(6);
  });

  test('is peeked at with the same answer and no effect', () => {
    const { add, chain, buckets } = createFixture();
    const call = (how: 'take' | 'peek'): unknown => {
      chain.reset(3);
      add('a', 'default', rule);
      chain.quota(3, day, 5, 1);
      buckets[how](chain, 0);
      const { outcome, failing, depleted, retryAfterMs } = chain;
      return {
        outcome,
        failing,
        depleted,
        retryAfterMs,
        quotaUsed: chain.quotaUsed[0],
        before: chain.before[0],
        after: chain.after[0],
      };
    };
    for (let i = 0; i < 3; i++) {
      const peeked = call('peek');
      expect(call('peek')).toEqual(peeked);
      expect(call('take')).toEqual(peeked);
    }
  });

  test('has at most 16 links, and all of them work', () => {
    const { add, chain, buckets } = createFixture();
    chain.reset(1);
    for (let i = 0; i < linksMax; i++) add('a', `scope ${i}`, rule);
    expect(() => add('a', 'one more', rule)).toThrow(RangeError);
    for (const left of [3, 2, 1, 0]) {
      buckets.take(chain, 0);
      expect([...chain.after]).toEqual(Array.from({ length: linksMax }, () => left));
    }
    buckets.take(chain, 0);
    expect(chain.refused).toBe(0xffff);
  });
});

test('a caller and a scope that change places are two buckets', () => {
  const { add, chain, buckets } = createFixture();
  for (const [caller, scope] of [['x', 'y'] as const, ['y', 'x'] as const]) {
    chain.reset(4);
    add(caller, scope, rule);
    buckets.take(chain, 0);
    expect(chain.outcome).toBe(burst);
  }
});

test('a version that was never given out is an error, and leaves no lock behind', () => {
  const { chain, buckets, take } = createFixture();
  chain.reset(1);
  chain.add(1, 2, 3, 4, 0x0001_03ff);
  expect(() => buckets.take(chain, 0)).toThrow(RangeError);
  for (let i = 0; i < 200; i++) expect(take(`caller ${i}`, rule, 0)).toBe(allowed);
});
