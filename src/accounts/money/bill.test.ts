import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BilledUsage, billMonth } from './bill.ts';
import { chargeFor, divideHalfUp, type PlanTerms } from './charge.ts';
import { shareByLargestRemainder } from './share.ts';

const runs = process.env.POLYMORPH_TEST_LONG === '1' ? 20_000 : 500;

const big = (max: bigint) => fc.oneof(fc.bigInt({ min: 0n, max: 20n }), fc.bigInt({ min: 0n, max }));
const terms: fc.Arbitrary<PlanTerms> = fc.record({
  currency: fc.constantFrom('USD', 'JPY'),
  monthlyFee: big(10n ** 9n),
  includedUnits: big(10n ** 12n),
  price: big(10n ** 6n),
  pricePer: big(10n ** 7n).map((per) => per + 1n),
});
const piece: fc.Arbitrary<BilledUsage> = fc.record({
  network: fc.constantFrom('', 'mainnet', 'sepolia'),
  method: fc.constantFrom('eth_call', 'eth_getLogs', 'eth_blockNumber', '__proto__', 'a","b'),
  calls: big(10n ** 9n),
  units: big(10n ** 13n),
});
const month = fc.array(piece, { maxLength: 30 });
const sum = (values: readonly bigint[]) => values.reduce((known, value) => known + value, 0n);

describe('a month', () => {
  test('its lines add up to its total, in money, units and calls', () => {
    fc.assert(
      fc.property(terms, month, fc.integer({ min: 1, max: 6 }), (plan, usage, linesMax) => {
        const { lines, charge, units, calls } = billMonth(plan, usage, linesMax);
        expect(sum(lines.map((line) => line.amount))).toBe(charge.usage);
        expect(charge.total).toBe(charge.fee + charge.usage);
        expect(sum(lines.map((line) => line.units))).toBe(units);
        expect([units, calls]).toEqual([
          sum(usage.map((one) => one.units)),
          sum(usage.map((one) => one.calls)),
        ]);
        expect(lines.length).toBeLessThanOrEqual(linesMax);
        expect(lines.every(({ amount, units: used }) => amount >= 0n && (used > 0n || amount === 0n))).toBe(
          true,
        );
      }),
      { numRuns: runs },
    );
  });

  test('split anywhere, in any order, it costs the same, line by line', () => {
    const cut = fc.record({ calls: fc.nat(100), units: fc.nat(100) });
    fc.assert(
      fc.property(terms, month, fc.array(cut, { maxLength: 30 }), fc.boolean(), (plan, usage, cuts, turn) => {
        const pieces = usage.flatMap((one, index) => {
          const at = cuts[index];
          if (at === undefined) return [one];
          const calls = (one.calls * BigInt(at.calls)) / 100n;
          const units = (one.units * BigInt(at.units)) / 100n;
          return [
            { ...one, calls, units },
            { ...one, calls: one.calls - calls, units: one.units - units },
          ];
        });
        if (turn) pieces.reverse();
        expect(billMonth(plan, pieces, 4)).toEqual(billMonth(plan, usage, 4));
      }),
      { numRuns: runs },
    );
  });

  test('more usage never costs less', () => {
    fc.assert(
      fc.property(terms, month, piece, (plan, usage, more) => {
        const before = billMonth(plan, usage, 4).charge.total;
        expect(billMonth(plan, [...usage, more], 4).charge.total >= before).toBe(true);
      }),
      { numRuns: runs },
    );
  });

  test('usage of whole multiples is charged exactly, and beyond what numbers hold', () => {
    const plan = { currency: 'USD', monthlyFee: 0n, includedUnits: 0n, price: 3n, pricePer: 7n };
    expect(chargeFor(plan, 7n * 10n ** 30n).usage).toBe(3n * 10n ** 30n);
  });

  test('by hand: 49.00 with 10,000,000 units, then 0.50 per 1,000,000', () => {
    const plan = {
      ...{ currency: 'USD', monthlyFee: 4900n, includedUnits: 10_000_000n },
      ...{ price: 50n, pricePer: 1_000_000n },
    };
    expect(chargeFor(plan, 10_000_000n)).toMatchObject({ overageUnits: 0n, total: 4900n });
    expect(chargeFor(plan, 12_345_678n)).toMatchObject({
      overageUnits: 2_345_678n,
      usage: 117n,
      total: 5017n,
    });
    // 10,000 units beyond are half a cent.
    expect(chargeFor(plan, 10_009_999n).usage).toBe(0n);
    expect(chargeFor(plan, 10_010_000n).usage).toBe(1n);
    expect(() => chargeFor(plan, -1n)).toThrow(RangeError);
  });

  test('what goes beyond the lines that are kept is put together', () => {
    const plan = { currency: 'USD', monthlyFee: 0n, includedUnits: 0n, price: 1n, pricePer: 1n };
    const usage = [5n, 1n, 9n, 2n].map((units) => ({ network: 'n', method: `m${units}`, calls: 1n, units }));
    expect(billMonth(plan, usage, 3).lines).toEqual([
      { network: 'n', method: 'm9', calls: 1n, units: 9n, amount: 9n },
      { network: 'n', method: 'm5', calls: 1n, units: 5n, amount: 5n },
      { network: '', method: '', calls: 2n, units: 3n, amount: 3n },
    ]);
  });
});

describe('shares', () => {
  test('are within one of exact, and have the sum', () => {
    fc.assert(
      fc.property(big(10n ** 12n), fc.array(big(10n ** 12n), { minLength: 1 }), (total, weights) => {
        const whole = sum(weights);
        fc.pre(whole > 0n);
        const parts = shareByLargestRemainder(total, weights);
        expect(sum(parts)).toBe(total);
        for (const [index, part] of parts.entries()) {
          const off = part * whole - total * (weights[index] ?? 0n);
          expect(off < whole && off > -whole).toBe(true);
        }
      }),
      { numRuns: runs },
    );
  });

  test('equal remainders go by order; nothing is shared by nothing', () => {
    expect(shareByLargestRemainder(2n, [1n, 1n, 1n])).toEqual([1n, 1n, 0n]);
    expect(shareByLargestRemainder(0n, [0n, 0n])).toEqual([0n, 0n]);
    expect(() => shareByLargestRemainder(1n, [0n])).toThrow(RangeError);
  });
});

test.each([
  [0n, 7n, 0n],
  [1n, 2n, 1n],
  [3n, 2n, 2n],
  [4n, 3n, 1n],
  [5n, 3n, 2n],
])('%s / %s rounds half up to %s', (dividend, divisor, quotient) => {
  expect(divideHalfUp(dividend, divisor)).toBe(quotient);
});
