import { describe, expect, test } from 'vitest';
import { quotaPeriod } from './quota.ts';
import { createFixture } from '../testing/fixture.ts';

const utc = Date.UTC;

describe('quotaPeriod', () => {
  test('days end at UTC midnight', () => {
    const before = quotaPeriod('day', utc(2026, 1, 28, 23, 59, 59, 999));
    const after = quotaPeriod('day', utc(2026, 2, 1));
    expect(before.resetsAtMs).toBe(utc(2026, 2, 1));
    expect(after.id).toBeGreaterThan(before.id);
    expect(after.resetsAtMs).toBe(utc(2026, 2, 2));
  });

  test('months end with the calendar, leap years and new year included', () => {
    expect(quotaPeriod('month', utc(2028, 1, 29)).resetsAtMs).toBe(utc(2028, 2, 1));
    const december = quotaPeriod('month', utc(2026, 11, 31, 23, 59));
    expect(december.resetsAtMs).toBe(utc(2027, 0, 1));
    expect(quotaPeriod('month', utc(2027, 0, 1)).id).toBeGreaterThan(december.id);
  });
});

describe('a quota', () => {
  const june = quotaPeriod('month', utc(2026, 5, 10)).id;
  const july = quotaPeriod('month', utc(2026, 6, 1)).id;

  function use(fixture: ReturnType<typeof createFixture>, period: number, cost = 1, limit = 3): number {
    fixture.chain.reset(1);
    fixture.chain.quota(7, period, limit, cost);
    fixture.buckets.take(fixture.chain, 0);
    return fixture.chain.outcome;
  }

  test('passes up to its limit and says what is used', () => {
    const fixture = createFixture();
    expect([1, 2, 3, 4].map(() => [use(fixture, june), fixture.chain.quotaUsed[0]])).toEqual([
      [0, 1],
      [0, 2],
      [0, 3],
      [3, 3],
    ]);
    expect(fixture.chain.retryAfterMs).toBe(Number.POSITIVE_INFINITY);
    expect(fixture.chain.failing).toBe(-1);
  });

  test('starts again with its period, and a clock set back does not start it again', () => {
    const fixture = createFixture();
    use(fixture, june, 3);
    expect(use(fixture, july, 2)).toBe(0);
    expect(use(fixture, june, 2)).toBe(3);
    expect(use(fixture, june, 1)).toBe(0);
    expect(fixture.buckets.readQuota(7, july)).toBe(3);
  });

  test('counts what others used with it, in the period that it is in, and never less than nothing', () => {
    const { buckets, ...fixture } = createFixture();
    use({ buckets, ...fixture }, july, 2);
    buckets.adjustQuota(7, july, 5);
    expect(buckets.readQuota(7, july)).toBe(7);
    // Of a look at the ledger from before midnight.
    buckets.adjustQuota(7, june, 1);
    expect(buckets.readQuota(7, july)).toBe(8);
    buckets.adjustQuota(7, july, -100);
    expect(buckets.readQuota(7, july)).toBe(0);
  });

  test('of another kind starts at nothing', () => {
    const fixture = createFixture();
    use(fixture, june, 3);
    expect(use(fixture, quotaPeriod('day', utc(2026, 5, 10)).id)).toBe(0);
  });

  test('is given back in its own period only', () => {
    const fixture = createFixture();
    use(fixture, june, 3);
    fixture.buckets.refundQuota(7, june, 2);
    expect(fixture.buckets.readQuota(7, june)).toBe(1);
    use(fixture, july, 2);
    fixture.buckets.refundQuota(7, june, 1);
    expect(fixture.buckets.readQuota(7, july)).toBe(2);
    fixture.buckets.refundQuota(7, july, 99);
    expect(fixture.buckets.readQuota(7, july)).toBe(0);
  });

  test('counted in a later period, by a thread that has not seen midnight, is given back there', () => {
    const fixture = createFixture();
    use(fixture, july, 1);
    expect(fixture.chain.quotaPeriod[0]).toBe(july);
    use(fixture, june, 2);
    expect(fixture.chain.quotaPeriod[0]).toBe(july);
    fixture.buckets.refundQuota(7, fixture.chain.quotaPeriod[0]!, 2);
    expect(fixture.buckets.readQuota(7, july)).toBe(1);
  });

  test('and another one of the same call are taken from both or from none', () => {
    const { add, chain, buckets } = createFixture();
    const call = (first: number, second: number): unknown[] => {
      chain.reset(1);
      add('a', 'default', { requests: 100, periodMs: 1000, burst: 0 });
      chain.quota(7, june, first, 1);
      // The same shard, whose lock is taken once.
      chain.quota(7 + 64, june, second, 2);
      buckets.take(chain, 0);
      return [chain.outcome, chain.failingQuota, ...chain.quotaUsed];
    };
    expect(call(5, 5)).toEqual([0, -1, 1, 2]);
    expect(call(1, 5)).toEqual([3, 0, 1, 2]);
    expect(call(5, 3)).toEqual([3, 1, 1, 2]);
    expect(call(0, 0), 'the first that refuses').toEqual([3, 0, 1, 2]);
    expect(chain.after[0], 'and no token went').toBe(99);
    expect([buckets.readQuota(7, june), buckets.readQuota(7 + 64, june)]).toEqual([1, 2]);
    expect(call(2, 4)).toEqual([0, -1, 2, 4]);
    expect(() => chain.quota(9, june, 1, 1), 'a third').toThrow(RangeError);
  });

  test('counts past 32 bits', () => {
    const fixture = createFixture();
    fixture.buckets.writeQuota(7, june, 2 ** 40);
    expect(use(fixture, june, 1, 2 ** 40)).toBe(3);
    expect(use(fixture, june, 1, 2 ** 40 + 1)).toBe(0);
  });

  test('of a slot that does not exist is an error, and leaves no lock behind', () => {
    const { chain, buckets } = createFixture();
    chain.reset(1);
    chain.quota(5000, june, 1, 1);
    expect(() => buckets.take(chain, 0)).toThrow(RangeError);
    expect(buckets.readQuota(5000 & 63, june)).toBe(0);
  });
});
