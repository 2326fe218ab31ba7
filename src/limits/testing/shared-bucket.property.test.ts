import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { BucketShape } from '../index.ts';
import { long } from './fixture.ts';
import { LeaseSchedule } from './lease-schedule.ts';
import { bucketShape } from '../buckets/token-bucket.ts';

const numRuns = long ? 20_000 : 600;

const shapes = fc.oneof(
  fc.constantFrom<BucketShape>(
    { maxUnits: 2 ** 52, refillUnits: 1, tokenUnits: 2 ** 48, tickMicros: 1000, burstUnits: 0 },
    { maxUnits: 7, refillUnits: 3, tokenUnits: 1, tickMicros: 10, burstUnits: 3 },
    { maxUnits: 20, refillUnits: 1, tokenUnits: 3, tickMicros: 1, burstUnits: 0 },
  ),
  fc
    .record({
      requests: fc.integer({ min: 1, max: 200 }),
      periodMs: fc.constantFrom(1, 1000, 60_000),
      burst: fc.integer({ min: 0, max: 20 }),
    })
    .map((rule) => bucketShape(rule)!),
);

const holder = fc.nat(2);
const count = fc.oneof(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 0, max: 300 }));
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      permille: fc.integer({ min: 0, max: 500 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('ask' as const),
      ...{
        holder,
        count,
        least: fc.oneof(fc.constant(0), count),
        ttlMs: fc.constantFrom(1, 20, 500, 5000),
        leave: fc.integer({ max: 5, min: 0 }).map((n) => n === 0),
      },
      fate: fc.constantFrom('heard', 'heard', 'heard', 'request lost', 'answer lost'),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('spend' as const), holder, count }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('take' as const), count }) },
  /** An ask of before arrives once more, or for the first time. */
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('late' as const), back: fc.nat(8) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), holder }) },
);

test('whatever is asked, lost, repeated, late and ended: no window passes the bound, and nothing is lost for good', () => {
  fc.assert(
    fc.property(shapes, fc.array(step, { minLength: 1, maxLength: 60 }), (shape, steps) => {
      const schedule = new LeaseSchedule(shape);
      const fullMicros = (shape.maxUnits / shape.refillUnits) * shape.tickMicros;
      for (const one of steps) {
        if (one.kind === 'wait')
          schedule.now += Math.floor((one.permille / 1000) * Math.min(fullMicros, 8_000_000));
        else if (one.kind === 'ask')
          schedule.ask(one.holder, one.count, one.least, one.ttlMs, one.leave, one.fate);
        else if (one.kind === 'spend') schedule.spend(one.holder, one.count);
        else if (one.kind === 'take') schedule.take(one.count);
        else if (one.kind === 'late') schedule.late(one.back);
        else schedule.restart(one.holder);
        schedule.expectWithin();
      }
      schedule.expectBound();
      schedule.expectNothingLost();
    }),
    { numRuns },
  );
});

test('a store that lost its data adds one capacity, and no more', () => {
  fc.assert(
    fc.property(shapes, fc.array(step, { minLength: 1, maxLength: 40 }), (shape, steps) => {
      const schedule = new LeaseSchedule(shape);
      const run = (): void => {
        for (const one of steps) {
          if (one.kind === 'ask') schedule.ask(one.holder, one.count, one.least, 5000, one.leave, 'heard');
          else if (one.kind === 'spend') schedule.spend(one.holder, one.count);
          else if (one.kind === 'take') schedule.take(one.count);
        }
      };
      run();
      schedule.model.buckets.clear();
      run();
      expect(schedule.unitsSpent()).toBeLessThanOrEqual(2 * shape.maxUnits);
    }),
    { numRuns: numRuns / 4 },
  );
});
