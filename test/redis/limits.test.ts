import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import type { Program } from '../program.ts';
import {
  type SharedLoad,
  startInstance,
  startInstances,
  startSharedLoad,
  stopInstances,
} from './instances.ts';
import { type RedisServer, startRedis } from './server.ts';

const long = process.env['POLYMORPH_TEST_LONG'] === '1';
const rule = { requests: 200, period: '1s', burst_size: 100 };
const CAPACITY = 300;
const RATE = 200;
/** Twice the limit: some 360 calls a second to the first, 20 to each of the others. */
const UNEVEN = [36, 2, 2];
const PAUSE_MS = 100;
/** An instance is told of the others each second. */
const SETTLE_MS = 1500;
/** The product's own bound is 100 ms; this machine may be crowded. */
const SLOWEST_MS = 400;

let node: FakeUpstream;
let redis: RedisServer;
let programs: Program[] = [];
let load: SharedLoad | undefined;

beforeAll(async () => {
  node = await startFakeUpstream();
});
beforeEach(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  await load?.stop();
  load = undefined;
  await stopInstances(programs);
  programs = [];
  redis.thaw();
  await redis.kill();
});
afterAll(() => node.close());

async function start(consistency: 'leased' | 'exact'): Promise<void> {
  programs = await startInstances({
    ...{ node: node.url, redis: redis.url },
    limits: { default: { ...rule, consistency } },
  });
  await sleep(SETTLE_MS);
}

/** Calls that a bucket of the rule lets pass from its first call to now. */
const boundSince = (beganMs: number) => CAPACITY + (RATE * (performance.now() - beganMs)) / 1000;

describe.each([
  ['leased', 0.97],
  ['exact', 0.98],
] as const)('%s limits of three instances', (consistency, least) => {
  it('are those of one: never passed, and used up under an uneven load of twice as much', async () => {
    await start(consistency);
    const began = performance.now();
    load = startSharedLoad(programs, UNEVEN, PAUSE_MS);
    await sleep(long ? 60_000 : 8000);
    const passed = load.passed();
    const bound = boundSince(began);
    console.log(
      `${consistency}: ${passed} of ${bound.toFixed(0)} passed, slowest call ${load.slowestMs().toFixed(0)} ms`,
    );
    expect(load.bad()).toEqual({});
    expect(passed).toBeLessThanOrEqual(bound);
    expect(passed).toBeGreaterThanOrEqual(least * bound);
    expect(load.slowestMs()).toBeLessThan(SLOWEST_MS);
  });

  /** What may pass beyond the bound: for each loss of data a capacity, for an outage one more and what it refills. */
  const faults: [name: string, fault: (ms: number) => Promise<void>, allowance: (ms: number) => number][] = [
    [
      'killed',
      async (ms) => {
        await redis.kill();
        await sleep(ms);
        await redis.start();
      },
      (ms) => 2 * CAPACITY + (RATE * ms) / 1000,
    ],
    [
      'stopped as by SIGSTOP',
      async (ms) => {
        redis.freeze();
        await sleep(ms);
        redis.thaw();
      },
      (ms) => CAPACITY + (RATE * ms) / 1000,
    ],
    ['flushed', async () => void (await redis.call('FLUSHALL')), () => CAPACITY],
    [
      'read-only',
      async (ms) => {
        await redis.call('CONFIG', 'SET', 'min-replicas-to-write', 1);
        await sleep(ms);
        await redis.call('CONFIG', 'SET', 'min-replicas-to-write', 0);
      },
      (ms) => CAPACITY + (RATE * ms) / 1000,
    ],
  ];

  it.each(faults)(
    'hold, and nobody sees more than a refusal, while Redis is %s',
    async (_name, fault, allowance) => {
      await start(consistency);
      const began = performance.now();
      load = startSharedLoad(programs, UNEVEN, PAUSE_MS);
      await sleep(1500);
      const faultBegan = performance.now();
      await fault(2000);
      const faultMs = performance.now() - faultBegan;
      // Within that it must be back to normal.
      await sleep(5000);
      const [recovered, at] = [load.passed(), performance.now()];
      await sleep(2000);
      const [passed, end] = [load.passed(), performance.now()];
      // The breakers need a moment to notice the end of an outage.
      const bound = boundSince(began) + allowance(faultMs + 2000);
      console.log(
        `${consistency}: ${passed} of ${bound.toFixed(0)}, slowest ${load.slowestMs().toFixed(0)} ms`,
      );
      expect(load.bad()).toEqual({});
      expect(passed).toBeLessThanOrEqual(bound);
      expect(load.slowestMs()).toBeLessThan(SLOWEST_MS);
      const rate = ((passed - recovered) * 1000) / (end - at);
      expect(rate).toBeGreaterThan(0.9 * RATE);
      expect(rate).toBeLessThan(1.15 * RATE);
    },
  );
});

it('an instance killed with leases in hand takes nothing along for good', async () => {
  await start('leased');
  load = startSharedLoad(programs, [10, 10, 0], PAUSE_MS);
  await sleep(1500);
  await programs[0]!.kill();
  await load.stop();
  // Its leases end after ten seconds, and the bucket refills.
  await sleep(12_000);
  const [, second] = programs;
  load = startSharedLoad([second!], [40], 5);
  const began = performance.now();
  await sleep(1000);
  const bound = boundSince(began);
  expect(load.passed()).toBeGreaterThan(0.9 * bound);
  expect(load.passed()).toBeLessThanOrEqual(bound);
});

it('two versions of a config take turns on one bucket without more passing than by the larger', async () => {
  await start('leased');
  const larger = { ...rule, requests: 300, burst_size: 150 };
  const other = await startInstance({ node: node.url, redis: redis.url, limits: { default: larger } });
  programs.push(other);
  await sleep(SETTLE_MS);
  const began = performance.now();
  load = startSharedLoad([programs[0]!, other], [30, 30], PAUSE_MS);
  await sleep(5000);
  const passed = load.passed();
  expect(load.bad()).toEqual({});
  expect(passed).toBeLessThanOrEqual(450 + (300 * (performance.now() - began)) / 1000);
  expect(passed).toBeGreaterThan(0.85 * (RATE * 5));
});
