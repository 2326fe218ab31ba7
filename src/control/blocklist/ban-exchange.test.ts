import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { type RedisServer, startRedis } from '../../../test/redis/server.ts';
import { openBans } from '../../admission/index.ts';
import { compile, createConfig } from '../../config/index.ts';
import { testRegistries } from '../../config/testing/registries.ts';
import type { EventDraft } from '../../events/index.ts';
import { parseAddress } from '../../identity/index.ts';
import { createSharedBans, createSharedViolations, openRedis, type RedisLink } from '../../redis/index.ts';
import { testRedisSettings } from '../../redis/testing/settings.ts';
import { type BanKeeper, createBanKeeper } from './ban-keeper.ts';
import { type BanChange, rowOf } from './bans.ts';

interface Instance {
  keeper: BanKeeper;
  link: RedisLink;
  events: EventDraft[];
  warnings: string[];
  refuses(address: string): boolean;
}

let server: RedisServer;
const instances: Instance[] = [];

beforeAll(async () => {
  server = await startRedis();
});
beforeEach(async () => void (await server.call('FLUSHALL')));
afterEach(() => {
  for (const { keeper, link } of instances.splice(0)) {
    keeper.stop();
    link.close();
  }
});
afterAll(() => server?.[Symbol.asyncDispose]());

interface StartOptions {
  /** Of its clock. Milliseconds. */
  ahead?: number;
  joins?: boolean;
  /** It is told of nothing, as if each change were of just now. */
  isDeaf?: boolean;
}

/** An instance as main has it, without the rest of the gateway. */
async function start(options: StartOptions = {}): Promise<Instance> {
  const { ahead = 0, joins = true, isDeaf = false } = options;
  const blocklist = { auto_ban: { threshold: 10, ban_for: '5s', growth: 2 } };
  const result = createConfig(
    { upstreams: [{ url: 'http://127.0.0.1:8545' }], blocklist },
    { name: 'test', directory: '/' },
  );
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  const link = await openRedis(testRedisSettings({ url: server.url, command_timeout: '1s' }), Date.now);
  await expect.poll(() => link.guard.isOpen(), { timeout: 5000 }).toBe(false);
  const { client, guard } = link;
  const [events, warnings]: [EventDraft[], string[]] = [[], []];
  const origin = `i${instances.length}`;
  const bans = createSharedBans({ client, guard, prefix: 'pp:', origin, recordsMax: 200_000 });
  const keeper = createBanKeeper({
    ...{ config: result.config, snapshot: compile(result.config, testRegistries()) },
    events: { emit: (event) => void events.push(event), prepare: () => null, added: () => {} },
    logger: {
      warn: (_: object, text: string) => warnings.push(text),
      info: () => {},
      error: () => {},
    } as never,
    seed: Uint32Array.of(1, 2, 3, 4),
    shared: {
      bans: isDeaf
        ? { ...bans, read: async (after) => ({ ...(await bans.read(after)), records: [] }) }
        : bans,
      violations: createSharedViolations({ client, guard, prefix: 'pp:' }),
      ...{ guard, instances: () => instances.length },
    },
    epochMs: () => Date.now() + ahead,
    steadyMs: () => performance.now(),
  });
  if (joins) await keeper.join(10_000);
  const instance = {
    ...{ keeper, link, events, warnings },
    refuses: (address: string) => openBans(keeper.memory).find(parseAddress(address)!) !== undefined,
  };
  instances.push(instance);
  return instance;
}
const violate = ({ keeper }: Instance, address: string) =>
  keeper.violated({ addresses: [address], weights: [10] });
const told = () =>
  instances.flatMap(({ events }) => events.map(({ type, subject }) => `${type} ${subject}`)).sort();
const soon = { timeout: 5000, interval: 20 };

it('what two see at once is one ban, told by one', async () => {
  const [a, b] = [await start(), await start()];
  const addresses = Array.from({ length: 50 }, (_, i) => `203.0.113.${i}`);
  for (const address of addresses) {
    violate(a, address);
    violate(b, address);
  }
  await sleep(500);
  expect(told()).toEqual(addresses.map((address) => `ip.banned ${address}`).sort());
  const both = await Promise.all([a, b].map(async ({ keeper }) => keeper.bans.all()));
  const until = (bans: (typeof both)[0]) => new Map(bans.map((ban) => [ban.prefix, ban.until]));
  expect(until(both[0]!)).toEqual(until(both[1]!));
  expect(a.keeper.made().auto + b.keeper.made().auto).toBe(50);
});

