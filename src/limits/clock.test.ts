import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { createMonotonicClock } from './clock.ts';

test('counts whole microseconds of the monotonic clock, and never back', () => {
  const clock = createMonotonicClock();
  let last = 0;
  for (let i = 0; i < 10_000; i++) {
    const now = clock();
    expect(Number.isSafeInteger(now)).toBe(true);
    expect(now).toBeGreaterThanOrEqual(last);
    last = now;
  }
  const real = Number(process.hrtime.bigint() / 1000n);
  expect(Math.abs(clock() - real)).toBeLessThan(50_000);
});

test('is the same in another thread', async () => {
  const code = `const { parentPort, workerData } = require('node:worker_threads');
    import(workerData).then(({ createMonotonicClock }) => parentPort.postMessage(createMonotonicClock()()));`;
  const clock = createMonotonicClock();
  const before = clock();
  const worker = new Worker(code, { eval: true, workerData: new URL('./clock.ts', import.meta.url).href });
  const theirs = await new Promise<number>((resolve) => worker.once('message', resolve));
  expect(theirs).toBeGreaterThan(before);
  expect(theirs).toBeLessThanOrEqual(clock() + 100);
});
