import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { createFakeClock, findFaketime } from '../store/fake-clock.ts';
import { type Link, startLink } from '../store/link.ts';
import { type BothLimits, loss, outage, startBothLimits } from './both-limits.ts';
import { type RedisCluster, startCluster } from './cluster.ts';
import { masterName, type SentinelGroup, startSentinels } from './sentinels.ts';
import { type RedisServer, startRedis } from './server.ts';

const FAULT_MS = 2000;

describe('limits of three instances hold, and nobody sees more than a refusal', () => {
  let redis: RedisServer;
  let link: Link;
  let limits: BothLimits;

  beforeAll(async () => {
    redis = await startRedis();
    link = await startLink(redis.port);
    limits = await startBothLimits({ redis: `redis://127.0.0.1:${link.port}` });
  });
  afterAll(async () => {
    await limits[Symbol.asyncDispose]();
    redis.thaw();
    await redis[Symbol.asyncDispose]();
    await link.close();
  });

  it('while Redis is killed', () =>
    limits.under(
      'killed',
      async () => {
        await redis.kill();
        await sleep(FAULT_MS);
        await redis.start();
      },
      (seconds) => outage(seconds) + loss(),
    ));

  it('while Redis is stopped as by SIGSTOP', () =>
    limits.under(
      'stopped',
      async () => {
        redis.freeze();
        await sleep(FAULT_MS);
        redis.thaw();
      },
      outage,
    ));

  it('while Redis takes a second to hear and another to answer', () =>
    limits.under(
      'slow',
      async () => {
        link.delayMs = 1000;
        await sleep(FAULT_MS);
        link.delayMs = 0;
      },
      outage,
    ));

  it('when Redis loses all it knows', () =>
    limits.under('flushed', async () => void (await redis.call('FLUSHALL')), loss));

  it('while Redis takes no writes', () =>
    limits.under(
      'read-only',
      async () => {
        await redis.call('CONFIG', 'SET', 'min-replicas-to-write', 1);
        await sleep(FAULT_MS);
        await redis.call('CONFIG', 'SET', 'min-replicas-to-write', 0);
      },
      outage,
    ));

  it('while connections to Redis are reset', () =>
    limits.under(
      'reset',
      async () => {
        for (let times = 0; times < 5; times += 1) {
          link.reset();
          await sleep(FAULT_MS / 5);
        }
      },
      outage,
    ));
});

describe('limits of three instances hold, and nobody sees more than a refusal, with Sentinels', () => {
  let group: SentinelGroup;
  let limits: BothLimits;

  beforeAll(async () => {
    group = await startSentinels();
    limits = await startBothLimits({ redis: { sentinels: group.addresses, name: masterName } });
  });
  afterAll(async () => {
    await limits[Symbol.asyncDispose]();
    await group[Symbol.asyncDispose]();
  });

  it('when an operator lets the replica take over', () =>
    limits.under(
      'failed over',
      () => group.failOver({ demote: true }),
      (seconds) => outage(seconds) + loss(),
    ));

  it('when the master is killed', () =>
    limits.under(
      'master killed',
      async () => {
        const master = await group.master();
        await master.kill();
        while ((await group.master()) === master) await sleep(50);
      },
      (seconds) => outage(seconds) + loss(),
    ));
});

describe('limits of three instances hold, and nobody sees more than a refusal, with a Cluster', () => {
  let cluster: RedisCluster;
  let limits: BothLimits;

  beforeAll(async () => {
    cluster = await startCluster();
    limits = await startBothLimits({ redis: { cluster: cluster.addresses } });
  });
  afterAll(async () => {
    await limits[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  /** Of all the key's buckets. */
  async function slotOfKey(): Promise<number> {
    for (const node of cluster.nodes) {
      const keys = (await node.call('KEYS', 'pp:{*}:*')) as string[];
      if (keys[0] !== undefined) return cluster.slotOf(keys[0]);
    }
    throw new Error('no bucket is in the Cluster');
  }

  it('while the slot of the key moves to another node', () =>
    limits.under(
      'slot moved',
      async () => {
        const slot = await slotOfKey();
        await cluster.moveSlot(slot, ((await cluster.ownerOf(slot)) + 1) % 3, 300);
      },
      outage,
    ));

  it('while the node of the key is killed, and starts again', () =>
    limits.under(
      'node killed',
      async () => {
        const node = cluster.nodes[await cluster.ownerOf(await slotOfKey())]!;
        await node.kill();
        await sleep(FAULT_MS);
        await node.start();
      },
      (seconds) => outage(seconds) + loss(),
    ));
});

const library = findFaketime();
if (library === undefined)
  console.warn('clocks that differ are not tested here: libfaketime is not installed');

describe.skipIf(library === undefined)('limits of three instances hold, with a clock that is wrong', () => {
  it('by two hours, and then by two hours the other way', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'polymorph-clock-'));
    const clock = createFakeClock(library!, folder);
    const hours = (by: number): string => new Date(Date.now() + by * 3_600_000).toISOString();
    clock.set(hours(2));
    await using redis = await startRedis();
    // The one that has most of the calls.
    await using limits = await startBothLimits({
      redis: redis.url,
      env: (index) => (index === 0 ? clock.env : {}),
    });
    await limits.under(
      'two hours ahead',
      () => sleep(FAULT_MS),
      () => 0,
    );
    await limits.under(
      'two hours behind',
      async () => clock.set(hours(-2)),
      () => 0,
    );
    await rm(folder, { recursive: true });
  });
});
