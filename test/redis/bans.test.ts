import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { callText, send } from '../../src/gateway/testing/client.ts';
import { type PostgresServer, startPostgres } from '../../src/store/testing/postgres.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { eventually, type StoreGateway, startStoreGateway } from '../store/gateway.ts';
import { type RedisServer, startRedis } from './server.ts';

/** The product's own bound is 500 ms; this machine may be crowded. */
const SOON_MS = 3000;

let node: FakeUpstream;
let postgres: PostgresServer;
let redis: RedisServer;
let folders: string[] = [];
let gateways: StoreGateway[] = [];

beforeAll(async () => {
  [node, postgres] = await Promise.all([startFakeUpstream(), startPostgres()]);
});
beforeEach(async () => {
  // Kept on disk, so that it may be restarted.
  redis = await startRedis({ directives: { appendonly: 'yes', appendfsync: 'always' } });
  folders = await Promise.all([1, 2, 3].map(() => mkdtemp(join(tmpdir(), 'polymorph-bans-'))));
});
afterEach(async () => {
  await Promise.all(gateways.map(({ program }) => program.kill()));
  gateways = [];
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
  await redis[Symbol.asyncDispose]();
});
afterAll(async () => {
  await postgres?.stop();
  await node?.close();
});

const startOne = (store: string, folder: string, autoBan: object = {}): Promise<StoreGateway> =>
  startStoreGateway({
    ...{ node: node.url, folder, store },
    config: {
      redis: redis.url,
      server: { workers: 1, trusted_proxies: ['127.0.0.0/8'], drain_timeout: '2s' },
      events: { sinks: [{ name: 'out', type: 'stdout', events: ['ip.*'] }] },
      blocklist: { auto_ban: { threshold: 50, ban_for: '3s', growth: 100, ban_max: '1h', ...autoBan } },
    },
  });
async function start(store: string, autoBan: object = {}): Promise<void> {
  gateways = await Promise.all(folders.map((folder) => startOne(store, folder, autoBan)));
}

const statusAt = async (gateway: StoreGateway, address: string): Promise<number> =>
  (await send(gateway.program.port, { headers: { 'x-forwarded-for': address }, body: callText() })).status;
/** How long until all instances answer so, since `began`. */
async function all(
  address: string,
  status: number,
  ms = SOON_MS,
  began = performance.now(),
): Promise<number> {
  const holds = async () =>
    (await Promise.all(gateways.map((gateway) => statusAt(gateway, address)))).every((one) => one === status);
  await eventually(holds, ms);
  return performance.now() - began;
}
async function violate(gateway: StoreGateway, address: string, times = 5): Promise<void> {
  for (let i = 0; i < times; i += 1)
    await send(gateway.program.port, {
      headers: { 'x-forwarded-for': address, 'x-api-key': `wrong-key-number-${i}-wrong-key` },
      body: callText(),
    });
}
/** Events of all instances (`type`), or lines of their logs that tell of the same (`event`). */
function told(kind: 'type' | 'event', address: string): string[] {
  return gateways
    .flatMap(({ program }) => program.logs())
    .flatMap(({ subject, [kind]: what }) =>
      subject === address && typeof what === 'string' && what.startsWith('ip.') ? [what] : [],
    );
}
const listed = async (gateway: StoreGateway) =>
  (await gateway.operate<{ bans: { address: string; times: number }[] }>('blocklist.list')).bans;

const long = process.env['POLYMORPH_TEST_LONG'] === '1';
const kinds = ['none', 'postgres', ...(long ? ['sqlite'] : [])] as const;

describe.each(kinds)('three instances, each with store: %s', (kind) => {
  beforeEach(async () => {
    await start(kind === 'postgres' ? await postgres.createDatabase() : kind);
  });

  it('ban together whom one bans for what it did, let go together, know of it the next time, and tell it once', async () => {
    const address = '203.0.113.9';
    await violate(gateways[0]!, address);
    const bannedMs = await all(address, 403);
    await all(address, 200, 10_000);
    await eventually(() => told('type', address).length >= 2, 5000);
    await sleep(1000);
    expect(told('type', address).sort()).toEqual(['ip.banned', 'ip.unbanned']);
    expect(told('event', address).sort()).toEqual(['ip.banned', 'ip.unbanned']);
    await violate(gateways[2]!, address);
    await all(address, 403);
    const lists = await Promise.all(gateways.map(listed));
    expect(lists).toMatchObject([1, 2, 3].map(() => [{ address, times: 2 }]));
    console.log(`store ${kind}: banned everywhere ${bannedMs.toFixed(0)} ms after the last violation`);
  });

  it('hold what an operator says to one of them, change it and lift it, and tell each once', async () => {
    const address = '198.51.100.0/24';
    const times: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      let began = performance.now();
      await gateways[round]!.operate('blocklist.add', { address, forMs: 3_600_000, reason: 'r' });
      times.push(await all('198.51.100.7', 403, SOON_MS, began));
      began = performance.now();
      await gateways[(round + 1) % 3]!.operate('blocklist.remove', { address });
      times.push(await all('198.51.100.7', 200, SOON_MS, began));
    }
    await gateways[0]!.operate('blocklist.add', { address, forMs: 3_600_000 });
    await all('198.51.100.7', 403);
    await gateways[1]!.operate('blocklist.add', { address, reason: 'for good' });
    const everywhere = async () =>
      (await Promise.all(gateways.map(listed))).every(
        ([ban]) => (ban as unknown as { until: unknown }).until === null && ban!.times === 5,
      );
    await eventually(everywhere, SOON_MS);
    await sleep(500);
    expect(told('type', address).sort()).toEqual([
      ...[1, 2, 3, 4, 5].map(() => 'ip.banned'),
      ...[1, 2, 3].map(() => 'ip.unbanned'),
    ]);
    const began = performance.now();
    await gateways[2]!.operate('blocklist.allow', { address: '198.51.100.7' });
    times.push(await all('198.51.100.7', 200, SOON_MS, began));
    await gateways[1]!.operate('blocklist.disallow', { address: '198.51.100.7' });
    await all('198.51.100.7', 403);
    console.log(`store ${kind}: everywhere after ${times.map((ms) => ms.toFixed(0)).join(', ')} ms`);
  });
});

