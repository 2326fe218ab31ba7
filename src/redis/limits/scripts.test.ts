import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRedis } from '../../../test/redis/server.ts';
import type { RedisServer } from '../../../test/redis/server.ts';
import type { BucketShape } from '../../limits/index.ts';
import { agreesWithMemory, exactContract, shared } from '../../limits/testing/exact-contract.ts';
import { long } from '../../limits/testing/fixture.ts';
import { createTimedScripts } from '../testing/timed-scripts.ts';

let server: RedisServer;
let redis: Redis;
let subjects = 0;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});
afterAll(async () => {
  redis?.disconnect();
  await server?.[Symbol.asyncDispose]();
});

const inRedis = () => {
  const scripts = createTimedScripts(redis, `c${subjects++}:`);
  return shared(async (buckets, cost, now) => (await scripts.take([{ buckets, cost }], now))[0]!);
};

describe('the script on Redis', () => {
  exactContract(inRedis);

  test('answers as the buckets in memory, whatever the calls', () =>
    agreesWithMemory(inRedis, long ? 2000 : 60));
});

/** A hundred tokens, ten a second. */
const shape: BucketShape = {
  maxUnits: 10_000_000,
  refillUnits: 1,
  tokenUnits: 100_000,
  tickMicros: 1,
  burstUnits: 0,
};

describe('a key', () => {
  const now = 1_700_000_000_000_000;
  const ask = { bucket: '{o}:x', shape, unspent: 0, least: 0, ttlMs: 5000, leave: false };

  test('lives until its bucket is full and nothing is out, in milliseconds', async () => {
    const scripts = createTimedScripts(redis, 'ttl:');
    await scripts.ask('a', [{ ...ask, seq: 1, want: 30 * shape.tokenUnits }], now);
    const ms = await redis.pttl('ttl:{o}:x');
    expect(ms).toBeGreaterThan(4000);
    expect(ms).toBeLessThanOrEqual(9001);
    await scripts.take([{ buckets: [{ bucket: '{o}:y', shape }], cost: 100 }], now);
    expect(await redis.pttl('ttl:{o}:y')).toBeGreaterThan(6000);
    expect(await redis.pttl('ttl:{o}:y')).toBeLessThanOrEqual(11_001);
  });

  test('is gone as soon as its bucket is full', async () => {
    const scripts = createTimedScripts(redis, 'full:');
    await scripts.ask('a', [{ ...ask, seq: 1, want: shape.tokenUnits }], now);
    expect(await redis.exists('full:{o}:x')).toBe(1);
    await scripts.ask('a', [{ ...ask, seq: 2, want: 0, unspent: shape.tokenUnits, leave: true }], now);
    expect(await redis.exists('full:{o}:x')).toBe(0);
  });

  test('lives ten years at most, though its bucket takes longer', async () => {
    const scripts = createTimedScripts(redis, 'long:');
    const slow: BucketShape = { ...shape, maxUnits: 2 ** 52, tickMicros: 1_000_000 };
    await scripts.take([{ buckets: [{ bucket: '{o}:x', shape: slow }], cost: 2 ** 30 }], now);
    const ms = await redis.pttl('long:{o}:x');
    expect(ms).toBeGreaterThan(315_359_000_000);
    expect(ms).toBeLessThanOrEqual(315_360_000_000);
  });

  test('of another kind, or of a format we do not know, is as none', async () => {
    const scripts = createTimedScripts(redis, 'odd:');
    await redis.lpush('odd:{o}:x', 'a list');
    await redis.set('odd:{o}:y', 'text');
    const buckets = ['{o}:x', '{o}:y'].map((bucket) => ({ bucket, shape }));
    const [taken] = await scripts.take([{ buckets, cost: 1 }], now);
    expect(taken).toMatchObject({ refused: 0, before: [shape.maxUnits, shape.maxUnits] });
    expect(await scripts.stored('{o}:x')).toMatchObject({ level: shape.maxUnits - shape.tokenUnits });
  });
});
