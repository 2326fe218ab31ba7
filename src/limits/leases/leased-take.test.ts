import { describe, expect, test } from 'vitest';
import { outcomes } from '../chain.ts';
import { setAway, setHere } from './lease-state.ts';
import type { Grant, LeasePlace } from './lease-table.ts';
import { quotaPeriod } from '../quotas/quota.ts';
import { setPlace } from './shares.ts';
import { createFixture } from '../testing/fixture.ts';

const { allowed, burst, exceeded, quota, cold } = outcomes;
const second = 1_000_000;
/** 100 tokens, of which 20 are burst; a token is 12,500 units. */
const rule = { requests: 80, periodMs: 1000, burst: 20 };

function createInstance(place = { instances: 4, rank: 0 }) {
  const fixture = createFixture({ shared: true });
  const { memory, chain, buckets, versions } = fixture;
  setPlace(memory, place);
  const version = versions.versionOf('default', rule);
  const { tokenUnits } = versions.shapeOf(version)!;
  const leases = buckets.leases!;
  const instance = {
    ...fixture,
    leases,
    token: tokenUnits,
    leaseMemory: memory.leases!,
    /** Where caller `a`'s bucket stands. */
    place(): LeasePlace {
      chain.reset(1);
      fixture.add('a', 'default', rule);
      return { tagLo: chain.tagLo[0]!, tagHi: chain.tagHi[0]!, version: chain.versions[0]! };
    },
    grant(tokens: number, now: number, grant: Partial<Grant> = {}) {
      const units = tokens * tokenUnits;
      const whole = { units, askedMicros: now, untilMicros: now + 10 * second, rest: 50 * tokenUnits };
      leases.grant(instance.place(), { ...whole, dryUntilMicros: 0, low: 0, ...grant }, now);
    },
    share(caller: string, now: number, cost = 1, params = rule) {
      chain.reset(cost);
      chain.sharing = true;
      fixture.add(caller, 'default', params);
      buckets.take(chain, now);
      return chain.outcome;
    },
  };
  return instance;
}