describe('with bans in Redis only', () => {
  const [one, two, three] = ['203.0.113.1', '203.0.113.2', '203.0.113.3'] as const;

  it('they survive a restart of all instances, and their end is told by one', async () => {
    await start('none');
    await gateways[0]!.operate('blocklist.add', { address: one });
    expect(await gateways[1]!.operate('blocklist.add', { address: two, forMs: 4000 })).toMatchObject({
      kept: true,
    });
    await all(two, 403);
    const until = Date.now() + 4000;
    await Promise.all(gateways.map(({ program }) => program.stop()));
    await sleep(until - Date.now());
    await start('none');
    // From the first call on.
    expect(await Promise.all(gateways.map((gateway) => statusAt(gateway, one)))).toEqual([403, 403, 403]);
    await all(two, 200);
    await eventually(() => told('type', two).length > 0, 5000);
    await sleep(500);
    expect(told('type', two)).toEqual(['ip.unbanned']);
  });

  it('each instance goes on by itself while Redis is away, and they are one again once it is back', async () => {
    await start('none');
    await gateways[0]!.operate('blocklist.add', { address: one });
    await all(one, 403);
    await redis.kill();
    await sleep(200);
    expect(await gateways[0]!.operate('blocklist.add', { address: two })).toMatchObject({ kept: false });
    await gateways[1]!.operate('blocklist.remove', { address: one });
    await violate(gateways[2]!, three);
    await eventually(async () => (await statusAt(gateways[2]!, three)) === 403, SOON_MS);
    expect([await statusAt(gateways[1]!, one), await statusAt(gateways[0]!, one)]).toEqual([200, 403]);
    expect([await statusAt(gateways[0]!, two), await statusAt(gateways[1]!, two)]).toEqual([403, 200]);
    await eventually(() => told('type', two).length === 1, SOON_MS);
    await redis.start();
    const began = performance.now();
    await all(two, 403, 10_000);
    await all(one, 200, 10_000);
    console.log(`Redis was killed: one again after ${(performance.now() - began).toFixed(0)} ms`);
    expect(performance.now() - began).toBeLessThan(5000);
    await all(three, 200, 10_000);
    await eventually(() => told('type', three).length >= 2, 5000);
    await sleep(500);
    expect([one, two, three].map((address) => told('type', address).sort())).toEqual([
      ['ip.banned', 'ip.unbanned'],
      ['ip.banned'],
      ['ip.banned', 'ip.unbanned'],
    ]);
  });

  it('what Redis loses is put back, and nobody notices', async () => {
    await start('none');
    await gateways[0]!.operate('blocklist.add', { address: one });
    await all(one, 403);
    await redis.call('FLUSHALL');
    await gateways[1]!.operate('blocklist.add', { address: two });
    await all(two, 403);
    await eventually(async () => Number(await redis.call('ZCARD', 'pp:{bans}:log')) === 2, 5000);
    expect(await Promise.all(gateways.map((gateway) => statusAt(gateway, one)))).toEqual([403, 403, 403]);
    // Another instance learns of it from there.
    await gateways[2]!.program.kill();
    gateways[2] = await startOne('none', folders[2]!);
    expect(await statusAt(gateways[2], one)).toBe(403);
    expect(told('type', one)).toEqual(['ip.banned']);
  });
});

it('who spreads what it does over all instances is banned by the sum of it', async () => {
  await start('none', { threshold: 300, ban_for: '1m' });
  // An instance is told of the others each second.
  await sleep(1500);
  const address = '203.0.113.77';
  let tries = 0;
  const began = performance.now();
  while ((await statusAt(gateways[0]!, address)) !== 403) {
    // As many at each: 90 are 900 of weight, three times the threshold, and as many as it would take without the others.
    expect(tries).toBeLessThan(90);
    await Promise.all(gateways.map((gateway) => violate(gateway, address, 1)));
    tries += gateways.length;
    await sleep(50);
  }
  await all(address, 403);
  console.log(`banned after ${tries} wrong keys of weight 10, ${(performance.now() - began).toFixed(0)} ms`);
  await sleep(300);
  expect(told('type', address)).toEqual(['ip.banned']);
});

it('an instance has in its own folder what others told it', async () => {
  await start('sqlite');
  const [banned, lifted] = ['203.0.113.1', '203.0.113.2'];
  await gateways[0]!.operate('blocklist.add', { address: banned });
  await gateways[0]!.operate('blocklist.add', { address: lifted });
  await all(lifted, 403);
  await gateways[0]!.operate('blocklist.remove', { address: lifted });
  await all(lifted, 200);
  await Promise.all(gateways.map(({ program }) => program.stop()));
  await redis.call('FLUSHALL');
  gateways = [await startOne('sqlite', folders[1]!)];
  expect(await Promise.all([banned, lifted].map((one) => statusAt(gateways[0]!, one)))).toEqual([403, 200]);
});
