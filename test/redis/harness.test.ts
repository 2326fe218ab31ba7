import { describe, expect, it } from 'vitest';
import { startCluster } from './cluster.ts';
import { masterName, startSentinels, until } from './sentinels.ts';
import { startRedis } from './server.ts';

describe('Redis for tests', () => {
  it('is one, with a password and TLS, that ends and comes back', async () => {
    await using redis = await startRedis({ password: 'p@ss', tls: true });
    expect(await redis.call('SET', 'a', '1')).toBe('OK');
    await redis.kill();
    await expect(redis.call('PING')).rejects.toThrow('closed');
    await redis.start();
    expect(await redis.call('GET', 'a')).toBeNull();
    await redis.stop();
  });

  it('is a master whom Sentinels replace: when asked, and when it is dead', async () => {
    await using group = await startSentinels({ password: 'one', sentinelPassword: 'two' });
    const [first, second] = group.servers;
    expect(await group.master()).toBe(first);
    await group.failOver({ demote: true });
    expect(await group.master()).toBe(second);
    await second.kill();
    await until(async () => (await group.master()) === first);
    expect(await group.sentinels[1]!.call('SENTINEL', 'ckquorum', masterName)).toMatch(/^OK/);
  });

  it('is a Cluster whose slots move with their keys', async () => {
    await using cluster = await startCluster({ password: 'one' });
    const slot = await cluster.slotOf('{a}:1');
    const from = await cluster.ownerOf(slot);
    await cluster.nodes[from]!.call('SET', '{a}:1', 'kept');
    const to = (from + 1) % 3;
    await cluster.moveSlot(slot, to);
    expect(await cluster.ownerOf(slot)).toBe(to);
    expect(await cluster.nodes[to]!.call('GET', '{a}:1')).toBe('kept');
    await expect(cluster.nodes[from]!.call('GET', '{a}:1')).rejects.toThrow(/^MOVED/);
  });
});
