import { afterEach, expect, test } from 'vitest';
import { createWorkerPool, type WorkerPool, type WorkerPoolOptions } from './worker-pool.ts';
import type { WorkerDeath, WorkerMessage } from './worker-slot.ts';

const stub = new URL('./testing/stub-worker.ts', import.meta.url);
let pool: WorkerPool | undefined;
afterEach(() => pool?.stop());

function build(
  workers: number,
  data: object = {},
  overrides: Partial<WorkerPoolOptions<WorkerMessage>> = {},
) {
  const slabs = Array.from({ length: workers }, () => new SharedArrayBuffer(64));
  const deaths: WorkerDeath[] = [];
  const texts: string[] = [];
  const created = createWorkerPool({
    workerUrl: stub,
    workers,
    resourceLimits: { maxOldGenerationSizeMb: 32 },
    env: {},
    workerData: (slot) => ({ slot, slab: slabs[slot], ...data }),
    beat: (slot) => new Float64Array(slabs[slot] as SharedArrayBuffer)[0] ?? 0,
    now: () => performance.now(),
    onUp: () => {},
    onMessage: () => {},
    onDeath: (death) => void deaths.push(death),
    onText: (_, text) => void texts.push(text),
    timing: {
      lookIntervalMs: 50,
      looksMax: 4,
      backoff: { healthyMs: 10_000, firstDelayMs: 50, maxDelayMs: 200 },
    },
    ...overrides,
  });
  pool = created;
  return { pool: created, deaths, texts, slabs };
}

async function until(what: () => boolean, withinMs = 8000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!what()) {
    if (performance.now() > end) throw new Error('did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test.each([
  ['throw', 4, /threw: a fault in the stub/],
  ['exit', 4, /exited with code 3/],
  ['loop', 4, /stopped ticking/],
  ['hog', 100, /ran out of memory/],
])('a worker that does %s is replaced, the other does not notice', async (vice, looksMax, reason) => {
  const { pool, deaths } = build(2, {}, { timing: { lookIntervalMs: 50, looksMax } });
  await pool.start();
  pool.broadcast({ type: vice, only: 1 });
  await until(() => deaths.length === 1 && pool.up().length === 2);
  expect(deaths[0]).toMatchObject({
    slot: 1,
    reason: expect.stringMatching(reason) as string,
    restartInMs: 0,
  });
  expect(pool.states()).toEqual([
    { state: 'up', restarts: 0 },
    { state: 'up', restarts: 1 },
  ]);
});

test('a slab goes on counting through a replacement', async () => {
  const { pool, slabs, deaths } = build(1);
  await pool.start();
  const counters = new Float64Array(slabs[0] as SharedArrayBuffer);
  counters[5] = 42;
  pool.broadcast({ type: 'exit' });
  await until(() => deaths.length === 1 && pool.up().length === 1);
  expect(counters[5]).toBe(42);
});

test('a crash loop slows down', async () => {
  const { pool, deaths } = build(1);
  await pool.start();
  for (let round = 1; round <= 4; round += 1) {
    pool.broadcast({ type: 'throw' });
    await until(() => deaths.length === round && pool.up().length === 1);
  }
  expect(deaths.map((death) => death.restartInMs)).toEqual([0, 50, 100, 200]);
});

test('a start fails with the worker’s own error, and ends them all', async () => {
  const { pool } = build(2, { throwAtStart: true });
  await expect(pool.start()).rejects.toThrow(/slot \d cannot start/);
  expect(pool.states().map(({ state }) => state)).toEqual(['ended', 'ended']);
});

test('a worker that hangs at start is given up', async () => {
  const { pool } = build(1, { hangAtStart: true }, { timing: { startTimeoutMs: 300 } });
  await expect(pool.start()).rejects.toThrow('worker 0 could not be started: it was not ready in time');
});

test('drained workers end and are not replaced; one that hangs is cut at the deadline', async () => {
  const { pool, deaths } = build(2);
  await pool.start();
  pool.broadcast({ type: 'loop', only: 0 });
  const started = performance.now();
  expect(await pool.drain({ type: 'drain' }, 300)).toEqual({ cut: 1 });
  expect(performance.now() - started).toBeLessThan(2000);
  expect(pool.states().map(({ state }) => state)).toEqual(['ended', 'ended']);
  expect(deaths).toEqual([]);
});

test('what a worker writes comes to the log, not to standard output', async () => {
  const { pool, texts } = build(1);
  await pool.start();
  pool.broadcast({ type: 'write' });
  await until(() => texts.length > 0);
  expect(texts.join('')).toBe('written by a worker\n');
});

test('threads that were prepared hear nothing until they start, and then begin with what is so by then', async () => {
  let generation = 1;
  const told: unknown[] = [];
  const { pool, deaths } = build(
    2,
    {},
    {
      workerData: (slot) => ({ slot, slab: new SharedArrayBuffer(64), snapshot: { generation } }),
      onMessage: (_, message) => void told.push(message),
    },
  );
  pool.prepare();
  pool.broadcast({ type: 'throw' });
  generation = 2;
  await pool.start();
  expect(told).toEqual([
    { type: 'ready', port: 1, generation: 2 },
    { type: 'ready', port: 1, generation: 2 },
  ]);
  expect(pool.states()).toEqual([
    { state: 'up', restarts: 0 },
    { state: 'up', restarts: 0 },
  ]);
  expect(deaths).toEqual([]);
});

test('a prepared thread that dies is opened anew by the start, whose error says why', async () => {
  const { pool, deaths } = build(
    1,
    { throwAtStart: true },
    { workerUrl: new URL('data:text/javascript,exit') },
  );
  pool.prepare();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(deaths).toEqual([]);
  await expect(pool.start()).rejects.toThrow('exit is not defined');
});

test('a pool that is stopped before its start ends what it prepared', async () => {
  const { pool } = build(2);
  pool.prepare();
  await pool.stop();
  expect(pool.states().map(({ state }) => state)).toEqual(['ended', 'ended']);
});
