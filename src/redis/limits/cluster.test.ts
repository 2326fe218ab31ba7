import { Cluster } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startCluster } from '../../../test/redis/cluster.ts';
import type { RedisCluster } from '../../../test/redis/cluster.ts';
import { bucketKey, bucketShape, sharedOwner, sharedScope } from '../../limits/index.ts';
import type { ExactReading, LeaseAsk } from '../../limits/index.ts';
import { createExactStore } from './exact-store.ts';
import { createLeaseStore } from './lease-store.ts';

let servers: RedisCluster;
let client: Cluster;
let failures: string[];

beforeAll(async () => {
  servers = await startCluster();
});
afterAll(() => servers?.[Symbol.asyncDispose]());
beforeEach(async () => {
  const startup = servers.nodes.map(({ host, port }) => ({ host, port }));
  client = new Cluster(startup, { enableOfflineQueue: false, lazyConnect: true });
  client.on('error', () => undefined);
  await client.connect();
  failures = [];
});
afterEach(() => client.disconnect());

const options = () => ({
  client,
  timeoutMs: 2000,
  prefix: 'pp:',
  guard: {
    isOpen: () => false,
    succeeded: () => {},
    failed: (error: unknown) => failures.push(String(error)),
  },
});
const shape = bucketShape({ requests: 100, periodMs: 86_400_000, burst: 0 })!;
const chainOf = (address: string) =>
  ['rule', 'burst'].map((scope) => ({
    bucket: bucketKey(sharedOwner(`address:${address}`), sharedScope(scope)),
    shape,
  }));

test("a caller's buckets stand in one slot, and all callers' over all nodes", async () => {
  const store = createExactStore(options());
  const callers = Array.from({ length: 60 }, (_, i) => chainOf(`10.0.0.${i}`));
  const readings = await Promise.all(callers.map((chain) => store.take(chain, 3)));
  expect(readings.map((reading) => reading?.refused)).toEqual(callers.map(() => 0));
  const counts = await Promise.all(servers.nodes.map(async (node) => Number(await node.call('DBSIZE'))));
  expect(counts.reduce((sum, count) => sum + count)).toBe(120);
  expect(Math.min(...counts)).toBeGreaterThan(0);
});

test('leases of buckets in all slots are asked for at once', async () => {
  const store = createLeaseStore({ ...options(), holder: 'a' });
  const asks = Array.from({ length: 60 }, (_, i): LeaseAsk => {
    const bucket = bucketKey(sharedOwner(`key:${i}`), sharedScope('rule'));
    return {
      bucket,
      shape,
      seq: 1,
      unspent: 0,
      want: i * shape.tokenUnits,
      least: 0,
      ttlMs: 5000,
      leave: false,
    };
  });
  const answers = await store.ask(asks);
  expect(answers.map((answer) => answer?.granted)).toEqual(asks.map(({ want }) => want));
});

test('a slot that moves while it is used, to a node that does not know the script, loses and mints nothing', async () => {
  const store = createExactStore(options());
  const chain = chainOf('10.9.9.9');
  const slot = await servers.slotOf(`pp:${chain[0]!.bucket}`);
  const from = await servers.ownerOf(slot);
  const to = (from + 1) % 3;
  await servers.nodes[to]!.call('SCRIPT', 'FLUSH');
  let moved = false;
  const moving = servers.moveSlot(slot, to, 100).then(() => (moved = true));
  const readings: (ExactReading | null)[] = [];
  let rounds = 0;
  for (let after = 0; after < 3; after += moved ? 1 : 0) {
    readings.push(...(await Promise.all([store.take(chain, 1), store.take(chain, 1)])));
    rounds += 1;
  }
  await moving;
  expect(rounds).toBeGreaterThan(10);
  const answered = readings.filter((reading) => reading !== null);
  const last = await store.take(chain, 0);
  const taken = 100 - Math.floor(last!.before[0]! / shape.tokenUnits);
  const passed = answered.filter(({ refused }) => refused === 0).length;
  expect({ passed, failures }).toEqual({ passed: taken, failures: [] });
  expect(await servers.ownerOf(slot)).toBe(to);
});
