import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bucketShape } from '../../limits/index.ts';
import { createRefusedBuckets } from './refused-buckets.ts';

const shape = bucketShape({ requests: 10, periodMs: 1000, burst: 0 })!;
const { tokenUnits } = shape;

test('a bucket that refused lacks until it has been refilled, for dearer calls longer', () => {
  const refused = createRefusedBuckets();
  refused.add('b', { units: tokenUnits / 2, version: 1, askedAt: 1_000_000 });
  expect(refused.lacking('b', 1, shape, 1, 1_000_000)).toEqual({ before: 0.5, retryAfterMs: 50 });
  expect(refused.lacking('b', 1, shape, 1, 1_030_000)).toEqual({ before: 0.8, retryAfterMs: 20 });
  expect(refused.lacking('b', 1, shape, 1, 1_050_000)).toBeNull();
  expect(refused.lacking('b', 1, shape, 2, 1_050_000)).toEqual({ before: 1, retryAfterMs: 100 });
  expect(refused.lacking('b', 1, shape, 11, 1_050_000)?.retryAfterMs).toBe(Number.POSITIVE_INFINITY);
});

test('nothing is known of a cheaper call that may pass, of another bucket, of a changed rule, and after 10 s', () => {
  const refused = createRefusedBuckets();
  refused.add('b', { units: tokenUnits, version: 1, askedAt: 0 });
  expect(refused.lacking('b', 1, shape, 1, 0)).toBeNull();
  expect(refused.lacking('c', 1, shape, 2, 0)).toBeNull();
  expect(refused.lacking('b', 2, shape, 2, 0)).toBeNull();
  expect(refused.lacking('b', 1, shape, 11, 10_000_001)).toBeNull();
});

test('the oldest is forgotten where there are too many', () => {
  const refused = createRefusedBuckets(2);
  for (const name of ['a', 'b', 'a', 'c']) refused.add(name, { units: 0, version: 1, askedAt: 0 });
  const known = ['a', 'b', 'c'].filter((name) => refused.lacking(name, 1, shape, 1, 0) !== null);
  expect(known).toEqual(['a', 'c']);
});

test('never refuses what a bucket that nobody else takes from would let pass', () => {
  const rules = fc.record({
    requests: fc.integer({ min: 1, max: 1000 }),
    periodMs: fc.constantFrom(1000, 60_000, 86_400_000, 31 * 86_400_000),
    burst: fc.integer({ min: 0, max: 100 }),
  });
  fc.assert(
    fc.property(
      rules,
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.nat(20),
      fc.nat(9_000_000),
      (rule, part, cost, since) => {
        const of = bucketShape(rule)!;
        const units = Math.floor(part * of.maxUnits);
        const refused = createRefusedBuckets();
        const askedAt = 123_456_789;
        refused.add('b', { units, version: 1, askedAt });
        const found = refused.lacking('b', 1, of, cost, askedAt + since);
        // Where its clock stands in the latest place of a tick.
        const ticks = Math.floor((since + of.tickMicros - 1) / of.tickMicros);
        const level = Math.min(of.maxUnits, units + ticks * of.refillUnits);
        if (found !== null) expect(level).toBeLessThan(cost * of.tokenUnits);
      },
    ),
  );
});
