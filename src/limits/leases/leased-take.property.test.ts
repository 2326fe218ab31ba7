import fc from 'fast-check';
import { expect, test } from 'vitest';
import { outcomes } from '../chain.ts';
import { setAway, setHere } from './lease-state.ts';
import { setPlace } from './shares.ts';
import { createFixture, long } from '../testing/fixture.ts';

test('a refused call is never told that it may come again at once', () => {
  const anyRule = fc.record({
    requests: fc.integer({ min: 1, max: 1000 }),
    periodMs: fc.constantFrom(10, 1000, 60_000, 86_400_000),
    burst: fc.nat(50),
  });
  const lent = fc.record({
    tokens: fc.nat(20),
    rest: fc.integer({ min: 0, max: 2_000_000 }),
    dryMs: fc.constantFrom(0, 0, 0.0005, 3, 900),
    forMs: fc.constantFrom(0.001, 1, 10_000),
  });
  const step = fc.record({
    passMicros: fc.oneof(fc.nat(50), fc.nat(2_000_000)),
    lent: fc.option(lent),
    cost: fc.integer({ min: 1, max: 30 }),
    sharing: fc.boolean(),
    isAway: fc.boolean(),
  });
  const place = fc.constantFrom({ instances: 1, rank: 0 }, { instances: 7, rank: 6 });
  fc.assert(
    fc.property(anyRule, place, fc.array(step, { maxLength: 40 }), (params, where, steps) => {
      const { memory, chain, buckets, versions, add } = createFixture({ shared: true });
      setPlace(memory, where);
      versions.versionOf('default', params);
      let now = 1_000_000;
      for (const { passMicros, lent: grant, cost, sharing, isAway } of steps) {
        now += passMicros;
        if (isAway) setAway(memory.leases!, now);
        else setHere(memory.leases!);
        chain.reset(cost);
        chain.sharing = sharing;
        add('a', 'default', params);
        const at = { tagLo: chain.tagLo[0]!, tagHi: chain.tagHi[0]!, version: chain.versions[0]! };
        if (grant !== null) {
          const { maxUnits, tokenUnits } = versions.shapeOf(at.version)!;
          const times = { askedMicros: now, untilMicros: now + grant.forMs * 1000 };
          const dryUntilMicros = grant.dryMs === 0 ? 0 : now + grant.dryMs * 1000;
          const units = Math.min(maxUnits, grant.tokens * tokenUnits);
          const rest = Math.min(maxUnits, grant.rest);
          buckets.leases!.grant(at, { units, rest, ...times, dryUntilMicros, low: 0 }, now);
        }
        buckets.take(chain, now);
        if (chain.outcome === outcomes.exceeded) expect(chain.retryAfterMs).toBeGreaterThan(0);
      }
    }),
    { numRuns: long ? 5000 : 500 },
  );
});
