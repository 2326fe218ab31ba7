/** What a decision costs, here and in Redis: `node test/redis/measure-limits.ts`. Some 20 s, one Redis of its own. */
import { Redis } from 'ioredis';
import { startRedis } from './server.ts';
import { bucketShape } from '../../src/limits/index.ts';
import type { ExactBucket, LeaseAsk } from '../../src/limits/index.ts';
import { createExactStore } from '../../src/redis/limits/exact-store.ts';
import { createLeaseStore } from '../../src/redis/limits/lease-store.ts';

const decisions = 60_000;
const shape = bucketShape({ requests: 1_000_000, periodMs: 1000, burst: 1000 })!;
const guard = { isOpen: () => false, succeeded: () => {}, failed: console.error };

await using server = await startRedis();
const client = new Redis(server.url, { enableOfflineQueue: false, lazyConnect: true });
await client.connect();
const options = { client, guard, prefix: 'pp:', timeoutMs: 1000 };

async function redisCpuMicros(): Promise<number> {
  const info = await client.info('cpu');
  const seconds = (name: string): number => Number(new RegExp(`used_cpu_${name}:([\\d.]+)`).exec(info)?.[1]);
  return (seconds('user') + seconds('sys')) * 1e6;
}

async function measure(what: string, each: number, call: (round: number) => Promise<unknown>): Promise<void> {
  for (let round = 0; round < 300; round++) await call(round);
  const rounds = Math.ceil(Math.min(decisions, each * 6000) / each);
  const redisBefore = await redisCpuMicros();
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  for (let round = 0; round < rounds; round++) await call(round);
  const ms = performance.now() - before;
  const cpu = process.cpuUsage(cpuBefore);
  const redis = (await redisCpuMicros()) - redisBefore;
  const count = rounds * each;
  const per = (micros: number): string => (micros / count).toFixed(1).padStart(6);
  console.log(
    `${what.padEnd(44)} ${per(cpu.user + cpu.system)} µs here ${per(redis)} µs in Redis ${Math.round(
      count / (ms / 1000),
    )
      .toString()
      .padStart(8)}/s`,
  );
}

const exact = createExactStore(options);
const bucketsOf = (owner: number, count: number): ExactBucket[] =>
  Array.from({ length: count }, (_, i) => ({
    bucket: `{owner${owner}abcdefghijklmno}:scope${i}abcde`,
    shape,
  }));
const callers = Array.from({ length: 1000 }, (_, owner) => bucketsOf(owner, 2));
const single = Array.from({ length: 1000 }, (_, owner) => bucketsOf(owner, 1));

for (const perTurn of [1, 4, 16, 64, 256]) {
  for (const [name, chains] of [
    ['1 bucket', single],
    ['2 buckets', callers],
  ] as const) {
    await measure(`exact, ${name}, ${perTurn} a turn`, perTurn, (round) =>
      Promise.all(
        Array.from({ length: perTurn }, (_, i) => exact.take(chains[(round * perTurn + i) % 1000]!, 1)),
      ),
    );
  }
}

const leases = createLeaseStore({ ...options, holder: 'instance-1:boot-1' });
let seq = 0;
for (const perCall of [1, 10, 100]) {
  await measure(`lease, ${perCall} asks a call`, perCall, () => {
    const asks = Array.from({ length: perCall }, (_, i): LeaseAsk => {
      const bucket = `{lease${i}abcdefghijklmno}:scopeabcde`;
      return {
        bucket,
        shape,
        seq: ++seq,
        unspent: 0,
        want: shape.tokenUnits * 10,
        ttlMs: 5000,
        least: 0,
        leave: false,
      };
    });
    return leases.ask(asks);
  });
}
client.disconnect();
