import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startRedis } from '../../../test/redis/server.ts';
import type { RedisServer } from '../../../test/redis/server.ts';
import { bucketShape } from '../../limits/index.ts';
import type { BucketShape, LeaseAsk } from '../../limits/index.ts';
import { long } from '../../limits/testing/fixture.ts';
import { SharedModel } from '../../limits/testing/shared-model.ts';
import { createTimedScripts } from '../testing/timed-scripts.ts';
import type { TimedTake } from '../testing/timed-scripts.ts';

vi.setConfig({ testTimeout: long ? 600_000 : 60_000 });

let server: RedisServer;
let redis: Redis;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});
afterAll(async () => {
  redis?.disconnect();
  await server?.[Symbol.asyncDispose]();
});

/** The edges of whole numbers: nothing between them is harder. */
const edges: BucketShape[] = [
  { maxUnits: 2 ** 52, refillUnits: 1, tokenUnits: 1, tickMicros: 1000, burstUnits: 2 ** 51 },
  { maxUnits: 2 ** 52, refillUnits: 2 ** 31 - 1, tokenUnits: 2 ** 50, tickMicros: 1, burstUnits: 0 },
  { maxUnits: 2 ** 52 - 1, refillUnits: 999_999_937, tokenUnits: 3, tickMicros: 1_000_000, burstUnits: 1 },
  { maxUnits: 1, refillUnits: 1, tokenUnits: 1, tickMicros: 1, burstUnits: 0 },
  { maxUnits: 7, refillUnits: 3, tokenUnits: 1, tickMicros: 10, burstUnits: 3 },
  { maxUnits: 7, refillUnits: 1, tokenUnits: 3, tickMicros: 1000, burstUnits: 6 },
];

const ruled = fc
  .record({
    requests: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constantFrom(999_983, 104_729, 1e9)),
    periodMs: fc.constantFrom(1, 7, 1000, 60_000, 86_400_000, 31 * 86_400_000),
    burst: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constant(1_000_000)),
  })
  .map((rule) => bucketShape(rule))
  .filter((shape) => shape !== undefined);

const shapes = fc.array(fc.oneof(fc.constantFrom(...edges), ruled), { minLength: 2, maxLength: 3 });

const tokens = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 6 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 2_000_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 2 ** 52 }) },
);

const link = fc.record({
  bucket: fc.nat(2),
  shape: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(2) }),
});

const step = fc.record({
  by: fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    { weight: 8, arbitrary: fc.integer({ min: 1, max: 2_000_000 }) },
    { weight: 2, arbitrary: fc.integer({ min: -3_000_000, max: -1 }) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 2 ** 44 }) },
  ),
  /** To the end of something that is out, and so many microseconds past it. */
  toEnd: fc.option(fc.integer({ min: -1, max: 1 }), { nil: undefined, freq: 5 }),
  work: fc.oneof(
    fc.record({
      kind: fc.constant('take' as const),
      takes: fc.array(
        fc.record({
          cost: tokens,
          links: fc.uniqueArray(link, { minLength: 1, maxLength: 3, selector: (one) => one.bucket }),
        }),
        { minLength: 1, maxLength: 3 },
      ),
    }),
    fc.record({
      kind: fc.constant('ask' as const),
      holder: fc.constantFrom('a', 'b:1', 'b:2', 'ü'.repeat(100)),
      asks: fc.array(
        fc.record({
          link,
          seq: fc.integer({ min: 1, max: 6 }),
          unspent: tokens,
          want: tokens,
          least: tokens,
          ttlMs: fc.constantFrom(1, 50, 1000, 60_000),
          leave: fc.boolean().map((yes) => yes),
        }),
        { minLength: 1, maxLength: 3 },
      ),
    }),
  ),
});

let runs = 0;

test('the scripts answer and store what the model does, whatever the calls, clocks and shapes', async () => {
  await fc.assert(
    fc.asyncProperty(
      shapes,
      fc.array(step, { minLength: 1, maxLength: 30 }),
      fc.oneof(fc.constant(1_700_000_000_000_000), fc.integer({ min: 0, max: 2 ** 50 })),
      async (shapes, steps, start) => {
        const scripts = createTimedScripts(redis, `p${runs++}:`);
        const model = new SharedModel();
        let now = start;
        for (const { by, toEnd, work } of steps) {
          const ends = [...model.buckets.values()].flatMap(({ out }) => out.map(({ until }) => until));
          now = Math.max(0, toEnd !== undefined && ends.length > 0 ? ends[0]! + toEnd : now + by);
          const of = ({ bucket, shape }: { bucket: number; shape: number }) => {
            return { bucket: `{o}:${bucket}`, shape: shapes[(bucket + shape) % shapes.length]! };
          };
          if (work.kind === 'take') {
            const takes = work.takes.map(({ cost, links }): TimedTake => ({ cost, buckets: links.map(of) }));
            const expected = takes.map(({ buckets, cost }) => model.take(buckets, cost, now));
            expect(await scripts.take(takes, now)).toEqual(expected);
            // Nobody is told to come again at once.
            for (const { refused, retryAfterMs } of expected)
              expect(refused === 0 || retryAfterMs > 0).toBe(true);
          } else {
            const asks = work.asks.map(({ link, unspent, want, least, ...rest }): LeaseAsk => {
              const { bucket, shape } = of(link);
              const units = (count: number): number => Math.min(count * shape.tokenUnits, shape.maxUnits);
              const whole = (count: number): number => units(count) - (units(count) % shape.tokenUnits);
              const wanted = rest.leave ? 0 : whole(want);
              return {
                ...{ ...rest, bucket, shape, unspent: whole(unspent), want: wanted },
                least: Math.min(wanted, whole(least)),
              };
            });
            const expected = asks.map((ask) => model.ask(work.holder, ask, now));
            expect(await scripts.ask(work.holder, asks, now)).toEqual(expected);
          }
          await expectStored(scripts, model);
        }
      },
    ),
    { numRuns: long ? 5000 : 250 },
  );
});

async function expectStored(
  scripts: ReturnType<typeof createTimedScripts>,
  model: SharedModel,
): Promise<void> {
  for (const name of ['{o}:0', '{o}:1', '{o}:2']) {
    const expected = model.buckets.get(name);
    const stored = await scripts.stored(name);
    if (expected === undefined) {
      expect(stored).toBeUndefined();
      continue;
    }
    const { level, last, inBurst, out } = expected;
    expect(stored).toEqual({ level, last, inBurst, out });
  }
}
