import { randomBytes } from 'node:crypto';
import { Cluster, Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RedisCluster, startCluster } from '../../../test/redis/cluster.ts';
import { type RedisServer, startRedis } from '../../../test/redis/server.ts';
import { describeSessions } from '../../identity/testing/sessions-contract.ts';
import { createRedisSessions } from './redis-sessions.ts';

const guard = { isOpen: () => false, succeeded: () => {}, failed: () => {} };

describe('sessions in Redis', () => {
  let server: RedisServer;
  let client: Redis;
  beforeAll(async () => {
    server = await startRedis();
    client = new Redis(server.url);
  });
  afterAll(async () => {
    client?.disconnect();
    await server?.[Symbol.asyncDispose]();
  });

  describeSessions(
    (bounds) => createRedisSessions(bounds, { client, guard, prefix: 'pp:', random: randomBytes }),
    true,
  );

  it('leave nothing behind, and show no token', async () => {
    await client.flushall();
    const bounds = { idleMs: 200, lifeMs: 1000, perUserMax: 3, dataBytesMax: 100 };
    const sessions = createRedisSessions(bounds, { client, guard, prefix: 'pp:', random: randomBytes });
    const { token } = await sessions.create({ userId: 'ada', data: 'd' });
    const keys = await client.keys('*');
    expect(keys).toHaveLength(2);
    for (const key of keys) {
      const left = await client.pttl(key);
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThanOrEqual(200);
    }
    const dump = `${keys.join()} ${JSON.stringify(await client.hgetall(keys.find((key) => !key.endsWith(':all'))!))}`;
    expect(dump).toContain('ada');
    expect(dump).not.toContain(token.split('.')[1]);
    await expect.poll(() => client.dbsize()).toBe(0);
  });

  it('end where the list of them was evicted, since nobody could end them all', async () => {
    const bounds = { idleMs: 5000, lifeMs: 5000, perUserMax: 3, dataBytesMax: 100 };
    const sessions = createRedisSessions(bounds, { client, guard, prefix: 'pp:', random: randomBytes });
    const { token, session } = await sessions.create({ userId: 'ada', data: 'd' });
    expect(await sessions.read(token)).toEqual(session);
    await client.del((await client.keys('*:all'))[0]!);
    expect(await sessions.deleteAll('ada')).toBe(0);
    expect([await sessions.read(token), await sessions.touch(token)]).toEqual([null, null]);
    await client.flushall();
  });

  it('reject, and send nothing, while Redis is away', async () => {
    const bounds = { idleMs: 200, lifeMs: 1000, perUserMax: 3, dataBytesMax: 100 };
    const away = { ...guard, isOpen: () => true };
    const sessions = createRedisSessions(bounds, { client, guard: away, prefix: 'pp:', random: randomBytes });
    await expect(sessions.create({ userId: 'bob', data: '' })).rejects.toThrow('away');
    await expect(sessions.list('bob')).rejects.toThrow('away');
    expect(await client.dbsize()).toBe(0);
  });
});

describe('sessions in a Cluster', () => {
  let servers: RedisCluster;
  let client: Cluster;
  beforeAll(async () => {
    servers = await startCluster();
    client = new Cluster(
      servers.nodes.map(({ host, port }) => ({ host, port })),
      { enableOfflineQueue: false, lazyConnect: true },
    );
    client.on('error', () => undefined);
    await client.connect();
  });
  afterAll(async () => {
    client?.disconnect();
    await servers?.[Symbol.asyncDispose]();
  });

  describeSessions(
    (bounds) => createRedisSessions(bounds, { client, guard, prefix: 'pp:', random: randomBytes }),
    true,
  );
});
