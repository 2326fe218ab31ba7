import fc from 'fast-check';
import { Cluster, Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startCluster } from '../../../test/redis/cluster.ts';
import { type RedisServer, startRedis } from '../../../test/redis/server.ts';
import { type BanRecord, type SharedChange, supersedes } from '../../admission/index.ts';
import { createSharedBans } from './shared-bans.ts';

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

const guard = { isOpen: () => false, succeeded: () => {}, failed: () => {} };
const open = (origin = 'a', client: Redis | Cluster = redis, recordsMax = 10_000) =>
  createSharedBans({ client, guard, prefix: 'pp:', origin, recordsMax });
const ban = (prefix: string, over: Partial<BanRecord> = {}): BanRecord => ({
  ...{ prefix, reason: 'ä "r"', by: 'auto', times: 1, beganAt: Date.now(), until: null, endedAt: null },
  ...over,
});
const change = (record: BanRecord, over: Partial<SharedChange> = {}): SharedChange => ({
  ...{ record, unlessStanding: false, keepMs: 60_000 },
  ...over,
});

describe('bans in Redis', () => {
  it('are read by others once, from where they had read', async () => {
    const one = ban('203.0.113.9');
    const [a, b] = [open('a'), open('b')];
    const before = await b.read(0);
    expect(before).toMatchObject({ last: 0, next: 0, more: false, records: [] });
    expect(Math.abs(before.nowMs - Date.now())).toBeLessThan(1000);
    expect(await a.put([change(one), change(ban('10.0.0.1'))])).toEqual([null, null]);
    const { records, next, last, epoch } = await b.read(0);
    expect(records[0]).toEqual(one);
    expect([records.length, next, last, epoch]).toEqual([2, 2, 2, before.epoch]);
    const ended = { ...one, endedAt: Date.now() };
    await a.put([change(ended)]);
    expect(await b.read(next)).toMatchObject({ records: [ended], next: 3, last: 3 });
    expect((await b.read(3)).records).toEqual([]);
    expect((await b.read(0)).records.map(({ prefix }) => prefix)).toEqual(['10.0.0.1', '203.0.113.9']);
  });

  it('are made by one word only, which is heard twice where its answer was lost', async () => {
    const [a, b] = [open('a'), open('b')];
    const one = ban('203.0.113.9', { until: Date.now() + 60_000 });
    const later = { ...one, beganAt: one.beganAt + 1, until: one.until! + 1 };
    const auto = { unlessStanding: true };
    expect(await a.put([change(one, auto)])).toEqual([null]);
    expect(await a.put([change(one, auto)])).toEqual([null]);
    expect(await b.put([change(later, auto)])).toEqual([one]);
    expect(await b.put([change({ ...later, times: 2 }, auto)])).toEqual([null]);
    const end = (record: BanRecord) => change({ ...record, times: 2, endedAt: 5 });
    expect(await a.put([end(later)])).toEqual([null]);
    expect(await b.put([end(later)])).toEqual([{ ...later, times: 2, endedAt: 5 }]);
    expect(await b.put([change(one, auto)])).toEqual([{ ...later, times: 2, endedAt: 5 }]);
    expect((await b.read(0)).last).toBe(3);
  });

  it('go by the same order as everywhere, whatever came first', async () => {
    const word = fc.record({
      beganAt: fc.constantFrom(1_800_000_000_000, 1_800_000_000_001),
      times: fc.constantFrom(1, 2),
      until: fc.constantFrom(null, 1_900_000_000_000, 1_900_000_000_001),
      endedAt: fc.constantFrom(null, 1_850_000_000_000),
    });
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(word, word, async (first, second) => {
        const [one, two] = [first, second].map((over) => ban(`10.0.0.${runs}`, over)) as [
          BanRecord,
          BanRecord,
        ];
        runs += 1;
        const shared = open();
        await shared.put([change(one)]);
        const [outcome] = await open('b').put([change(two)]);
        expect(outcome).toEqual(supersedes(two, one) ? null : one);
        // An order: never both, and neither only where nothing tells them apart.
        expect(supersedes(one, two) && supersedes(two, one)).toBe(false);
      }),
    );
  });

  it('that are none, or of another version, stop nobody', async () => {
    const [a, b] = [open('a'), open('b')];
    const sound = ban('10.0.0.9');
    const strange = [
      'nonsense',
      'null',
      '[]',
      JSON.stringify({ ...sound, prefix: '10.0.0.4', beganAt: '1' }),
      JSON.stringify({ ...sound, prefix: '10.0.0.10' }),
      JSON.stringify({ ...sound, prefix: '10.0.0.6', endedAt: undefined }),
      JSON.stringify({ ...sound, prefix: '10.0.0.7', until: 1e300 }),
    ];
    await a.put(strange.map((_, i) => change(ban(`10.0.0.${i + 1}`))));
    for (const [i, text] of strange.entries()) await redis.set(`pp:{bans}:ban:10.0.0.${i + 1}`, text);
    await redis.set('pp:{bans}:ban:everybody', JSON.stringify({ ...sound, prefix: 'everybody' }));
    await redis.zadd('pp:{bans}:log', 100, 'everybody');
    await redis.hset('pp:{bans}:head', 'last', 100);
    await a.put([change(sound)]);
    expect(await b.read(0)).toMatchObject({ records: [sound], next: 101, more: false });
    for (const one of strange.map((_, i) => ban(`10.0.0.${i + 1}`)))
      expect(await b.put([change(one)]), one.prefix).toEqual([null]);
  });

  it('are told whatever their reason is written with', async () => {
    const odd = ban('10.0.0.1', { reason: 'half \ud83d, \0 and "\\', by: '\udc00' });
    expect(await open('a').put([change(odd)])).toEqual([null]);
    expect((await open('b').read(0)).records).toEqual([
      { ...odd, reason: 'half \ufffd, \0 and "\\', by: '\ufffd' },
    ]);
    // It is decoded there.
    expect(await open('b').put([change({ ...odd, endedAt: 5 })])).toEqual([null]);
  });

  it('are forgotten in time, all of them, and so is the log', async () => {
    const shared = open();
    await shared.put([
      change(ban('10.0.0.1'), { keepMs: 50 }),
      change(ban('10.0.0.2'), { keepMs: 3_600_000 }),
    ]);
    const left = await redis.pttl('pp:{bans}:ban:10.0.0.2');
    expect(left).toBeGreaterThan(3_590_000);
    expect(left).toBeLessThanOrEqual(3_600_000);
    for (const key of ['head', 'log', 'ends']) {
      const ms = await redis.pttl(`pp:{bans}:${key}`);
      expect(ms).toBeGreaterThan(89_900_000);
      expect(ms).toBeLessThanOrEqual(90_000_000);
    }
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect((await shared.read(0)).records.map(({ prefix }) => prefix)).toEqual(['10.0.0.2']);
    await shared.put([change(ban('10.0.0.3'), { keepMs: null })]);
    expect(await redis.zrange('pp:{bans}:log', '0', '-1')).toEqual(['10.0.0.2', '10.0.0.3']);
    expect(await redis.pttl('pp:{bans}:ban:10.0.0.3')).toBe(-1);
    for (const key of ['head', 'log', 'ends'])
      expect(await redis.pttl(`pp:{bans}:${key}`)).toBeGreaterThan(99 * 365 * 86_400_000);
  });

  it('begin another log once Redis has lost it, and go on with an old one whose head is gone', async () => {
    const shared = open();
    await shared.put([change(ban('10.0.0.1')), change(ban('10.0.0.2'))]);
    const { epoch } = await shared.read(0);
    await redis.del('pp:{bans}:head');
    const left = await redis.pttl('pp:{bans}:log');
    await shared.put([change(ban('10.0.0.3'))]);
    const headless = await shared.read(2);
    expect(headless).toMatchObject({ last: 3, next: 3, records: [{ prefix: '10.0.0.3' }] });
    expect(await redis.pttl('pp:{bans}:log')).toBeGreaterThanOrEqual(left);
    await redis.flushall();
    const lost = await shared.read(3);
    expect(lost).toMatchObject({ last: 0, records: [] });
    expect(new Set([epoch, headless.epoch, lost.epoch]).size).toBe(3);
  });

  it('make room for each other: what is forgotten soonest goes, never what stands for good', async () => {
    const shared = open('a', redis, 1000);
    await shared.put([change(ban('192.0.2.1'), { keepMs: null })]);
    const many = Array.from({ length: 3000 }, (_, i) => ban(`10.0.${i >> 8}.${i & 255}`));
    await shared.put(many.map((record, i) => change(record, { keepMs: 1_000_000 + i * 1000 })));
    const prefixes: string[] = [];
    for (let after = 0; ; ) {
      const { records, next, more } = await shared.read(after);
      prefixes.push(...records.map(({ prefix }) => prefix));
      if (!more) break;
      after = next;
    }
    expect(prefixes).toEqual(['192.0.2.1', ...many.slice(-999).map(({ prefix }) => prefix)]);
    expect(await redis.dbsize()).toBe(1003);
  });

  it('are sent nothing, and reject, while Redis is away', async () => {
    const failures: unknown[] = [];
    const away = {
      isOpen: () => true,
      succeeded: () => {},
      failed: (error: unknown) => failures.push(error),
    };
    const shared = createSharedBans({
      ...{ client: redis, guard: away, prefix: 'pp:', origin: 'a', recordsMax: 10 },
    });
    await expect(shared.put([change(ban('10.0.0.1'))])).rejects.toThrow('away');
    await expect(shared.read(0)).rejects.toThrow('away');
    expect(failures).toEqual([]);
    expect(await redis.dbsize()).toBe(0);
  });
});

it('stand in one slot of a Cluster', async () => {
  await using servers = await startCluster();
  const client = new Cluster(
    servers.nodes.map(({ host, port }) => ({ host, port })),
    { enableOfflineQueue: false, lazyConnect: true },
  );
  client.on('error', () => undefined);
  try {
    await client.connect();
    const shared = open('a', client, 600);
    const many = Array.from({ length: 700 }, (_, i) => ban(`10.0.${i >> 8}.${i & 255}`));
    expect(await shared.put(many.map((record) => change(record)))).toEqual(many.map(() => null));
    const page = await shared.read(0);
    expect(page.records.length).toBe(500);
    expect((await shared.read(page.next)).records.length).toBe(100);
  } finally {
    client.disconnect();
  }
});
