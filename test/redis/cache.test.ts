import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { callText, send } from '../../src/gateway/testing/client.ts';
import { type FakeNode, startFakeNode } from '../fakes/ethereum-node.ts';
import type { Program } from '../program.ts';
import { type RedisCluster, startCluster } from './cluster.ts';
import { startInstances, stopInstances } from './instances.ts';
import { type RedisServer, startRedis } from './server.ts';

/** The product's own bound is 100 ms; this machine may be crowded. */
const SLOWEST_MS = 400;
const patience = { timeout: 20_000, interval: 50 };

let node: FakeNode;
let programs: Program[] = [];
let asked = 0;

beforeAll(async () => {
  node = await startFakeNode();
});
beforeEach(() => {
  Object.assign(node.chain, { head: 100, fork: '', forkedAt: 0 });
  node.forget();
});
afterEach(async () => {
  await stopInstances(programs);
  programs = [];
});
afterAll(() => node.close());

async function start(redis: unknown, cache: object = {}): Promise<[Program, Program]> {
  programs = await startInstances({
    ...{ node: node.url, redis, count: 2 },
    limits: { default: 'none' },
    more: {
      cache: { shared: true, methods: { my_time: '3s' }, ...cache },
      health: { interval: '100ms' },
    },
  });
  await expect.poll(() => isShared(programs as [Program, Program]), patience).toBe(true);
  node.forget();
  return programs as [Program, Program];
}

/** What no call asked for yet, at a block that is final. */
const another = (): string => JSON.stringify([`0x${(++asked).toString(16).padStart(40, '0')}`, '0x5']);

async function ask(program: Program, params: string, method = 'eth_getBalance'): Promise<void> {
  const { status, json } = await send(program.port, { body: callText(method, '1', params) });
  expect({ status, result: json.result }).toEqual({ status: 200, result: JSON.parse(params)[0] });
}

const timesAsked = (params: string): number =>
  node.calls.filter((call) => JSON.stringify(call.params) === params).length;

/** Has an answer that one asked for: both have joined. */
async function isShared([one, other]: [Program, Program]): Promise<boolean> {
  const params = another();
  await ask(one, params);
  await sleep(20);
  await ask(other, params);
  return timesAsked(params) === 1;
}

interface Shared {
  hits: number;
  misses: number;
  errors: number;
  puts: number;
  dropped: number;
}

async function shared(program: Program): Promise<Shared> {
  // Taken over with the beat.
  await sleep(150);
  const summary = await (await fetch(`${program.adminUrl}/stats/summary?scope=instance`)).json();
  return (summary as { cache: { shared: Shared } }).cache.shared;
}

async function answerKeys(redis: RedisServer): Promise<string[]> {
  const keys = (await redis.call('KEYS', 'pp:cache:*')) as string[];
  return keys.filter((key) => !key.startsWith('pp:cache:chain:'));
}