it('who spreads violations over all is banned by their sum, once', async () => {
  const [a, b, c] = [await start(), await start(), await start()];
  // Of a threshold of 10: none of them counts as much.
  for (const { keeper } of [a, b, c, a, b, c])
    keeper.violated({ addresses: ['203.0.113.1'], weights: [2.5] });
  await expect.poll(() => [a, b, c].every((one) => one.refuses('203.0.113.1')), soon).toBe(true);
  await sleep(300);
  expect(told()).toEqual(['ip.banned 203.0.113.1']);
  // The threshold is not passed by who violates as much as that in all.
  for (const { keeper } of [a, b, c]) keeper.violated({ addresses: ['203.0.113.2'], weights: [3.3] });
  await sleep(800);
  expect([a, b, c].some((one) => one.refuses('203.0.113.2'))).toBe(false);
});

it('who is let in by hand at one is let in at all, and spared', async () => {
  const [a, b] = [await start(), await start()];
  const allows = ({ keeper }: Instance) => openBans(keeper.memory).allows(parseAddress('203.0.113.1')!);
  await a.keeper.bans.add({ prefix: '+203.0.113.0/24', reason: '', by: 'ada', until: null });
  await expect.poll(() => allows(b), soon).toBe(true);
  violate(b, '203.0.113.1');
  expect(b.refuses('203.0.113.1')).toBe(false);
  await b.keeper.bans.lift('+203.0.113.0/24', 'bob');
  await expect.poll(() => allows(a), soon).toBe(false);
  expect(told()).toEqual([]);
});

it('a clock two hours ahead ends nothing early, and bans for no longer', async () => {
  const [right, ahead] = [await start(), await start({ ahead: 7_200_000 })];
  violate(right, '203.0.113.1');
  violate(ahead, '203.0.113.2');
  await expect.poll(() => [right, ahead].every((one) => one.refuses('203.0.113.2')), soon).toBe(true);
  await sleep(1000);
  for (const one of [right, ahead]) {
    expect(['203.0.113.1', '203.0.113.2'].filter(one.refuses)).toEqual(['203.0.113.1', '203.0.113.2']);
    for (const { until } of await one.keeper.bans.all()) expect(until! - Date.now()).toBeLessThan(5000);
  }
  expect(told()).toEqual(['ip.banned 203.0.113.1', 'ip.banned 203.0.113.2']);
});

it('a lift that Redis did not hear of is not undone by those who did not either', async () => {
  const [a, b] = [await start(), await start()];
  await a.keeper.bans.add({ prefix: '203.0.113.1', reason: '', by: 'ada', until: null });
  await expect.poll(() => b.refuses('203.0.113.1'), soon).toBe(true);
  await server.kill();
  await expect.poll(() => a.link.guard.isOpen() && b.link.guard.isOpen(), soon).toBe(true);
  await b.keeper.bans.lift('203.0.113.1', 'bob');
  // It comes back without its data.
  await server.start();
  await expect.poll(() => a.refuses('203.0.113.1'), soon).toBe(false);
  await sleep(500);
  expect([a.refuses('203.0.113.1'), b.refuses('203.0.113.1')]).toEqual([false, false]);
  expect(told()).toEqual(['ip.banned 203.0.113.1', 'ip.unbanned 203.0.113.1']);
});

it('a lift that Redis lost is told again, and undoes what another puts back', async () => {
  const [a, b] = [await start(), await start()];
  const { ban } = await a.keeper.bans.add({ prefix: '203.0.113.1', reason: '', by: 'ada', until: null });
  await expect.poll(() => b.refuses('203.0.113.1'), soon).toBe(true);
  await a.keeper.bans.lift('203.0.113.1', 'bob');
  await expect.poll(() => b.refuses('203.0.113.1'), soon).toBe(false);
  await server.call('FLUSHALL');
  // One that was cut off when it was lifted.
  const { simulated: _, ...standing } = ban;
  const { client, guard } = a.link;
  const other = createSharedBans({ client, guard, prefix: 'pp:', origin: 'x', recordsMax: 200_000 });
  await other.put([{ record: { ...standing, endedAt: null }, unlessStanding: false, keepMs: null }]);
  const ended = async () => (await other.read(0)).records.map(({ endedAt }) => endedAt !== null);
  await expect.poll(ended, soon).toEqual([true]);
  await sleep(300);
  expect([a.refuses('203.0.113.1'), b.refuses('203.0.113.1')]).toEqual([false, false]);
  expect(told()).toEqual(['ip.banned 203.0.113.1', 'ip.unbanned 203.0.113.1']);
});

