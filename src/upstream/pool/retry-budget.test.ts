import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs } from './backoff.ts';
import { RetryBudget } from './retry-budget.ts';

describe('a retry budget', () => {
  it('lets a quiet worker retry its first failures', () => {
    const budget = new RetryBudget();
    budget.called(1000);
    expect(Array.from({ length: 12 }, () => budget.take(1000, 0.1)).filter(Boolean)).toHaveLength(10);
  });

  it('never allows more than its share of the calls and the floor, in any ten seconds', () => {
    const step = fc.record({
      calls: fc.nat({ max: 200 }),
      takes: fc.nat({ max: 60 }),
      afterMs: fc.nat({ max: 3000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        const budget = new RetryBudget();
        let nowMs = 1_000_000;
        const log: { atMs: number; calls: number; taken: number }[] = [];
        for (const { calls, takes, afterMs } of steps) {
          nowMs += afterMs;
          for (let k = 0; k < calls; k++) budget.called(nowMs);
          let taken = 0;
          for (let k = 0; k < takes; k++) if (budget.take(nowMs, 0.1)) taken++;
          log.push({ atMs: nowMs, calls, taken });
        }
        const sum = (of: 'calls' | 'taken', fromMs: number, toMs: number): number =>
          log
            .filter(({ atMs }) => atMs > fromMs && atMs <= toMs)
            .reduce((total, each) => total + each[of], 0);
        for (const { atMs } of log) {
          expect(sum('taken', atMs - 5000, atMs)).toBeLessThanOrEqual(
            2 * 10 + 0.1 * sum('calls', atMs - 15_000, atMs),
          );
        }
      }),
      { numRuns: 300 },
    );
  });
});

it('backs off at random below a bound that doubles', () => {
  const policy = { attempts: 3, backoffMs: 50, backoffMaxMs: 300, budget: 0.1 };
  expect([1, 2, 3, 4, 5].map((n) => backoffMs(n, policy, () => 1))).toEqual([50, 100, 200, 300, 300]);
  expect(backoffMs(3, policy, () => 0)).toBe(0);
});