describe('answers that instances share by one Redis', () => {
  let redis: RedisServer;
  beforeEach(async () => {
    redis = await startRedis();
  });
  afterEach(async () => {
    redis.thaw();
    await redis[Symbol.asyncDispose]();
  });

  it('an answer of one is the other’s too, without a call to a node; identical calls look for it once', async () => {
    // By the login that the docs give, which may do nothing more.
    const [, login] = /^ACL (SETUSER .+)$/m.exec(readFileSync('docs/scaling.md', 'utf8'))!;
    await redis.call('ACL', ...login!.replace('PASSWORD', 'secret').split(' '));
    const [one, other] = await start(`redis://polymorph:secret@${redis.host}:${redis.port}`);
    const all = Array.from({ length: 20 }, another);
    for (const params of all) await ask(one, params);
    await sleep(50);
    const before = await shared(other);
    for (const params of all) await ask(other, params);
    expect(all.map(timesAsked)).toEqual(all.map(() => 1));
    expect((await shared(other)).hits - before.hits).toBe(20);
    // The second time it is in its own memory.
    for (const params of all) await ask(other, params);
    expect((await shared(other)).hits - before.hits).toBe(20);
    const metrics = await (await fetch(`${other.adminUrl}/metrics`)).text();
    expect(metrics).toMatch(/polymorph_shared_cache_reads_total\{result="hit"\} \d\d/);
    expect(metrics).toMatch(/polymorph_answers_total\{[^}]*eth_getBalance[^}]*source="cache"\} \d\d/);

    const params = another();
    await ask(one, params);
    await sleep(50);
    const { hits, misses } = await shared(other);
    await Promise.all(Array.from({ length: 64 }, () => ask(other, params)));
    expect(timesAsked(params)).toBe(1);
    expect(await shared(other)).toMatchObject({ hits: hits + 1, misses, errors: 0 });
    for (const key of await answerKeys(redis))
      expect(await redis.call('PTTL', key)).toBeLessThanOrEqual(3_600_000);
  });

  it('one with a time is given for the rest of it', async () => {
    const [one, other] = await start(redis.url);
    const params = another();
    const began = performance.now();
    await ask(one, params, 'my_time');
    const elapsed = (ms: number) => sleep(Math.max(0, ms - (performance.now() - began)));
    await elapsed(1500);
    await ask(other, params, 'my_time');
    expect(timesAsked(params)).toBe(1);
    await elapsed(3200);
    expect(timesAsked(params)).toBe(1);
    await ask(other, params, 'my_time');
    expect(timesAsked(params)).toBe(2);
  });

  it('what was spoilt is dropped, what is too long is not sent, and both are answered by the node', async () => {
    const [one, other] = await start(redis.url, { shared_max_bytes: '256B' });
    await redis.call('FLUSHALL');
    await expect.poll(() => isShared([one, other]), patience).toBe(true);
    const before = new Set(await answerKeys(redis));
    const params = another();
    await ask(one, params);
    await expect.poll(async () => (await answerKeys(redis)).length, patience).toBe(before.size + 1);
    const [key] = (await answerKeys(redis)).filter((name) => !before.has(name));
    await redis.call('SETRANGE', key!, 80, 'X');
    const { errors } = await shared(other);
    await ask(other, params);
    expect(timesAsked(params)).toBe(2);
    expect((await shared(other)).errors).toBe(errors + 1);

    const long = JSON.stringify([`0x${'7'.repeat(300)}`, '0x5']);
    await ask(one, long);
    await sleep(50);
    expect(await answerKeys(redis)).toHaveLength(before.size + 1);
    await ask(other, long);
    expect(timesAsked(long)).toBe(2);
  });

  it('final blocks that are replaced: nothing of before is given, and nothing shared until all have seen it', async () => {
    const [one, other] = await start(redis.url);
    const params = another();
    await ask(one, params);
    Object.assign(node.chain, { fork: 'other', forkedAt: 20, head: 101 });
    await expect
      .poll(async () => {
        const [key] = (await redis.call('KEYS', 'pp:cache:chain:*')) as string[];
        await ask(one, another());
        return redis.call('GET', key!);
      }, patience)
      .toBe('hold');
    await sleep(1500);
    expect(await isShared([one, other])).toBe(false);
    await ask(other, params);
    expect(timesAsked(params)).toBe(2);
  });

  it.each([
    ['killed', (server: RedisServer) => server.kill(), (server: RedisServer) => server.start()],
    [
      'stopped as by SIGSTOP',
      async (server: RedisServer) => server.freeze(),
      async (server: RedisServer) => server.thaw(),
    ],
  ] as const)('callers do not notice that Redis was %s', async (name, fault, repair) => {
    const [one, other] = await start(redis.url);
    const agents = programs.map(() => new Agent({ keepAlive: true, maxSockets: 8 }));
    let [done, slowest] = [0, 0];
    const stopping = new AbortController();
    const bad: number[] = [];
    const load = [one, other].flatMap((program, index) =>
      Array.from({ length: 8 }, async () => {
        while (!stopping.signal.aborted) {
          const began = performance.now();
          const body = callText(
            'eth_getBalance',
            '1',
            Math.random() < 0.5 ? another() : `["0x${asked}","0x5"]`,
          );
          const { status } = await send(program.port, { body, agent: agents[index] });
          slowest = Math.max(slowest, performance.now() - began);
          done += 1;
          if (status !== 200) bad.push(status);
          await sleep(5);
        }
      }),
    );
    await sleep(500);
    await fault(redis);
    await sleep(2000);
    await repair(redis);
    await expect.poll(() => isShared([one, other]), { timeout: 5000, interval: 100 }).toBe(true);
    stopping.abort();
    await Promise.all(load);
    for (const agent of agents) agent.destroy();
    console.log(`Redis ${name}: ${done} calls, slowest ${slowest.toFixed(0)} ms`);
    expect(bad).toEqual([]);
    expect(done).toBeGreaterThan(500);
    expect(slowest).toBeLessThan(SLOWEST_MS);
  });
});

describe('answers that instances share by a Redis Cluster', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  it('stand on all its nodes', async () => {
    const [one, other] = await start({ cluster: cluster.addresses.slice(0, 1) });
    const all = Array.from({ length: 30 }, another);
    for (const params of all) await ask(one, params);
    await sleep(50);
    for (const params of all) await ask(other, params);
    expect(all.map(timesAsked)).toEqual(all.map(() => 1));
    const counts = await Promise.all(cluster.nodes.map(async (each) => (await answerKeys(each)).length));
    expect(Math.min(...counts)).toBeGreaterThan(0);
  });
});
