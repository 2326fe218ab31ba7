import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bucketShape, outcomes } from '../index.ts';
import type { ExactBucket, ExactReading, RuleParams } from '../index.ts';
import { createFixture } from './fixture.ts';

export interface ContractLink {
  name: string;
  rule: RuleParams;
}

export interface ContractResult {
  refused: number;
  bursting: number;
  depleted: boolean;
  retryAfterMs: number;
  /** Tokens. */
  before: number[];
}

/** Fresh buckets, all full, from which a call's chain is taken. */
export interface ContractSubject {
  take(
    links: readonly ContractLink[],
    cost: number,
    nowMicros: number,
  ): ContractResult | Promise<ContractResult>;
}

/** The buckets of one instance in memory, as every caller knows them. */
export function inMemory(): ContractSubject {
  const { add, chain, buckets } = createFixture();
  return {
    take(links, cost, now) {
      chain.reset(cost);
      for (const { name, rule } of links) add('a', name, rule);
      buckets.take(chain, now);
      const { refused, bursting, depleted, retryAfterMs } = chain;
      expect(chain.outcome).toBe(
        refused !== 0 ? outcomes.exceeded : bursting !== 0 ? outcomes.burst : outcomes.allowed,
      );
      return {
        refused,
        bursting,
        depleted,
        retryAfterMs,
        before: [...chain.before.subarray(0, links.length)],
      };
    },
  };
}

/** Buckets that instances share. */
export function shared(
  take: (buckets: ExactBucket[], cost: number, now: number) => ExactReading | Promise<ExactReading>,
): ContractSubject {
  return {
    async take(links, cost, now) {
      const shapes = links.map(({ rule }) => bucketShape(rule)!);
      const buckets = links.map(({ name }, i) => ({ bucket: `{a}:${name}`, shape: shapes[i]! }));
      const reading = await take(buckets, cost, now);
      return { ...reading, before: reading.before.map((units, i) => units / shapes[i]!.tokenUnits) };
    },
  };
}

const second = 1_000_000;
const start = 1_700_000_000 * second;
const rule = (requests: number, periodMs: number, burst = 0): RuleParams => ({ requests, periodMs, burst });

