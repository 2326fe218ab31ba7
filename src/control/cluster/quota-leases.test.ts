import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { QuotaPolicy } from '../../config/index.ts';
import { startRedis } from '../../../test/redis/server.ts';
import { createQuotaStore } from '../../redis/index.ts';
import { startQuotaInstance } from '../testing/quota-instance.ts';

const quota: QuotaPolicy = { unit: 'requests', limit: 10_000, period: 'month', warnAt: [] };
type Instance = ReturnType<typeof startQuotaInstance>;

let server: Awaited<ReturnType<typeof startRedis>>;
let redis: Redis;
let isAway = false;
/** Answered by Redis. */
let asks = 0;
const all: Instance[] = [];

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});
beforeEach(() => redis.flushall());
afterEach(() => {
  for (const { leases } of all.splice(0)) leases.stop();
  isAway = false;
  asks = 0;
});
afterAll(async () => {
  redis.disconnect();
  await server[Symbol.asyncDispose]();
});

function start(name: string, options: Partial<Parameters<typeof startQuotaInstance>[0]> = {}): Instance {
  const stored = createQuotaStore({ client: () => (isAway ? null : redis), prefix: 'pp:' });
  const instance = startQuotaInstance({
    ...{ name: `${name}/1`, ledger: 'store', quota, instances: 3 },
    store: {
      async ask(some) {
        asks += some.length;
        return stored.ask(some);
      },
    },
    ...options,
  });
  all.push(instance);
  return instance;
}

/** So many calls at each, some at once. Returns how many passed. */
async function hammer(calls: readonly (readonly [Instance, number])[], atOnce = 40): Promise<number> {
  let passed = 0;
  const callers = calls.flatMap(([instance, count]) => {
    let left = count;
    return Array.from({ length: atOnce }, async () => {
      while (left > 0) {
        left -= 1;
        if (await instance.call()) passed += 1;
      }
    });
  });
  await Promise.all(callers);
  return passed;
}

/** Calls until nobody lets any more through for so long as an idle lease may be held. */
async function useUp(instance: Instance): Promise<number> {
  let passed = 0;
  for (const end = performance.now() + 700; performance.now() < end; await delay(20))
    while (await instance.call()) passed += 1;
  return passed;
}

describe('a quota over three instances', () => {
  it('lets exactly so many through, however the calls are spread, and few of them wait for Redis', async () => {
    const [a, b, c] = [start('a'), start('b'), start('c')];
    const passed = await hammer([
      [a, 10_000],
      [b, 600],
      [c, 600],
    ]);
    expect(passed).toBeLessThanOrEqual(10_000);
    expect(passed).toBeGreaterThanOrEqual(9900);
    // What b and c hold and do not use comes back.
    expect(passed + (await useUp(a))).toBe(10_000);
    for (const each of [a, b, c]) expect(await each.call()).toBe(false);
    expect(asks).toBeLessThan(2000);
  });

  it('is given back by calls that came to nothing, and then used by others', async () => {
    const [a, b] = [start('a'), start('b')];
    expect(await hammer([[a, 12_000]])).toBe(10_000);
    expect(await b.call()).toBe(false);
    a.refund(5);
    await delay(350);
    let passed = 0;
    for (const end = performance.now() + 2000; performance.now() < end && passed < 5; await delay(20))
      while (await b.call()) passed += 1;
    expect([passed, await b.call()]).toEqual([5, false]);
  });

  it('strands what an instance held that died, a hundredth at most; the ledger says what of it was used once the instance is back', async () => {
    const [a, b] = [start('a'), start('b')];
    await hammer([
      [a, 3000],
      [b, 3000],
    ]);
    b.leases.stop();
    const passed = 6000 + (await hammer([[a, 5000]]));
    expect(passed).toBeLessThanOrEqual(10_000);
    expect(passed).toBeGreaterThanOrEqual(9900);
    // A minute in which nobody used any.
    const [key] = await redis.keys('pp:*');
    await redis.hset(key!, 't', Date.now() - 61_000);
    const again = start('b', { name: 'b/2' });
    again.ledger.sum = passed;
    a.ledger.sum = passed;
    await delay(100);
    let more = 0;
    for (
      const end = performance.now() + 1000;
      performance.now() < end && passed + more < 10_000;
      await delay(50)
    )
      while (await again.call()) more += 1;
    expect(passed + more).toBe(10_000);
    expect(await a.call()).toBe(false);
  });

  it('that is lost in Redis goes on by what instances and ledger know', async () => {
    const [a, b] = [start('a'), start('b')];
    await hammer([
      [a, 2500],
      [b, 2500],
    ]);
    await delay(500);
    // Reported; now the ledger has all of it, and Redis loses it.
    await redis.flushall();
    const c = start('c');
    for (const each of [a, b, c]) each.ledger.sum = 5000;
    const passed = await hammer([
      [a, 3000],
      [b, 3000],
      [c, 3000],
    ]);
    expect(5000 + passed + (await useUp(a))).toBe(10_000);
  });

  it('that was never in Redis begins with what the ledger has, each store’s for itself where there are several', async () => {
    const [a, b] = [start('a', { ledger: 'a' }), start('b', { ledger: 'b' })];
    a.ledger.sum = 4000;
    a.slots.writeQuota(3, a.periodId(), 4000);
    b.ledger.sum = 5000;
    b.slots.writeQuota(3, b.periodId(), 5000);
    // Both have asked once, and know of each other.
    await a.call();
    await b.call();
    const passed = await hammer([
      [a, 1500],
      [b, 1500],
    ]);
    expect(2 + passed + (await useUp(a))).toBe(1000);
  });
});

