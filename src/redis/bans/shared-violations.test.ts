import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type RedisServer, startRedis } from '../../../test/redis/server.ts';
import { createSharedViolations } from './shared-violations.ts';

let server: RedisServer;
let redis: Redis;
beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});
beforeEach(async () => void (await redis.flushall()));
afterAll(async () => {
  redis?.disconnect();
  await server?.[Symbol.asyncDispose]();
});

const open = () =>
  createSharedViolations({
    ...{ client: redis, prefix: 'pp:' },
    guard: { isOpen: () => false, succeeded: () => {}, failed: () => {} },
  });
const one = (weight: number, address = '203.0.113.9') => [{ address, weight }];
const bounds = { windowMs: 60_000, threshold: 100 };

it('adds up what all instances count, and tells one of them that the threshold is reached', async () => {
  const [a, b] = [open(), open()];
  expect(await a.add(one(40), bounds)).toEqual([40]);
  expect(await b.add([...one(50), ...one(5, '2001:db8::/64')], bounds)).toEqual([90, 5]);
  expect(await a.add(one(10), bounds)).toEqual([100]);
  expect(await b.add(one(10), bounds), 'anew').toEqual([10]);
});

it('forgets what has left the window, and in the end all of it', async () => {
  const violations = open();
  const short = { windowMs: 2400, threshold: 1000 };
  await violations.add(one(7), short);
  await sleep(1350);
  expect(await violations.add(one(5), short)).toEqual([12]);
  await sleep(1350);
  expect(await violations.add(one(1), short)).toEqual([6]);
  expect(await redis.pttl('pp:{bans}:violations:2400:203.0.113.9')).toBeGreaterThan(1500);
  await sleep(2500);
  expect(await redis.dbsize()).toBe(0);
});

it('of windows of another length, as while a config is rolled out, are sums of their own', async () => {
  const violations = open();
  const short = { windowMs: 1000, threshold: 100 };
  expect(await violations.add(one(40), short)).toEqual([40]);
  expect(await violations.add(one(50), bounds)).toEqual([50]);
  await sleep(1100);
  expect(await violations.add(one(1), bounds)).toEqual([51]);
  expect(await violations.add(one(2), short)).toEqual([2]);
});

it('takes thousands at once', async () => {
  const many = Array.from({ length: 2000 }, (_, i) => ({ address: `10.0.${i >> 8}.${i & 255}`, weight: i }));
  expect(await open().add(many, { windowMs: 60_000, threshold: 5000 })).toEqual(
    many.map(({ weight }) => weight),
  );
});