/** What every implementation of exact takes does. */
export function exactContract(make: () => ContractSubject): void {
  test('a bucket holds requests + burst, refills at the rate, and says when there is enough', async () => {
    const subject = make();
    const links = [{ name: 'x', rule: rule(10, 1000) }];
    expect(await subject.take(links, 8, start)).toEqual(passed([10]));
    expect(await subject.take(links, 3, start)).toEqual(refusal(1, 100, [2]));
    expect(await subject.take(links, 3, start + 99_999)).toMatchObject({ refused: 1, retryAfterMs: 1 });
    expect(await subject.take(links, 3, start + 100_000)).toEqual(passed([3]));
    expect(await subject.take(links, 10, start + 3600 * second)).toEqual(passed([10]));
  });

  test('a take below the burst is burst; the first refusal after it is depleted, the next is not', async () => {
    const subject = make();
    const links = [{ name: 'x', rule: rule(2, 1000, 3) }];
    expect(await subject.take(links, 2, start)).toMatchObject({ refused: 0, bursting: 0 });
    expect(await subject.take(links, 3, start)).toMatchObject({ refused: 0, bursting: 1 });
    expect(await subject.take(links, 1, start)).toMatchObject({ refused: 1, bursting: 0, depleted: true });
    expect(await subject.take(links, 1, start)).toMatchObject({ refused: 1, depleted: false });
    expect(await subject.take(links, 1, start + second / 2)).toMatchObject({ refused: 0, bursting: 1 });
    expect(await subject.take(links, 1, start + second / 2)).toMatchObject({ refused: 1, depleted: true });
  });

  test('all or nothing: what refuses is named, and nobody else is taken from', async () => {
    const subject = make();
    const links = [5, 1, 3].map((requests, i) => ({ name: `x${i}`, rule: rule(requests, 1000) }));
    expect(await subject.take(links, 1, start)).toEqual(passed([5, 1, 3]));
    expect(await subject.take(links, 1, start)).toEqual(refusal(0b010, 1000, [4, 0, 2]));
    expect(await subject.take(links, 3, start)).toEqual(refusal(0b110, Infinity, [4, 0, 2]));
    expect(await subject.take([links[0]!, links[2]!], 2, start)).toEqual(passed([4, 2]));
  });

  test('eight buckets, each its own bit', async () => {
    const subject = make();
    const links = Array.from({ length: 8 }, (_, i) => ({ name: `x${i}`, rule: rule(i + 1, 1000, i) }));
    expect(await subject.take(links, 4, start)).toMatchObject({ refused: 0b0000_0011 });
    expect(await subject.take(links.toReversed(), 4, start)).toMatchObject({ refused: 0b1100_0000 });
    expect(await subject.take(links.slice(2).toReversed(), 4, start)).toMatchObject({ bursting: 0b10_0000 });
  });

  test('a cost of 0 passes an empty bucket, takes nothing and is no burst', async () => {
    const subject = make();
    const links = [{ name: 'x', rule: rule(1, 1000, 1) }];
    expect(await subject.take(links, 2, start)).toMatchObject({ bursting: 1 });
    expect(await subject.take(links, 0, start)).toEqual(passed([0]));
    // Nor does it end a burst.
    expect(await subject.take(links, 1, start)).toMatchObject({ refused: 1, depleted: true });
  });

  test('a cost above the capacity is refused for ever, by a full bucket too', async () => {
    const subject = make();
    const links = [{ name: 'x', rule: rule(1, 1000, 1) }];
    expect(await subject.take(links, 3, start)).toEqual(refusal(1, Infinity, [2]));
    expect(await subject.take(links, 2, start)).toMatchObject({ refused: 0 });
  });

  test('a clock that goes back refills nothing, and takes nothing away', async () => {
    const subject = make();
    const links = [{ name: 'x', rule: rule(10, 1000) }];
    await subject.take(links, 10, start);
    expect(await subject.take(links, 1, start - 7200 * second)).toMatchObject({ refused: 1, before: [0] });
    expect(await subject.take(links, 1, start + 100_000)).toEqual(passed([1]));
  });

  test('another rule keeps the fill ratio, rounded down', async () => {
    const subject = make();
    await subject.take([{ name: 'x', rule: rule(10, 1000) }], 5, start);
    const half = await subject.take([{ name: 'x', rule: rule(1000, 60_000) }], 0, start);
    expect(half).toEqual(passed([500]));
    const third = await subject.take([{ name: 'x', rule: rule(3, 1000) }], 2, start);
    expect(third).toMatchObject({ refused: 1, before: [1.5], retryAfterMs: 167 });
  });

  test('a coarse tick never gives more than one without ticks would', async () => {
    const subject = make();
    const coarse = rule(999_983, 31 * 86_400_000);
    const { tickMicros } = bucketShape(coarse)!;
    expect(tickMicros).toBeGreaterThan(1);
    const links = [{ name: 'x', rule: coarse }];
    const between = Math.ceil(start / tickMicros) * tickMicros + 1;
    await subject.take(links, 999_983, between);
    expect(await subject.take(links, 0, between + tickMicros - 2)).toMatchObject({ before: [0] });
    expect(await subject.take(links, 0, between + tickMicros - 1)).toMatchObject({ before: [0] });
    const later = await subject.take(links, 0, between + 2 * tickMicros - 1);
    expect(later.before[0]).toBeGreaterThan(0);
  });
}

const anyRule = fc
  .record({
    requests: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constantFrom(999_983, 104_729, 1000)),
    periodMs: fc.constantFrom(1, 7, 1000, 86_400_000, 31 * 86_400_000),
    burst: fc.integer({ min: 0, max: 20 }),
  })
  .filter((one) => bucketShape(one) !== undefined);

const call = fc.record({
  wait: fc.oneof(
    fc.constant(0),
    fc.integer({ min: 1, max: 3_000_000 }),
    fc.integer({ min: 1, max: 2 ** 40 }),
  ),
  cost: fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 1_000_000 })),
  scopes: fc.subarray([0, 1, 2], { minLength: 1 }),
  reload: fc.option(fc.record({ scope: fc.nat(2), rule: anyRule }), { nil: undefined, freq: 12 }),
});

/** Any calls, waits and reloads are answered as the buckets in memory answer them. */
export async function agreesWithMemory(make: () => ContractSubject, numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyRule, { minLength: 3, maxLength: 3 }),
      fc.array(call, { minLength: 1, maxLength: 40 }),
      async (rules, calls) => {
        const [subject, memory] = [make(), inMemory()];
        const current = [...rules];
        let now = start;
        for (const { wait, cost, scopes, reload } of calls) {
          now += wait;
          if (reload !== undefined) current[reload.scope] = reload.rule;
          const links = scopes.map((scope) => ({ name: `x${scope}`, rule: current[scope]! }));
          expect(await subject.take(links, cost, now)).toEqual(await memory.take(links, cost, now));
        }
      },
    ),
    { numRuns },
  );
}

function passed(before: number[]): ContractResult {
  return { refused: 0, bursting: 0, depleted: false, retryAfterMs: 0, before };
}

function refusal(refused: number, retryAfterMs: number, before: number[]): ContractResult {
  return { refused, bursting: 0, depleted: false, retryAfterMs, before };
}
