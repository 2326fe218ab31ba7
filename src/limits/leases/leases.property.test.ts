import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RuleParams } from '../index.ts';
import { createCluster, type Instance } from '../testing/cluster.ts';
import { long } from '../testing/fixture.ts';

/** What callers may have had by now: a bucket of the rule, from which every call that passes takes. */
function createOracle(rule: RuleParams, from: number) {
  const capacity = rule.requests + rule.burst;
  let left = capacity;
  let at = from;
  return {
    capacity,
    passed: 0,
    /** Beyond the rule's own bound, by what went wrong so far. */
    allowance: 0,
    lowest: 0,
    pass(cost: number, now: number) {
      left = Math.min(capacity, left + ((now - at) / 1000) * (rule.requests / rule.periodMs));
      at = now;
      left -= cost;
      this.passed += cost;
      this.lowest = Math.min(this.lowest, left + this.allowance);
    },
  };
}

type Step =
  | { kind: 'call'; who: number; cost: number; times: number }
  | { kind: 'now'; who: number; times: number }
  | { kind: 'pass'; ms: number }
  | { kind: 'join' }
  | { kind: 'kill'; who: number }
  | { kind: 'pause'; who: number; ms: number; calls: number }
  | { kind: 'lose'; who: number }
  | { kind: 'leave'; who: number }
  | { kind: 'away'; who: number; ms: number; calls: number }
  | { kind: 'flush' };

const who = fc.nat(4);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('call'),
      who,
      cost: fc.integer({ min: 1, max: 4 }),
      times: fc.integer({ min: 1, max: 150 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('now'), who, times: fc.integer({ min: 1, max: 150 }) }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('pass'), ms: fc.integer({ min: 1, max: 4000 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('join') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('kill'), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave'), who }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('pause'),
      who,
      ms: fc.constantFrom(300, 9_700, 10_100, 14_000, 30_000),
      calls: fc.integer({ min: 1, max: 150 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('lose'), who }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('away'),
      who,
      ms: fc.integer({ min: 1, max: 5000 }),
      calls: fc.nat(60),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('flush') }) },
) as fc.Arbitrary<Step>;

const rule = fc.record({
  requests: fc.oneof(fc.integer({ min: 5, max: 100 }), fc.integer({ min: 100, max: 2000 })),
  periodMs: fc.constantFrom(100, 1000, 7000),
  burst: fc.oneof(fc.nat(20), fc.nat(300)),
});

async function run(params: RuleParams, steps: readonly Step[]) {
  const cluster = createCluster();
  for (let k = 0; k < 3; k++) cluster.join();
  const oracle = createOracle(params, cluster.nowMicros);
  const owing = new Set<Instance>();
  const shareNow = (): number => Math.max(1, Math.ceil(oracle.capacity / cluster.instances.length));
  const one = (index: number): Instance => cluster.instances[index % cluster.instances.length]!;
  async function call(instance: Instance, cost: number, times: number) {
    // Some at once, as they come to a worker.
    for (let done = 0; done < times; done += 8) {
      const some = Array.from({ length: Math.min(8, times - done) }, () => instance.call(params, cost));
      for (const passed of await Promise.all(some)) if (passed) oracle.pass(cost, cluster.nowMicros);
    }
  }
  for (const next of steps) {
    if (next.kind === 'call') await call(one(next.who), next.cost, next.times);
    else if (next.kind === 'now') {
      // What cannot wait may be ahead by a share, which is paid for before it may be so again.
      if (!owing.has(one(next.who))) oracle.allowance += shareNow();
      owing.add(one(next.who));
      for (let k = 0; k < next.times; k++)
        if (one(next.who).callNow(params, 1)) oracle.pass(1, cluster.nowMicros);
      await cluster.pass(1);
    } else if (next.kind === 'pass') await cluster.pass(next.ms * 1000);
    else if (next.kind === 'join' && cluster.instances.length < 5) cluster.join();
    else if (next.kind === 'kill' && cluster.instances.length > 1) cluster.kill(one(next.who));
    else if (next.kind === 'leave' && cluster.instances.length > 1) {
      const leaver = one(next.who);
      await leaver.keeper.leave();
      cluster.kill(leaver);
    } else if (next.kind === 'pause') {
      const paused = one(next.who);
      await call(paused, 1, 1);
      paused.paused = true;
      await cluster.pass(next.ms * 1000);
      // It goes on with what it holds before its keeper has looked at the clock.
      await call(one(next.who + 1), 1, next.calls);
      await call(paused, 1, next.calls);
      paused.paused = false;
    } else if (next.kind === 'lose') one(next.who).answersLost = 1;
    else if (next.kind === 'flush') {
      cluster.flush();
      oracle.allowance += oracle.capacity;
    } else if (next.kind === 'away') {
      const cut = one(next.who);
      cut.reaches = false;
      cluster.notice(cut);
      oracle.allowance +=
        shareNow() + (params.requests * next.ms) / params.periodMs / cluster.instances.length;
      await call(cut, 1, next.calls);
      await cluster.pass(next.ms * 1000);
      await call(cut, 1, next.calls);
      cut.reaches = true;
      cluster.notice(cut);
    }
  }
  return { cluster, oracle };
}

