import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sharedBytes, sharedWordsOf } from './cells.ts';
import { RateBudget } from './rate-budget.ts';

function budget(): RateBudget {
  return new RateBudget(sharedWordsOf(new SharedArrayBuffer(sharedBytes(2)), 1));
}

describe('a budget', () => {
  it('lets through at most (t + 1) × rate calls in any t seconds, and that many when they are wanted', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 300 }),
        (rate, gaps) => {
          const one = budget();
          let nowMs = 50_000;
          const passed: number[] = [];
          for (const gap of gaps) {
            nowMs += gap;
            const waits = one.waitMs(nowMs, rate) > 1e-3;
            const went = one.take(nowMs, rate);
            if (went === waits) expect([went, one.waitMs(nowMs, rate)]).toBe('one of the two');
            if (went) passed.push(nowMs);
          }
          passed.forEach((fromMs, first) => {
            const inSpan = passed.length - first;
            expect(inSpan).toBeLessThanOrEqual(((nowMs - fromMs) / 1000 + 1) * rate + 1e-6 + 1);
          });
          // Never more waiting than the rate asks for: a call that waits as long as it is told to goes.
          expect(one.take(nowMs + one.waitMs(nowMs, rate) + 0.01, rate)).toBe(true);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('stops for as long as the node asked, then recovers from 0.7 of the rate by 5 % a second', () => {
    const one = budget();
    expect(one.take(1000, 100)).toBe(true);
    one.throttled(1000, 100, 0, 5000);
    // Those that were under way.
    one.throttled(1001, 100, 0, 5000);
    expect(one.take(5999, 100)).toBe(false);
    expect(one.waitMs(4000, 100)).toBe(2000);
    expect(one.take(6000, 100)).toBe(true);
    expect(one.rate(6000, 100)).toBeCloseTo(70);
    expect(one.rate(7000, 100)).toBeCloseTo(73.5);
    expect(one.rate(20_000, 100)).toBe(100);
  });

  it('doubles its own pause while it comes again, and learns a rate where none is configured', () => {
    const one = budget();
    const pauses: number[] = [];
    let nowMs = 1000;
    for (let k = 0; k < 7; k++) {
      one.throttled(nowMs, 0, 200);
      pauses.push(one.pausedMs(nowMs));
      nowMs += one.pausedMs(nowMs) + 1;
    }
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    const other = budget();
    other.throttled(1000, 0, 200);
    expect(other.rate(2000, 0)).toBeCloseTo(140);
    expect(other.rate(100_000, 0)).toBe(0);
    expect(other.free(0)).toBe(true);
    const quiet = budget();
    quiet.throttled(1000, 0, 0);
    expect(quiet.rate(2000, 0)).toBeCloseTo(7);
  });

  it('is not exceeded by workers that race', async () => {
    const memory = new SharedArrayBuffer(sharedBytes(2));
    const passed = new SharedArrayBuffer(4);
    const code = `
      import { parentPort, workerData } from 'node:worker_threads';
      import { sharedWordsOf } from ${JSON.stringify(new URL('./cells.ts', import.meta.url).href)};
      import { RateBudget } from ${JSON.stringify(new URL('./rate-budget.ts', import.meta.url).href)};
      const budget = new RateBudget(sharedWordsOf(workerData.memory, 1));
      const passed = new Int32Array(workerData.passed);
      // Two seconds of a clock that each worker goes through at its own pace, but never back.
      for (let ms = 1000; ms <= 3000; ms += 0.5) if (budget.take(ms, 1000)) Atomics.add(passed, 0, 1);
      parentPort.postMessage('done');
    `;
    const url = new URL(`data:text/javascript,${encodeURIComponent(code)}`);
    await Promise.all(
      [1, 2, 3, 4].map(
        () =>
          new Promise<void>((resolve, reject) => {
            const worker = new Worker(url, { workerData: { memory, passed } });
            worker.on('error', reject);
            worker.on('exit', () => resolve());
          }),
      ),
    );
    const count = new Int32Array(passed)[0]!;
    expect(count).toBeLessThanOrEqual(3000);
    expect(count).toBeGreaterThan(2000);
  });
});