describe('a bucket that others have as well', () => {
  test('is cold without a lease: nothing is taken, and its link is named', () => {
    const { take, chain } = createInstance();
    expect([take('a', rule, 0), chain.cold, chain.failing]).toEqual([cold, 1, -1]);
    expect(take('a', rule, 0)).toBe(cold);
  });

  test('gives what its lease has, does not refill, and is cold again when that is used up', () => {
    const { take, grant, chain } = createInstance();
    grant(3, 0);
    expect([take('a', rule, 0), take('a', rule, 5 * second)]).toEqual([allowed, allowed]);
    // 1 of the lease and 50 that are still in the shared bucket.
    expect(chain.after[0]).toBe(51);
    expect([take('a', rule, 5 * second), take('a', rule, 5 * second)]).toEqual([allowed, cold]);
  });

  test('is cold when its lease has ended, whatever was left of it', () => {
    const { take, grant } = createInstance();
    grant(3, 0);
    expect(take('a', rule, 10 * second - 1)).toBe(allowed);
    expect(take('a', rule, 10 * second)).toBe(cold);
    expect(take('a', rule, 3600 * second)).toBe(cold);
  });

  test('is in its burst by what lease and shared bucket have together', () => {
    const { take, grant, token } = createInstance();
    grant(3, 0, { rest: 18 * token });
    expect([take('a', rule, 0), take('a', rule, 0), take('a', rule, 0)]).toEqual([allowed, burst, burst]);
  });

  test('that ran dry refuses until there may be more, says when, and that it was wanted', () => {
    const { take, grant, chain, leases, place, token } = createInstance();
    grant(1, 0, { rest: token / 2, dryUntilMicros: 6000 });
    expect(take('a', rule, 0)).toBe(burst);
    expect([take('a', rule, 1000), chain.depleted, chain.retryAfterMs]).toEqual([exceeded, true, 5]);
    expect([take('a', rule, 1000, 3), chain.depleted]).toEqual([exceeded, false]);
    // Two tokens more, at 80 a second.
    expect(chain.retryAfterMs).toBe(5 + 25);
    expect(leases.read(place(), 1000)).toEqual({ units: 0, held: true, wanted: true });
    expect(take('a', rule, 6000)).toBe(cold);
    grant(1, 6000);
    expect(leases.read(place(), 6000).wanted).toBe(false);
  });

  test('that nobody lent more of refuses who does not wait, and says when there may be', () => {
    const { share, grant, chain, token } = createInstance();
    grant(1, 0, { rest: 0 });
    expect(share('a', 0)).toBe(burst);
    // A token is refilled in 12.5 ms, three in 37.5.
    expect([share('a', 0), chain.retryAfterMs]).toEqual([exceeded, 13]);
    expect([share('a', 0, 3), chain.retryAfterMs]).toEqual([exceeded, 38]);
    grant(0, 0, { rest: 2 * token });
    expect([share('a', 0), chain.retryAfterMs]).toEqual([exceeded, 13]);
    expect([share('a', 0, 4), chain.retryAfterMs]).toEqual([exceeded, 25]);
  });

  test('says once that it runs low, until it is granted more or nobody answered', () => {
    const { take, grant, chain, leases, place, token } = createInstance();
    grant(4, 0, { low: 3 * token });
    expect([take('a', rule, 0), chain.low]).toEqual([allowed, 0]);
    expect([take('a', rule, 0), chain.low]).toEqual([allowed, 1]);
    expect([take('a', rule, 0), chain.low]).toEqual([allowed, 0]);
    leases.unanswered(place());
    expect([take('a', rule, 0), chain.low]).toEqual([allowed, 1]);
    grant(1, 0, { low: token });
    expect([take('a', rule, 0), chain.low]).toEqual([allowed, 1]);
  });

  test('refuses what costs more than it can ever hold, with a lease or without', () => {
    const { take, grant, chain } = createInstance();
    expect([take('a', rule, 0, 101), chain.retryAfterMs]).toEqual([exceeded, Number.POSITIVE_INFINITY]);
    grant(2, 0);
    expect(take('a', rule, 0, 101)).toBe(exceeded);
    expect(take('a', rule, 0, 2)).toBe(allowed);
  });

  test('costs nothing to a call that costs nothing', () => {
    const { take } = createInstance();
    expect(take('a', rule, 0, 0)).toBe(allowed);
  });

  test('with another rule than its lease was for is cold', () => {
    const { take, grant } = createInstance();
    grant(5, 0);
    expect(take('a', { ...rule, requests: 160 }, 0)).toBe(cold);
  });

  test('a chain takes from all of its leases or from none', () => {
    const { chain, add, buckets, grant, leases, place, take } = createInstance();
    grant(2, 0);
    chain.reset(1);
    add('a', 'default', rule);
    add('everybody', 'ceiling', rule);
    buckets.take(chain, 0);
    expect([chain.outcome, chain.cold]).toEqual([cold, 2]);
    expect(leases.read(place(), 0).units).toBe(25_000);
    expect(take('a', rule, 0)).toBe(allowed);
  });

  test('a shadow whose lease is used up would refuse, and does not', () => {
    const { grant, add, chain, buckets } = createInstance();
    grant(1, 0, { dryUntilMicros: 10 * second, rest: 0 });
    const call = () => {
      chain.reset(1);
      add('a', 'default', rule, true);
      buckets.take(chain, 0);
      return [chain.outcome, chain.shadowRefused, chain.cold];
    };
    const [first, next] = [call(), call()];
    expect(first).toEqual([allowed, 0, 0]);
    // Not cold either: all that is left is others'.
    expect(next).toEqual([allowed, 1, 0]);
  });

  test('a link of a rule that nobody was given a version of is a fault, and takes nothing', () => {
    const { chain, buckets, take, grant } = createInstance();
    grant(2, 0);
    expect(take('a', rule, 0)).toBe(allowed);
    chain.reset(1);
    chain.add(1, 2, 3, 4, 0x0fff_ffff);
    expect(() => buckets.take(chain, 0)).toThrow(RangeError);
    expect(take('a', rule, 0)).toBe(allowed);
  });

  test('a cold shadow is passed over and named', () => {
    const { chain, add, buckets, grant } = createInstance();
    grant(2, 0);
    chain.reset(1);
    add('a', 'default', rule);
    add('a', 'shadow', rule, true);
    buckets.take(chain, 0);
    expect([chain.outcome, chain.cold, chain.shadowRefused]).toEqual([allowed, 2, 0]);
  });

  test('what a refused call took goes back, but not once the lease was reckoned up or has ended', () => {
    const { chain, add, buckets, grant, leases, place, take } = createInstance();
    const giveBack = (takenAt: number, now: number) => {
      chain.reset(2);
      add('a', 'default', rule);
      buckets.giveBack(chain, takenAt, now);
    };
    grant(5, 0);
    expect(take('a', rule, 10, 2)).toBe(allowed);
    giveBack(10, 20);
    expect(leases.read(place(), 20).units).toBe(62_500);
    expect(take('a', rule, 30, 2)).toBe(allowed);
    grant(0, 40);
    giveBack(30, 50);
    expect(leases.read(place(), 50).units).toBe(37_500);
    giveBack(45, 11 * second);
    expect(take('a', rule, 11 * second)).toBe(cold);
  });

  test('a lease that is taken back leaves the bucket cold', () => {
    const { leases, place, grant, take } = createInstance();
    grant(5, 0);
    take('a', rule, 0);
    expect(leases.reclaim(place(), 0)).toBe(50_000);
    expect([leases.reclaim(place(), 0), take('a', rule, 0)]).toEqual([0, cold]);
  });
});