describe('instances that share a bucket by leases', () => {
  test('never pass its bound together, whatever becomes of them and of Redis', {
    timeout: 300_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(rule, fc.array(step, { minLength: 3, maxLength: 25 }), async (params, steps) => {
        const { oracle } = await run(params, steps);
        expect(oracle.lowest).toBeGreaterThanOrEqual(-1e-6);
      }),
      { numRuns: long ? 3000 : 100 },
    );
  });
});

/** Ten calls of one token every 10 ms at the whole of the cluster: nine tenths come to one instance. */
async function overload(params: RuleParams, seconds: number) {
  const cluster = createCluster();
  for (let k = 0; k < 3; k++) cluster.join();
  let passed = 0;
  let calls = 0;
  const each = (2 * params.requests) / params.periodMs / 1000;
  let due = 0;
  for (const end = cluster.nowMicros + seconds * 1_000_000; cluster.nowMicros < end; ) {
    await cluster.pass(10_000);
    for (due += each * 10_000; due >= 1; due--) {
      const dice = calls++ % 20;
      const instance = cluster.instances[dice === 0 ? 1 : dice === 1 ? 2 : 0]!;
      if (await instance.call(params, 1)) passed++;
    }
  }
  return { cluster, passed };
}

test('of an uneven load of twice the limit as much is let through as one instance would', {
  timeout: 60_000,
}, async () => {
  const params = { requests: 200, periodMs: 1000, burst: 100 };
  const { passed } = await overload(params, 20);
  const bound = params.requests + params.burst + 20 * params.requests;
  expect(passed).toBeLessThanOrEqual(bound);
  expect(passed).toBeGreaterThanOrEqual(bound * 0.97);
});

test('an instance that was killed keeps what it held for the time of its lease, and no longer', async () => {
  const params = { requests: 100, periodMs: 1000, burst: 0 };
  const { cluster } = await overload(params, 2);
  const [killed, other] = cluster.instances as [Instance, Instance];
  await cluster.pass(3_000_000);
  expect(await killed.call(params, 20)).toBe(true);
  cluster.kill(killed);
  await cluster.pass(2_000_000);
  expect(await other.call(params, 100)).toBe(false);
  await cluster.pass(9_000_000);
  expect(await other.call(params, 100)).toBe(true);
});

/** Calls of this cost in turn to all instances, one each `everyMs`; how many pass. */
async function inTurn(
  params: RuleParams,
  { cost, everyMs, seconds }: Record<'cost' | 'everyMs' | 'seconds', number>,
) {
  const cluster = createCluster();
  for (let k = 0; k < 3; k++) cluster.join();
  let passed = 0;
  for (let k = 0; k * everyMs < seconds * 1000; k++) {
    if (await cluster.instances[k % 3]!.call(params, cost)) passed++;
    await cluster.pass(everyMs * 1000);
  }
  return passed;
}

describe('calls that cost more than any lease has', () => {
  const params = { requests: 100, periodMs: 10_000, burst: 0 };
  test.each([
    { cost: 40, everyMs: 300, least: 14 },
    { cost: 60, everyMs: 300, least: 9 },
    { cost: 60, everyMs: 2000, least: 9 },
    { cost: 100, everyMs: 300, least: 5 },
    { cost: 100, everyMs: 1000, least: 5 },
  ])('pass as with one instance: cost $cost each $everyMs ms', async ({ cost, everyMs, least }) => {
    // The bucket and what it refills in a minute are 700 tokens.
    const passed = await inTurn(params, { cost, everyMs, seconds: 60 });
    expect(passed).toBeLessThanOrEqual(700 / cost);
    expect(passed).toBeGreaterThanOrEqual(least);
  });
});

test('what cannot wait passes no more in the long run than one instance would let through', async () => {
  const params = { requests: 100, periodMs: 10_000, burst: 0 };
  const cluster = createCluster();
  for (let k = 0; k < 3; k++) cluster.join();
  let passed = 0;
  // Each time their leases have gone back for want of use, and come as they are asked for.
  for (let round = 0; round < 20; round++) {
    for (let burst = 0; burst < 20; burst++) {
      for (const instance of cluster.instances)
        for (let k = 0; k < 40; k++) if (instance.callNow(params, 1)) passed++;
      await cluster.pass(20_000);
    }
    await cluster.pass(10_000_000);
  }
  const seconds = (cluster.nowMicros - 1_000_000) / 1_000_000;
  expect(passed).toBeLessThanOrEqual(2 * 100 + seconds * 10);
  expect(passed).toBeGreaterThanOrEqual(0.9 * seconds * 10);
});