it('a ban that the database tells of late does not come back, and ends there, too', async () => {
  const a = await start();
  const written: BanChange[] = [];
  a.keeper.keepIn({
    shared: true,
    async write(changes) {
      written.push(...changes.map(({ change }) => change));
      return changes.map(() => true);
    },
    read: async () => [],
  });
  const { ban } = await a.keeper.bans.add({ prefix: '203.0.113.1', reason: '', by: 'ada', until: null });
  await a.keeper.bans.lift('203.0.113.1', 'bob');
  written.length = 0;
  a.keeper.changed(rowOf(ban));
  expect(a.refuses('203.0.113.1')).toBe(false);
  await expect.poll(() => written, soon).toMatchObject([{ kind: 'end', beganAt: ban.beganAt }]);
});

it('who was let go by one is banned by another, whose clock is behind', async () => {
  const [a, b] = [await start({ ahead: 900 }), await start({ ahead: -900 })];
  const draft = { prefix: '203.0.113.1', reason: '', by: 'ada', until: null };
  const both = () => [a, b].map((one) => one.refuses('203.0.113.1'));
  await a.keeper.bans.add(draft);
  await expect.poll(both, soon).toEqual([true, true]);
  await a.keeper.bans.lift('203.0.113.1', 'bob');
  await expect.poll(both, soon).toEqual([false, false]);
  await b.keeper.bans.add(draft);
  await expect.poll(both, soon).toEqual([true, true]);
  await sleep(300);
  expect(both()).toEqual([true, true]);
});

it('a ban that comes too late is not said to stand', async () => {
  const [a, late] = [await start({ ahead: 900 }), await start({ ahead: -900, isDeaf: true })];
  const draft = { prefix: '203.0.113.1', reason: '', by: 'ada', until: null };
  await a.keeper.bans.add(draft);
  await a.keeper.bans.lift('203.0.113.1', 'bob');
  await expect(late.keeper.bans.add(draft)).rejects.toMatchObject({ code: 'conflict' });
  expect(late.refuses('203.0.113.1')).toBe(false);
  expect(late.keeper.made().operator).toBe(0);
  // It knows by now.
  await late.keeper.bans.add(draft);
  await expect.poll(() => a.refuses('203.0.113.1'), soon).toBe(true);
});

it('says so where bans cannot be shared although Redis is there', async () => {
  const a = await start();
  await server.call('DEL', 'pp:{bans}:log');
  await server.call('SET', 'pp:{bans}:log', 'of another program');
  await a.keeper.bans.add({ prefix: '203.0.113.1', reason: '', by: 'ada', until: null });
  const isTold = () => a.warnings.filter((text) => text.startsWith('bans do not reach')).length;
  await expect.poll(isTold, { timeout: 15_000 }).toBe(1);
});

it('a hundred thousand bans are put back, and read by one who comes, and hold nobody up', async () => {
  const first = await start({ joins: false });
  const beganAt = Date.now();
  const rows = Array.from({ length: 100_000 }, (_, i) => ({
    ...{ prefix: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, reason: 'r', by: 'auto', times: 1 },
    ...{ beganAt, until: beganAt + 600_000, endedAt: null },
  }));
  first.keeper.replace(rows);
  const stalls = monitorEventLoopDelay({ resolution: 5 });
  const measured = async (work: () => Promise<unknown>): Promise<string> => {
    stalls.reset();
    stalls.enable();
    const began = performance.now();
    await work();
    stalls.disable();
    expect(stalls.max / 1e6).toBeLessThan(1000);
    return `${(performance.now() - began).toFixed(0)} ms, no stall over ${(stalls.max / 1e6).toFixed(0)} ms`;
  };
  const put = await measured(() => first.keeper.join(30_000));
  const second = await start({ joins: false });
  const read = await measured(() => second.keeper.join(30_000));
  expect(second.keeper.count()).toBe(100_000);
  expect(second.refuses('10.1.134.159')).toBe(true);
  console.log(`put back: ${put}; read: ${read}`);
});
