import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expect, test, vi } from 'vitest';
import { createBuckets } from './buckets.ts';
import { Chain } from '../chain.ts';
import { createShardLocks, LimitsBusyError } from '../shard-locks.ts';
import { createFixture, long } from '../testing/fixture.ts';
import { startRace, startTaker } from '../testing/race.ts';

vi.setConfig({ testTimeout: long ? 300_000 : 30_000 });

const hours = 366 * 24 * 3_600_000;

test('a thread that was ended with a lock held keeps nobody out once main has heard of it', async () => {
  const { memory, versions } = createFixture();
  const version = versions.versionOf('one', { requests: 500, periodMs: hours, burst: 0 });
  const link: [number, number, number, number, number] = [1, 2, 3, 4, version];
  const main = createBuckets(memory, 0);
  const holder = new Worker(
    `const { workerData, parentPort } = require('node:worker_threads');
     const { memory, locks } = workerData;
     import(locks).then(({ createShardLocks }) => {
       createShardLocks(memory, 1).acquire(-1, -1);
       parentPort.postMessage('held');
       for (;;);
     });`,
    { eval: true, workerData: { memory, locks: new URL('../shard-locks.ts', import.meta.url).href } },
  );
  await new Promise((resolve) => holder.once('message', resolve));
  const shared = new SharedArrayBuffer(12);
  const counts = new Int32Array(shared);
  counts[1] = 1;
  const waiter = startTaker({ memory, owner: 2, takes: 100, chains: [[link]], quota: null, shared });
  const waited = new Promise((resolve) => waiter.once('exit', resolve));
  while (Atomics.load(counts, 0) === 0) await sleep(5);
  await sleep(50);
  expect(counts[2]).toBe(0);

  await holder.terminate();
  const chain = new Chain();
  chain.reset(1);
  chain.add(...link);
  // Main gives up instead of waiting for an event that it could not hear.
  expect(() => main.take(chain, 0)).toThrow(LimitsBusyError);
  main.releaseDead(1);
  await waited;
  expect(counts[2]).toBe(100);
  main.take(chain, 1_000_000);
  expect(chain.before[0]).toBe(400);
});

test('a lock is taken from no thread but the dead one', () => {
  const { memory } = createFixture();
  const one = createShardLocks(memory, 1);
  const main = createShardLocks(memory, 0);
  one.acquire(0b10, 0);
  main.releaseDead(2);
  expect(() => main.acquire(0b11, 0)).toThrow(LimitsBusyError);
  // What main had of the two is free again.
  createShardLocks(memory, 3).acquire(0b01, 0);
  main.releaseDead(1);
  main.acquire(0b10, 0);
});

test('threads ended at any moment mint no token, lose at most the take they were in, and leave the table whole', async () => {
  const rounds = long ? 300 : 25;
  for (let round = 0; round < rounds; round++) {
    const { memory, versions, buckets, chain } = createFixture();
    const first = versions.versionOf('first', { requests: 1e9, periodMs: hours, burst: 0 });
    const second = versions.versionOf('second', { requests: 1e9, periodMs: hours, burst: 0 });
    const chains: [number, number, number, number, number][][] = [
      [
        [1, 0x1000_0000, 3, 4, first],
        [2, 0x7000_0000, 3, 4, second],
      ],
    ];
    const race = await startRace(2, { memory, takes: -1, chains, quota: { slot: 5, period: 2, limit: 1e9 } });
    race.done.catch(() => undefined);
    await sleep(round % 10);
    const [dying, living] = race.workers;
    await dying!.terminate();
    buckets.releaseDead(1);
    const then = race.passed()[0]!;
    await sleep(2);
    for (let waits = 0; race.passed()[0]! <= then && waits < 500; waits++) await sleep(5);
    expect(race.passed()[0]).toBeGreaterThan(then);
    await living!.terminate();
    buckets.releaseDead(2);

    chain.reset(0);
    for (const link of chains[0]!) chain.add(...link);
    buckets.peek(chain, 1_000_000);
    const passed = race.passed()[0]!;
    for (const link of [0, 1]) {
      const taken = 1e9 - chain.before[link]!;
      // Each of the two may have died between its take and counting it, or in the middle of the take.
      expect(taken).toBeGreaterThanOrEqual(passed);
      expect(taken).toBeLessThanOrEqual(passed + 2);
    }
    expect(buckets.readQuota(5, 2)).toBeGreaterThanOrEqual(passed);
    expect(buckets.readQuota(5, 2)).toBeLessThanOrEqual(passed + 2);
  }
});
