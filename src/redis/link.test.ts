import { describe, expect, it } from 'vitest';
import { startCluster } from '../../test/redis/cluster.ts';
import { masterName, startSentinels } from '../../test/redis/sentinels.ts';
import { startRedis } from '../../test/redis/server.ts';
import { startLink } from '../../test/store/link.ts';
import { openRedis, type RedisLink } from './link.ts';
import { testRedisSettings } from './testing/settings.ts';

/** A link that ends with the test, and how long its commands take to be answered or given up. */
async function linked(redis: Parameters<typeof testRedisSettings>[0]) {
  const link = await openRedis(testRedisSettings(redis), Date.now);
  let slowestMs = 0;
  return {
    link,
    slowestMs: () => slowestMs,
    /** As all that use it do. */
    async set(key: string): Promise<boolean> {
      if (link.guard.isOpen()) return false;
      const began = performance.now();
      try {
        await link.client.set(key, '1', 'PX', 60_000);
        link.guard.succeeded();
        return true;
      } catch (error) {
        link.guard.failed(error);
        return false;
      } finally {
        slowestMs = Math.max(slowestMs, performance.now() - began);
      }
    },
    [Symbol.dispose]: link.close,
  };
}

const within5s = { timeout: 5000, interval: 20 };
const there = (link: RedisLink) => expect.poll(() => link.guard.isOpen(), within5s).toBe(false);
const away = (link: RedisLink) => expect.poll(() => link.guard.isOpen(), within5s).toBe(true);

describe('link to one Redis', () => {
  it('is back within 5 s after it was killed, stopped, slow or read-only, and no command waits', async () => {
    await using server = await startRedis();
    await using slow = await closing(startLink(server.port));
    using all = await linked({ url: `redis://127.0.0.1:${slow.port}` });
    const { link, set } = all;
    await there(link);
    expect(await set('a')).toBe(true);

    await server.kill();
    await away(link);
    expect(link.guard.state().reason).toMatch(/lost|ECONN/);
    expect(await set('a')).toBe(false);
    await server.start();
    await there(link);

    server.freeze();
    await Promise.all([set('a'), set('a'), set('a')]);
    expect(link.guard.state()).toMatchObject({ away: true, reason: 'no answer in time' });
    // Longer than a connection is held for dead.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(link.guard.isOpen()).toBe(true);
    server.thaw();
    await there(link);

    slow.delayMs = 250;
    await set('a');
    await away(link);
    slow.delayMs = 0;
    await there(link);

    await server.call('CONFIG', 'SET', 'min-replicas-to-write', 1);
    expect(await set('a')).toBe(false);
    expect(link.guard.state().reason).toMatch(/^NOREPLICAS/);
    await server.call('CONFIG', 'SET', 'min-replicas-to-write', 0);
    await there(link);

    await server.call('REPLICAOF', '127.0.0.1', 1);
    expect(await set('a')).toBe(false);
    expect(link.guard.state().reason).toMatch(/^READONLY/);
    await server.call('REPLICAOF', 'NO', 'ONE');
    await there(link);

    // The network swallows all: neither side is told.
    slow.swallows = true;
    await set('a');
    await away(link);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    slow.swallows = false;
    await there(link);
    expect(await set('a')).toBe(true);
    expect(all.slowestMs()).toBeLessThan(500);
    expect(link.counts).toMatchObject({ lost: expect.any(Number) as number });
    expect(link.counts.timedOut).toBeGreaterThan(3);
    expect(link.counts.refused).toBeGreaterThan(1);
  });

  it('by TLS with a password: trusts the file’s certificate alone, and says what is wrong', async () => {
    await using server = await startRedis({ password: 'p@ss/word', tls: true });
    using good = await linked(server);
    await there(good.link);
    expect(await good.set('a')).toBe(true);

    using untrusted = await linked({ url: server.url });
    await expect
      .poll(() => untrusted.link.guard.state().reason, within5s)
      .toMatch(/self-signed|unable to verify/i);
    const tls = { ca: server.ca };
    using wrong = await linked({ url: `rediss://:other@localhost:${server.port}`, tls });
    await expect.poll(() => wrong.link.guard.state().reason, within5s).toMatch(/^WRONGPASS/);
    using none = await linked({ url: `rediss://localhost:${server.port}`, tls });
    await expect.poll(() => none.link.guard.state().reason, within5s).toMatch(/^NOAUTH/);
    for (const { link } of [untrusted, wrong, none]) expect(link.guard.isOpen()).toBe(true);
  });
});

describe('link by Sentinels', () => {
  it('follows the master: when it is changed by hand, when it dies; a Sentinel that is frozen is passed by', async () => {
    await using group = await startSentinels({ password: 'one', sentinelPassword: 'two' });
    group.sentinels[0]!.freeze();
    using all = await linked({
      ...{ sentinels: group.addresses, name: masterName },
      ...{ password: 'one', sentinel_password: 'two' },
    });
    const { link, set } = all;
    await there(link);
    group.sentinels[0]!.thaw();
    await expect.poll(() => set('a'), within5s).toBe(true);

    // The old master stays one for seconds, and would take what is written.
    await group.failOver();
    const [, second] = group.servers;
    await expect
      .poll(async () => {
        await set('b');
        return second.call('EXISTS', 'b');
      }, within5s)
      .toBe(1);

    await group.servers[0].call('REPLICAOF', '127.0.0.1', second.port);
    await expect
      .poll(async () => String(await group.servers[0].call('INFO', 'replication')), within5s)
      .toContain('master_link_status:up');
    await second.kill();
    await away(link);
    await expect.poll(() => set('c'), { timeout: 10_000, interval: 20 }).toBe(true);
    expect(await group.servers[0].call('EXISTS', 'c')).toBe(1);
    expect(all.slowestMs()).toBeLessThan(500);
  });
});

describe('link to a Cluster', () => {
  it('goes on while a slot moves, and is back when a node is', async () => {
    await using cluster = await startCluster({ password: 'one' });
    using all = await linked({ cluster: cluster.addresses.slice(0, 1), password: 'one' });
    const { link, set } = all;
    await there(link);
    const slot = await cluster.slotOf('{a}:1');
    const from = await cluster.ownerOf(slot);
    const moved = cluster.moveSlot(slot, (from + 1) % 3, 200);
    const done = new AbortController();
    const ended = moved.finally(() => done.abort());
    let kept = 0;
    while (!done.signal.aborted) {
      expect(await set('{a}:1'), String(link.guard.state().reason)).toBe(true);
      kept += 1;
    }
    await ended;
    expect(kept).toBeGreaterThan(20);
    expect(await set('{a}:2')).toBe(true);

    const node = cluster.nodes[2]!;
    await node.kill();
    await expect
      .poll(async () => {
        await Promise.all(Array.from({ length: 20 }, (_, index) => set(`k${index}`)));
        return link.guard.isOpen();
      }, within5s)
      .toBe(true);
    await node.start();
    const backMs = { timeout: 8000, interval: 20 };
    // A node takes nothing in its first two seconds.
    await expect.poll(() => link.guard.isOpen(), backMs).toBe(false);
    await expect
      .poll(async () => {
        const sets = await Promise.all(Array.from({ length: 20 }, (_, index) => set(`k${index}`)));
        return sets.every(Boolean);
      }, within5s)
      .toBe(true);
    expect(all.slowestMs()).toBeLessThan(500);
  });
});

async function closing<T extends { close(): Promise<void> }>(made: Promise<T>): Promise<T & AsyncDisposable> {
  const one = await made;
  return Object.assign(one, { [Symbol.asyncDispose]: () => one.close() });
}