describe('the share', () => {
  test('is an even part of capacity and rate, for who waited in vain', () => {
    const { share, take } = createInstance();
    for (let k = 0; k < 25; k++) expect(share('a', 0)).not.toBe(exceeded);
    expect(share('a', 0)).toBe(exceeded);
    expect(take('a', rule, second)).toBe(cold);
  });

  test('that gave while there are leases is paid for by the next, and gives no more until then', () => {
    const { share, grant, take, leases, place, token } = createInstance();
    for (let k = 0; k < 20; k++) share('a', 0);
    for (let k = 0; k < 5; k++) expect(share('a', 10 * second)).not.toBe(exceeded);
    expect(share('a', 20 * second)).toBe(exceeded);
    expect(leases.account(place(), 20 * second)).toBe(-25 * token);
    grant(10, 20 * second);
    expect(take('a', rule, 20 * second)).toBe(cold);
    expect(leases.account(place(), 20 * second)).toBe(-15 * token);
    // It goes back for want of use: what is owed stays so.
    expect(leases.reclaim(place(), 24 * second)).toBe(0);
    for (let k = 0; k < 10; k++) expect(share('a', 30 * second)).not.toBe(exceeded);
    expect(share('a', 30 * second)).toBe(exceeded);
    grant(28, 30 * second);
    expect([1, 2, 3, 4].map(() => take('a', rule, 30 * second))).toEqual([allowed, allowed, allowed, cold]);
  });

  test('that gave is no lease to a clock that was read just before', () => {
    const { share, take, leases, place, grant, chain, token } = createInstance();
    expect(share('a', 1000)).toBe(allowed);
    expect(take('a', rule, 999)).toBe(cold);
    expect(leases.read(place(), 999).held).toBe(false);
    expect(leases.account(place(), 999)).toBe(-token);
    grant(4, 999);
    expect([take('a', rule, 1001), chain.before[0]]).toEqual([allowed, 3 + 50]);
  });

  test('takes the place of what an earlier rule lent, which is a lease of the new rule at no time', () => {
    const { share, grant, take } = createInstance();
    grant(20, 0);
    const raised = { ...rule, burst: 40 };
    expect(share('a', second, 100, raised)).toBe(exceeded);
    expect(take('a', raised, second)).toBe(cold);
  });

  test('holds for all while Redis is away, and begins with what was left of a lease', () => {
    const { take, grant, leaseMemory } = createInstance();
    grant(2, 0);
    setAway(leaseMemory, second);
    const at = (micros: number) => take('a', rule, micros);
    expect([at(second), at(second), at(second)]).toEqual([burst, burst, exceeded]);
    expect([at(1.05 * second), at(1.05 * second)]).toEqual([burst, exceeded]);
    expect(take('b', rule, second, 25)).toBe(burst);
    expect(take('b', rule, second)).toBe(exceeded);
    setHere(leaseMemory);
    expect([at(2 * second), take('b', rule, 2 * second)]).toEqual([cold, cold]);
  });

  test('of all instances together is no more than the bucket; each has a token at least', () => {
    const small = { requests: 4, periodMs: 1000, burst: 1 };
    const tokens = [0, 1, 2].map((rank) => {
      const { take, memory, leaseMemory } = createInstance({ instances: 3, rank });
      setAway(memory.leases ?? leaseMemory, 0);
      let taken = 0;
      while (take('a', small, 0) !== exceeded) taken++;
      return taken;
    });
    expect(tokens).toEqual([2, 2, 1]);
    const { take, leaseMemory } = createInstance({ instances: 9, rank: 8 });
    setAway(leaseMemory, 0);
    expect([take('a', small, 0), take('a', small, 0)]).toEqual([burst, exceeded]);
  });

  test('changes as instances come and go', () => {
    const { share, memory } = createInstance();
    expect(share('a', 0, 26)).toBe(exceeded);
    setPlace(memory, { instances: 2, rank: 0 });
    expect(share('a', 0, 50)).toBe(burst);
  });
});

