import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Doubts } from './doubts.ts';

test('the last reorg from a block or below it counts, and of very many none is forgotten', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 200 }),
      fc.array(fc.oneof(fc.integer({ min: -1, max: 310 }), fc.constant(Number.POSITIVE_INFINITY))),
      (froms, heights) => {
        const doubts = new Doubts();
        froms.forEach((from, at) => doubts.add(from, at));
        for (const height of heights) {
          const last = froms.findLastIndex((from) => from <= height);
          const until = doubts.until(height);
          if (froms.length <= 64) expect(until).toBe(last < 0 ? Number.NEGATIVE_INFINITY : last);
          else expect(until).toBeGreaterThanOrEqual(last < 0 ? Number.NEGATIVE_INFINITY : last);
        }
      },
    ),
  );
  const rising = new Doubts();
  for (let from = 1; from <= 100; from++) rising.add(from, from);
  expect([rising.until(0), rising.until(1), rising.until(37), rising.until(38), rising.until(500)]).toEqual([
    Number.NEGATIVE_INFINITY,
    37,
    37,
    38,
    100,
  ]);
});
