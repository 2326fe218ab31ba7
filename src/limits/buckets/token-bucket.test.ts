import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bucketShape,
  fullRefillSeconds,
  mulDivFloor,
  refilled,
  refillSeconds,
  ticksUntil,
} from './token-bucket.ts';

const rules = fc.record({
  requests: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 1e9 })),
  periodMs: fc.oneof(
    fc.constantFrom(1000, 60_000, 3_600_000, 86_400_000, 31 * 86_400_000),
    fc.integer({ min: 1, max: 366 * 86_400_000 }),
  ),
  burst: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 1e9 })),
});

describe('bucketShape', () => {
  test('holds rate, capacity and burst exactly, in numbers a double holds', () => {
    fc.assert(
      fc.property(rules, (rule) => {
        const shape = bucketShape(rule);
        if (shape === undefined) return;
        const { maxUnits, refillUnits, tokenUnits, tickMicros, burstUnits } = shape;
        expect(maxUnits).toBeLessThanOrEqual(2 ** 52);
        for (const value of Object.values(shape)) expect(Number.isSafeInteger(value)).toBe(true);
        expect(BigInt(maxUnits)).toBe(BigInt(tokenUnits) * BigInt(rule.requests + rule.burst));
        expect(BigInt(burstUnits)).toBe(BigInt(tokenUnits) * BigInt(rule.burst));
        // refillUnits / tokenUnits a tick = requests / period.
        expect(BigInt(refillUnits) * BigInt(rule.periodMs) * 1000n).toBe(
          BigInt(rule.requests) * BigInt(tokenUnits) * BigInt(tickMicros),
        );
      }),
      { numRuns: 2000 },
    );
  });

  test('ordinary rules tick in microseconds', () => {
    expect(bucketShape({ requests: 100, periodMs: 1000, burst: 50 })).toEqual({
      maxUnits: 1_500_000,
      refillUnits: 1,
      tokenUnits: 10_000,
      tickMicros: 1,
      burstUnits: 500_000,
    });
    expect(bucketShape({ requests: 1_000_000, periodMs: 31 * 86_400_000, burst: 1000 })?.tickMicros).toBe(1);
  });

  test('a large rate that shares no factor with a long period ticks coarser', () => {
    expect(bucketShape({ requests: 999_983, periodMs: 31 * 86_400_000, burst: 0 })?.tickMicros).toBe(1000);
  });

  test.each([
    { requests: 0, periodMs: 1000, burst: 0 },
    { requests: 1.5, periodMs: 1000, burst: 0 },
    { requests: 1, periodMs: 0, burst: 0 },
    { requests: 1, periodMs: 1000, burst: -1 },
    { requests: 1, periodMs: 400 * 86_400_000, burst: 0 },
    { requests: Number.NaN, periodMs: 1000, burst: 0 },
    { requests: 999_999_937, periodMs: 366 * 86_400_000 - 1, burst: 0 },
  ])('does not hold %j', (rule) => {
    expect(bucketShape(rule)).toBeUndefined();
  });
});

const units = fc.integer({ min: 1, max: 2 ** 52 });

test('mulDivFloor is the floor of the exact quotient', () => {
  fc.assert(
    fc.property(units, fc.nat(2 ** 52), units, (m, a, b) => {
      fc.pre(a <= m);
      expect(BigInt(mulDivFloor(a, b, m))).toBe((BigInt(a) * BigInt(b)) / BigInt(m));
    }),
    { numRuns: 3000 },
  );
  expect(mulDivFloor(2 ** 52 - 1, 2 ** 52 - 1, 2 ** 52)).toBe(2 ** 52 - 2);
});

test('refilled is exact for any elapsed time', () => {
  fc.assert(
    fc.property(
      units,
      fc.nat(2 ** 52),
      fc.nat(1e9),
      fc.maxSafeNat(),
      fc.maxSafeNat(),
      (max, level, refill, last, tick) => {
        fc.pre(level <= max);
        const elapsed = tick > last ? BigInt(tick) - BigInt(last) : 0n;
        const exact = BigInt(level) + elapsed * BigInt(refill);
        const expected = exact < BigInt(max) ? exact : BigInt(max);
        expect(BigInt(refilled(level, last, tick, refill, max))).toBe(expected);
      },
    ),
    { numRuns: 3000 },
  );
});

test('ticksUntil is the first tick with enough', () => {
  fc.assert(
    fc.property(
      units,
      units,
      fc.integer({ min: 1, max: 1e9 }),
      fc.nat(2 ** 52),
      (max, need, refill, level) => {
        fc.pre(level < need && need <= max);
        const exact = (BigInt(need) - BigInt(level) + BigInt(refill) - 1n) / BigInt(refill);
        expect(BigInt(ticksUntil(need, level, refill, max))).toBe(exact);
      },
    ),
    { numRuns: 3000 },
  );
  expect(ticksUntil(11, 0, 1, 10)).toBe(Number.POSITIVE_INFINITY);
});

test('seconds for the headers are rounded up', () => {
  const rule = { requests: 100, periodMs: 1000, burst: 50 };
  expect(fullRefillSeconds(rule)).toBe(2);
  expect(refillSeconds(rule, 150)).toBe(0);
  expect(refillSeconds(rule, 149.5)).toBe(1);
});
