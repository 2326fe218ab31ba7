import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import type { Program } from '../program.ts';
import { CAPACITY, PAUSE_MS, RATE, rule, SETTLE_MS, SLOWEST_MS, UNEVEN } from './both-limits.ts';
import {
  type SharedLoad,
  startInstance,
  startInstances,
  startSharedLoad,
  stopInstances,
} from './instances.ts';
import { type RedisServer, startRedis } from './server.ts';

const long = process.env['POLYMORPH_TEST_LONG'] === '1';
/** Of an exact limit: what may be on its way as they are counted, and as many too few, at the beginning and at the end. */
const ON_THEIR_WAY = 4;

let node: FakeUpstream;
let redis: RedisServer;
let programs: Program[] = [];
let loads: SharedLoad[] = [];

beforeAll(async () => {
  node = await startFakeUpstream();
});
beforeEach(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  await Promise.all(loads.map((load) => load.stop()));
  loads = [];
  await stopInstances(programs);
  programs = [];
  await redis[Symbol.asyncDispose]();
});
afterAll(() => node.close());

async function start(limits: object): Promise<void> {
  programs = await startInstances({ node: node.url, redis: redis.url, limits });
  await sleep(SETTLE_MS);
}

function load(of: readonly Program[], connections: readonly number[], pauseMs = PAUSE_MS, method?: string) {
  const one = startSharedLoad(of, connections, pauseMs, method);
  loads.push(one);
  return one;
}

/** Calls that a bucket of the rule lets pass from its first call to now. */
const boundSince = (beganMs: number): number => CAPACITY + (RATE * (performance.now() - beganMs)) / 1000;

it('limits of three instances are those of one: never passed, and used up under an uneven load of twice as much', async () => {
  await start({
    methods: { leased: { ...rule, consistency: 'leased' }, exact: { ...rule, consistency: 'exact' } },
  });
  const began = performance.now();
  const leased = load(programs, UNEVEN, PAUSE_MS, 'leased');
  const exact = load(programs, UNEVEN, PAUSE_MS, 'exact');
  // The burst is gone by then, also where calls began late.
  await sleep(3500);
  const [early, earlyAt] = [exact.passed(), performance.now()];
  await sleep(long ? 56_500 : 5000);
  const [late, lateAt] = [exact.passed(), performance.now()];
  const passed = leased.passed();
  const bound = boundSince(began);
  const expected = (RATE * (lateAt - earlyAt)) / 1000;
  console.log(
    `leased ${passed}, exact ${late} of ${bound.toFixed(0)}; exact ${late - early} of ${expected.toFixed(1)} without the burst; slowest ${[leased, exact].map((one) => one.slowestMs().toFixed(0)).join(' and ')} ms`,
  );
  for (const one of [leased, exact]) {
    expect(one.bad()).toEqual({});
    expect(one.slowestMs()).toBeLessThan(SLOWEST_MS);
  }
  // While this machine paused nobody called, and what the buckets got meanwhile passed later.
  const paused = (of: SharedLoad): number => (RATE * of.slowestMs()) / 1000;
  expect(passed).toBeLessThanOrEqual(bound);
  expect(passed).toBeGreaterThanOrEqual(0.97 * bound - paused(leased));
  expect(late).toBeLessThanOrEqual(bound);
  expect(Math.abs(late - early - expected)).toBeLessThanOrEqual(2 * ON_THEIR_WAY + paused(exact));
});

it('control: without Redis each has the limit for itself, and more than one bucket’s worth passes', async () => {
  programs = await startInstances({ node: node.url, redis: undefined, limits: { default: rule } });
  const began = performance.now();
  const even = load(programs, [30, 30, 30]);
  await sleep(2000);
  expect(even.passed()).toBeGreaterThan(1.2 * boundSince(began));
});

it('instances that start again while Redis is away go by the shares that they had, which are the limit together', async () => {
  const home = await mkdtemp(join(tmpdir(), 'polymorph-places-'));
  for (const name of ['0', '1', '2']) await mkdir(join(home, name));
  const options = {
    node: node.url,
    redis: { url: redis.url, connect_timeout: '1s' },
    limits: { default: rule },
    folder: (index: number) => join(home, String(index)),
  };
  try {
    programs = await startInstances(options);
    await sleep(SETTLE_MS);
    // One after the other, as in a deploy: the last was alone for a moment.
    for (const program of programs) await program.stop();
    await redis.kill();
    programs = await startInstances(options);
    const began = performance.now();
    const even = load(programs, [30, 30, 30]);
    await sleep(2000);
    expect(even.passed()).toBeLessThanOrEqual(boundSince(began));
    expect(even.passed()).toBeGreaterThan(0.9 * boundSince(began));
    expect(even.bad()).toEqual({});
  } finally {
    await stopInstances(programs);
    programs = [];
    await rm(home, { recursive: true, force: true });
  }
});

it('an instance killed with leases in hand takes nothing along for good', async () => {
  await start({ default: rule });
  const before = load(programs, [10, 10, 0]);
  await sleep(1500);
  await programs[0]!.kill();
  await before.stop();
  // Its leases end after ten seconds, and the bucket refills.
  await sleep(12_000);
  const began = performance.now();
  const after = load([programs[1]!], [40], 5);
  await sleep(1000);
  const bound = boundSince(began);
  expect(after.passed()).toBeGreaterThan(0.9 * bound);
  expect(after.passed()).toBeLessThanOrEqual(bound);
});

it('two versions of a config take turns on one bucket without more passing than by the larger', async () => {
  await start({ default: rule });
  const larger = { ...rule, requests: 300, burst_size: 150 };
  const other = await startInstance({ node: node.url, redis: redis.url, limits: { default: larger } });
  programs.push(other);
  await sleep(SETTLE_MS);
  const began = performance.now();
  const mixed = load([programs[0]!, other], [30, 30]);
  await sleep(5000);
  const passed = mixed.passed();
  expect(mixed.bad()).toEqual({});
  expect(passed).toBeLessThanOrEqual(450 + (300 * (performance.now() - began)) / 1000);
  expect(passed).toBeGreaterThan(0.85 * (RATE * 5));
});
