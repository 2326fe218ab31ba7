import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RedisCluster, startCluster } from '../../../test/redis/cluster.ts';
import { type RedisServer, startRedis } from '../../../test/redis/server.ts';
import type { SharedStore } from '../../answer/index.ts';
import { openRedis, type RedisLink } from '../link.ts';
import { testRedisSettings } from '../testing/settings.ts';
import { createSharedStore, READS_MAX, WRITE_BYTES_MAX, WRITES_MAX } from './shared-store.ts';

const within = { timeout: 5000, interval: 20 };
const TIMEOUT_MS = 50;

/** On real servers; ready once Redis serves. */
async function opened(redis: { url: string } | { cluster: readonly string[] }, timeoutMs = 1000) {
  const settings = testRedisSettings({ ...redis, command_timeout: `${timeoutMs}ms` });
  const link: RedisLink = await openRedis(settings, Date.now);
  const { client, guard } = link;
  await expect.poll(() => guard.isOpen(), within).toBe(false);
  const store = createSharedStore({ client, guard, prefix: 'pp:', timeoutMs });
  return { store, link, guard, [Symbol.dispose]: link.close };
}

const read = (store: SharedStore, name: string) =>
  new Promise<Buffer | null | undefined>((resolve) => {
    store.read(name, resolve);
  });
const write = (store: SharedStore, name: string, bytes: Buffer, untilMs: number) =>
  new Promise<boolean | 'dropped'>((resolve) => {
    if (!store.write(name, bytes, untilMs, resolve)) resolve('dropped');
  });
const hear = (store: SharedStore, name: string) =>
  new Promise<{ text: string | null; clockMs: number } | undefined>((resolve) => {
    store.hear(name, resolve);
  });

let server: RedisServer;
let cluster: RedisCluster;
beforeAll(async () => {
  [server, cluster] = await Promise.all([startRedis(), startCluster()]);
});
afterAll(async () => {
  await Promise.all([server?.[Symbol.asyncDispose](), cluster?.[Symbol.asyncDispose]()]);
});

describe.each([
  ['one Redis', () => ({ url: server.url })],
  ['a Cluster', () => ({ cluster: cluster.addresses })],
] as const)('shared answers in %s', (_, redis) => {
  test('are what was written, byte for byte, until their time is up or they are removed', async () => {
    using all = await opened(redis());
    const { store } = all;
    const values = Array.from({ length: 50 }, (_each, index) => randomBytes(index * 100));
    const { clockMs } = (await hear(store, 'chain:x'))!;
    expect(Math.abs(clockMs - Date.now())).toBeLessThan(1000);
    const until = Date.now() + 60_000;
    const taken = await Promise.all(values.map((value, index) => write(store, `v${index}`, value, until)));
    expect(new Set(taken)).toEqual(new Set([true]));
    const found = await Promise.all(values.map((_each, index) => read(store, `v${index}`)));
    expect(found).toEqual(values);
    store.remove('v7');
    expect(await read(store, 'v7')).toBeNull();
    expect(await write(store, 'short', values[1]!, Date.now() + 150)).toBe(true);
    expect(await read(store, 'short')).toEqual(values[1]);
    await sleep(200);
    expect(await read(store, 'short')).toBeNull();
    expect(await write(store, 'past', values[1]!, Date.now() - 1000)).toBe(true);
    expect(await read(store, 'past')).toBeNull();
  });

  test('what is said first stays, unless it is said otherwise', async () => {
    using all = await opened(redis());
    const { store } = all;
    expect(await hear(store, 'chain:a')).toMatchObject({ text: null });
    store.say('chain:a', 'one', 60_000, true);
    store.say('chain:a', 'two', 60_000, true);
    expect(await hear(store, 'chain:a')).toMatchObject({ text: 'one' });
    store.say('chain:a', 'hold', 100, false);
    expect(await hear(store, 'chain:a')).toMatchObject({ text: 'hold' });
    await sleep(150);
    expect(await hear(store, 'chain:a')).toMatchObject({ text: null });
  });
});

test('what too much would be under way for is dropped, and room comes again', async () => {
  using all = await opened({ url: server.url });
  const { store } = all;
  const until = Date.now() + 60_000;
  const small = Array.from({ length: WRITES_MAX + 5 }, (_, k) =>
    write(store, `s${k}`, Buffer.from('x'), until),
  );
  expect((await Promise.all(small)).filter((one) => one === 'dropped')).toHaveLength(5);
  const large = Array.from({ length: 3 }, () => write(store, 'l', Buffer.alloc(WRITE_BYTES_MAX / 2), until));
  expect((await Promise.all(large)).filter((one) => one === 'dropped')).toHaveLength(1);
  expect(await write(store, 's', Buffer.from('x'), until)).toBe(true);
  const reads = await Promise.all(Array.from({ length: READS_MAX + 5 }, () => read(store, 'none')));
  expect(reads.slice(READS_MAX)).toEqual(Array.from({ length: 5 }, () => undefined));
  await expect.poll(() => read(store, 's'), within).toEqual(Buffer.from('x'));
});

test('of a Redis that stands still nobody waits longer than the bound, and what it reads late it keeps no longer', async () => {
  await using still = await startRedis();
  using all = await opened({ url: still.url }, TIMEOUT_MS);
  const { store, guard } = all;
  still.freeze();
  const began = performance.now();
  const answers = await Promise.all([
    ...Array.from({ length: 20 }, () => read(store, 'a')),
    write(store, 'late', Buffer.from('x'), Date.now() + 300),
    hear(store, 'chain:a'),
  ]);
  expect(performance.now() - began).toBeLessThan(TIMEOUT_MS + 100);
  expect(answers).toEqual([...Array.from({ length: 20 }, () => undefined), false, undefined]);
  // One turn without an answer is one pause.
  expect(guard.isOpen()).toBe(false);
  await expect.poll(() => guard.isOpen(), within).toBe(true);
  expect(store.isThere()).toBe(false);
  expect(await read(store, 'a')).toBeUndefined();
  await sleep(300);
  still.thaw();
  await expect.poll(() => guard.isOpen(), within).toBe(false);
  expect(await read(store, 'late')).toBeNull();
});
