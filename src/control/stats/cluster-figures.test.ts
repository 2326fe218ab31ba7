import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { eventually } from '../../../test/store/gateway.ts';
import { startRedis } from '../../../test/redis/server.ts';
import {
  callAt,
  createCounterSlab,
  createFigures,
  createFiguresMemory,
  createRowWriter,
  type Figures,
  type FiguresRecord,
  methodShape,
  recordFigures,
} from '../../metrics/index.ts';
import { testRedisSettings } from '../../redis/testing/settings.ts';
import { openRedisKeeper, type RedisKeeper } from '../cluster/redis-keeper.ts';
import { createClusterFigures } from './cluster-figures.ts';

let server: Awaited<ReturnType<typeof startRedis>>;
const open: { stop(): void }[] = [];

beforeAll(async () => {
  server = await startRedis();
});
beforeEach(async () => {
  for (const each of open.splice(0)) each.stop();
  await using(async ({ link }) => link.client.flushall());
});
afterAll(async () => {
  for (const each of open.splice(0)) each.stop();
  await server[Symbol.asyncDispose]();
});

async function using(work: (redis: RedisKeeper) => Promise<unknown>): Promise<void> {
  const redis = await openRedisKeeper(testRedisSettings(server), { id: 'nobody', run: '0' });
  await work(redis);
  await redis.close();
}

/** Figures of an instance that let so many calls in. */
function figuresOf(calls: number): Figures {
  const memory = createFiguresMemory(64);
  const { numbers, rowOf } = createRowWriter(memory.methods, methodShape);
  numbers[rowOf('net\nm') + callAt.allowed] = calls;
  return createFigures([createCounterSlab()], [memory]);
}

async function start(id: string, run: string, calls: number) {
  const redis = await openRedisKeeper(testRedisSettings(server), { id, run });
  const cluster = createClusterFigures({ figures: figuresOf(calls), redis });
  open.push({
    stop() {
      cluster.stop();
      redis.stop();
    },
  });
  return { redis, cluster };
}

it('figures of two instances that have one id by mistake are in no sum twice, and one is said to be missing', async () => {
  const [twin] = [await start('a', '1', 10), await start('a', '2', 10)];
  const other = await start('b', '1', 1);
  await eventually(async () => other.redis.members.state().ids.length === 3, 10_000);
  await eventually(async () => twin.redis.members.state().ids.length === 3, 10_000);
  const read = await other.cluster.read();
  expect([read.figures.calls().allowed, read.missing]).toEqual([11, 1]);
  expect(read.instances.map(({ id }) => id)).toEqual(['b', 'a']);
  const own = await twin.cluster.read();
  expect([own.figures.calls().allowed, own.missing]).toEqual([11, 1]);
}, 30_000);

it('what is no record, or one of another version, is missing, and the answer is that of all others', async () => {
  const asked = await start('asked', '1', 1);
  const good = JSON.parse(JSON.stringify(await recordFigures(figuresOf(5)))) as FiguresRecord;
  const told: Record<string, Buffer> = {
    good: deflateSync(JSON.stringify(good)),
    older: deflateSync(JSON.stringify({ ...good, format: '0' })),
    text: Buffer.from('not compressed'),
    bomb: deflateSync(Buffer.alloc(64 << 20)),
    nothing: deflateSync('null'),
    bare: deflateSync(JSON.stringify({ format: good.format })),
    rows: deflateSync(JSON.stringify({ ...good, methods: [['net\nm', '5']] })),
    late: deflateSync(JSON.stringify({ ...good, keys: [['k', 1e300]] })),
    bucket: deflateSync(JSON.stringify({ ...good, latencies: [[5, 1e9, 1]] })),
  };
  const { client } = asked.redis.link;
  for (const [id, bytes] of Object.entries(told)) {
    await client.zadd('pp:members', 4e15, `${id}/1`);
    await client.set(`pp:figures:{${id}}`, bytes, 'PX', 10_000);
  }
  await asked.redis.members.beat();
  const { figures, instances, missing } = await asked.cluster.read();
  expect(instances.map(({ id }) => id)).toEqual(['asked', 'good']);
  expect(missing).toBe(Object.keys(told).length - 1);
  expect(figures.calls().allowed).toBe(6);
});