describe('a quota that others have as well', () => {
  const day = quotaPeriod('day', Date.UTC(2026, 0, 1)).id;

  test('is cold beyond its ceiling, also where nothing was granted yet, and refused beyond its limit', () => {
    const { chain, buckets, leaseMemory } = createInstance();
    const take = (limit: number) => {
      chain.reset(1);
      chain.quota(3, day, limit, 1);
      buckets.take(chain, 0);
      return [chain.outcome, chain.coldQuotas, chain.lowQuotas];
    };
    expect(take(10)).toEqual([cold, 1, 0]);
    buckets.writeQuota(3, day, 0);
    new Float64Array(leaseMemory.quotas).set([3, 2], 3 * 2);
    expect(take(10)).toEqual([allowed, 0, 0]);
    expect(take(10)).toEqual([allowed, 0, 1]);
    expect(take(10)).toEqual([allowed, 0, 0]);
    expect(take(10)).toEqual([cold, 1, 0]);
    expect(take(3)).toEqual([quota, 0, 0]);
    expect(buckets.readQuota(3, day)).toBe(3);
  });

  test('begins each period with nothing granted, also by a call that costs nothing, and refuses nobody for what the period before had', () => {
    const { chain, buckets, leaseMemory } = createInstance();
    const numbers = new Float64Array(leaseMemory.quotas);
    const take = (slot: number, cost: number) => {
      chain.reset(1);
      chain.quota(slot, day + 2, 1000, cost);
      buckets.take(chain, 0);
      return chain.outcome;
    };
    // Others held all that was left of the day that is over.
    buckets.writeQuota(3, day, 990);
    numbers.set([990, -1], 3 * 2);
    expect(take(3, 1)).toBe(cold);
    // Much of it was granted to us.
    buckets.writeQuota(4, day, 100);
    numbers.set([900, 800], 4 * 2);
    expect(take(4, 0)).toBe(allowed);
    expect(take(4, 1)).toBe(cold);
    expect(buckets.readQuota(4, day + 2)).toBe(0);
  });

  test.each([
    [100, 7],
    [950, 7],
    [961, 0],
  ])(
    'with an answer that is late lets a little more through than %i of 1000, and nothing near the end',
    (used, more) => {
      const { chain, buckets, leaseMemory } = createInstance({ instances: 3, rank: 0 });
      buckets.writeQuota(3, day, used);
      new Float64Array(leaseMemory.quotas).set([used, used], 3 * 2);
      let passed = 0;
      do {
        chain.reset(1);
        chain.sharing = true;
        chain.quota(3, day, 1000, 1);
        buckets.take(chain, 0);
        if (chain.outcome === allowed) passed += 1;
      } while (chain.outcome === allowed);
      expect([passed, chain.outcome]).toEqual([more, quota]);
    },
  );
});