describe('while Redis is away', () => {
  it('each goes on with what it holds and its share of what it knows to be left, and reports it afterwards', async () => {
    const [a, b] = [start('a', { instances: 2 }), start('b', { instances: 2 })];
    await hammer([
      [a, 2000],
      [b, 2000],
    ]);
    for (const each of [a, b]) {
      each.ledger.sum = 4000;
      each.slots.adjustQuota(3, each.periodId(), 1);
      expect(each.used()).toBe(4000);
    }
    isAway = true;
    for (const each of [a, b]) each.away();
    let alone = 0;
    for (const each of [a, b]) while (each.callAlone()) alone += 1;
    // 6000 are left, and each knows of all that the other had reported.
    expect(alone).toBeGreaterThanOrEqual(5900);
    // But not of what it holds, two hundred at most: a half of it is shared out twice.
    expect(alone).toBeLessThanOrEqual(6000 + 2 * 100 + 2);
    isAway = false;
    for (const each of [a, b]) each.here();
    await delay(500);
    expect(await useUp(a)).toBeLessThanOrEqual(Math.max(0, 6000 - alone));
    for (const each of [a, b]) expect(each.used()).toBeGreaterThanOrEqual(9900);
  });

  it('what others used by the ledger is not reported as its own afterwards', async () => {
    const a = start('a');
    await hammer([[a, 100]]);
    isAway = true;
    a.away();
    // Asks that Redis does not answer are on their way all the time.
    expect(a.callAlone()).toBe(true);
    await delay(200);
    a.slots.adjustQuota(3, a.periodId(), 5000);
    expect(a.callAlone()).toBe(true);
    isAway = false;
    a.here();
    await delay(400);
    const [key] = await redis.keys('pp:*');
    expect(await redis.hget(key!, 'u')).toBe('102');
    expect(a.used()).toBe(102);
  });

  it('what others used by the ledger counts, and no lease is less for it', async () => {
    const a = start('a');
    await a.call();
    isAway = true;
    a.away();
    a.slots.adjustQuota(3, a.periodId(), 9000);
    expect(a.used()).toBe(9001);
    let alone = 0;
    while (a.callAlone()) alone += 1;
    expect(alone).toBeLessThanOrEqual(8 + Math.ceil(999 / 3));
    expect(alone).toBeGreaterThanOrEqual(Math.floor(999 / 3) - 8);
  });
});

it('that is used up is asked for ever more seldom', async () => {
  const a = start('a', { quota: { ...quota, limit: 20 } });
  await useUp(a);
  asks = 0;
  await delay(2500);
  expect(asks).toBeGreaterThan(0);
  expect(asks).toBeLessThanOrEqual(4);
});

it('that was taken away and given again is not reported a second time', async () => {
  const [a, b] = [start('a'), start('b')];
  await hammer([[a, 500]]);
  await a.leases.drain(1000);
  // As the ledger or a saved state says it.
  b.slots.writeQuota(3, b.periodId(), 500);
  b.leases.own(b.owner);
  expect(await b.call()).toBe(true);
  await b.leases.drain(1000);
  const [key] = await redis.keys('pp:*');
  expect(await redis.hget(key!, 'u')).toBe('501');
});

it('gives all back at its end', async () => {
  const [a, b] = [start('a'), start('b')];
  await hammer([[a, 500]]);
  await a.leases.drain(1000);
  const [key] = await redis.keys('pp:*');
  expect(await redis.hget(key!, 'u')).toBe('500');
  expect(await redis.hget(key!, 'o:a/1')).toMatch(/^0 /);
  expect(500 + (await hammer([[b, 12_000]]))).toBe(10_000);
});
