import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { outcomes } from '../chain.ts';
import { createFixture, long } from '../testing/fixture.ts';
import { ReferenceModel } from '../testing/reference-model.ts';
import type { ModelLink, ModelQuota } from '../testing/reference-model.ts';
import { bucketShape } from './token-bucket.ts';
import type { RuleParams } from '../index.ts';

const numRuns = long ? 10_000 : 400;

vi.setConfig({ testTimeout: long ? 300_000 : 30_000 });

/** Rules that tick in microseconds: the model has no ticks. */
const fineRule = fc
  .record({
    requests: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 100_000 })),
    periodMs: fc.constantFrom(1, 7, 1000, 1001, 60_000, 3_600_000),
    burst: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 5000 })),
  })
  .filter((rule) => bucketShape(rule)?.tickMicros === 1);

const step = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 2_000_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: -5_000_000, max: -1 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 2 ** 44 }) },
);

const cost = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 4 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 100_000 }) },
);

type CallStep = typeof call extends fc.Arbitrary<infer T> ? T : never;

const call = fc.record({
  step,
  cost,
  caller: fc.constantFrom('a', 'b', 'c'),
  /** Which scopes the call's chain has, and which of them are shadows. */
  scopes: fc.subarray([0, 1, 2, 3]),
  shadows: fc.integer({ min: 0, max: 15 }).map((bits) => bits & 0b1010),
  quota: fc.option(fc.record({ cost: fc.integer({ min: 0, max: 3 }), limit: fc.constant(20) }), {
    nil: undefined,
  }),
  /** Now and then, a reload gives one scope another rule. */
  reload: fc.option(fc.record({ scope: fc.nat(3), rule: fineRule }), { nil: undefined, freq: 12 }),
});

/** A burst, a refusal that finds the bucket just refilled, and another a microsecond before that. */
const clockBackAfterRefusal: [RuleParams[], CallStep[], number] = (() => {
  const rule = { requests: 1, periodMs: 1, burst: 1 };
  const plain = { caller: 'a' as const, scopes: [0], shadows: 0, quota: undefined, reload: undefined };
  return [
    [rule, rule, rule, rule],
    [
      { ...plain, step: 0, cost: 2 },
      { ...plain, step: 2000, cost: 3 },
      { ...plain, step: -1, cost: 2 },
    ],
    0,
  ];
})();

test('any sequence of calls, clocks and reloads is answered as the reference model answers it', () => {
  fc.assert(
    fc.property(
      fc.array(fineRule, { minLength: 4, maxLength: 4 }),
      fc.array(call, { minLength: 1, maxLength: 80 }),
      fc.integer({ min: 0, max: 2 ** 45 }),
      (rules, calls, start) => {
        // Roomy, so that no two of its buckets share a window: a place that was reused after its bucket had refilled
        // stays full when the clock goes back, and the model knows no places.
        const { chain, add, buckets } = createFixture({ entries: 2 ** 18 });
        const model = new ReferenceModel();
        const current = [...rules];
        let now = start;
        for (const { step: by, cost: tokens, caller, scopes, shadows, quota, reload } of calls) {
          now = Math.max(0, now + by);
          if (reload !== undefined) current[reload.scope] = reload.rule;
          const links = scopes.map((scope): ModelLink => {
            const shadow = (shadows & (1 << scope)) !== 0;
            return { name: `${caller} ${scope}`, rule: current[scope]!, shadow };
          });
          chain.reset(tokens);
          scopes.forEach((scope, i) => add(caller, `scope ${scope}`, current[scope]!, links[i]!.shadow));
          let modelQuota: ModelQuota | undefined;
          if (quota !== undefined) {
            const slot = caller.charCodeAt(0);
            chain.quota(slot, 2, quota.limit, quota.cost);
            modelQuota = { name: caller, ...quota };
          }
          buckets.take(chain, now);
          const expected = model.take(links, tokens, now, modelQuota);
          expect({
            outcome: chain.outcome,
            refused: chain.refused,
            shadowRefused: chain.shadowRefused,
            depleted: chain.depleted,
          }).toEqual({
            outcome: outcomes[expected.outcome],
            refused: bits(expected.refused),
            shadowRefused: bits(expected.shadowRefused),
            depleted: expected.depleted,
          });
          expected.before.forEach(([units, token], i) => {
            expect(chain.before[i]).toBeCloseTo(Number((units * 1_000_000n) / token) / 1_000_000, 5);
          });
          if (modelQuota !== undefined) expect(chain.quotaUsed[0]).toBe(model.quotas.get(caller) ?? 0);
        }
      },
    ),
    { numRuns, examples: [clockBackAfterRefusal] },
  );
});

const anyRule = fc
  .record({
    requests: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constantFrom(999_983, 104_729)),
    periodMs: fc.constantFrom(1, 1000, 86_400_000, 31 * 86_400_000),
    burst: fc.integer({ min: 0, max: 20 }),
  })
  .filter((rule) => bucketShape(rule) !== undefined);

describe('over any window', () => {
  test('at most requests + burst + T × requests / period pass, with coarse ticks too', () => {
    fc.assert(
      fc.property(
        anyRule,
        fc.array(
          fc.record({
            wait: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 3, noNaN: true })),
            cost: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constant(-1)),
          }),
          { minLength: 1, maxLength: 60 },
        ),
        (rule, calls) => {
          const { take } = createFixture();
          const passed: { at: bigint; cost: bigint }[] = [];
          const capacity = rule.requests + rule.burst;
          let now = 123_456;
          for (const { wait, cost: asked } of calls) {
            now += Math.floor((wait * rule.periodMs * 1000) / Math.min(rule.requests, 10));
            const tokens = asked === -1 ? Math.ceil(capacity / 2) : asked;
            if (take('a', rule, now, tokens) < outcomes.exceeded)
              passed.push({ at: BigInt(now), cost: BigInt(tokens) });
          }
          for (let from = 0; from < passed.length; from++) {
            let sum = 0n;
            for (const { at, cost: tokens } of passed.slice(from)) {
              sum += tokens;
              const span = at - passed[from]!.at;
              const periodMicros = BigInt(rule.periodMs) * 1000n;
              const bound = BigInt(capacity) * periodMicros + span * BigInt(rule.requests);
              expect(sum * periodMicros <= bound).toBe(true);
            }
          }
        },
      ),
      { numRuns },
    );
  });

  test('coarse ticks cost a caller two ticks of refill at most', () => {
    const rule = { requests: 999_983, periodMs: 31 * 86_400_000, burst: 0 };
    const tick = bucketShape(rule)!.tickMicros;
    const perMicro = rule.requests / (rule.periodMs * 1000);
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 20_000_000 }), { minLength: 2, maxLength: 40 }),
        (waits) => {
          const { take, chain } = createFixture();
          let ideal = rule.requests;
          let now = 777;
          for (const wait of waits) {
            now += wait;
            ideal = Math.min(rule.requests, ideal + wait * perMicro);
            const outcome = take('a', rule, now, 10_000);
            expect(chain.before[0]).toBeLessThanOrEqual(ideal + 1e-6);
            expect(chain.before[0]).toBeGreaterThanOrEqual(ideal - 2 * tick * perMicro - 1e-6);
            if (outcome < outcomes.exceeded) ideal -= 10_000;
          }
        },
      ),
      { numRuns },
    );
  });
});

test('after retryAfterMs, and not a millisecond sooner, the same call passes', () => {
  fc.assert(
    fc.property(anyRule, fc.integer({ min: 1, max: 20 }), fc.nat(10_000_000), (rule, tokens, start) => {
      fc.pre(tokens <= rule.requests + rule.burst);
      const { take, chain } = createFixture();
      while (take('a', rule, start, Math.max(tokens, Math.floor(rule.requests / 3))) < outcomes.exceeded);
      if (take('a', rule, start, tokens) < outcomes.exceeded) return;
      const wait = chain.retryAfterMs;
      expect(take('a', rule, start + (wait - 1) * 1000, tokens)).toBe(outcomes.exceeded);
      expect(take('a', rule, start + wait * 1000, tokens)).toBeLessThan(outcomes.exceeded);
    }),
    { numRuns },
  );
});

function bits(indexes: number[]): number {
  return indexes.reduce((sum, i) => sum | (1 << i), 0);
}
