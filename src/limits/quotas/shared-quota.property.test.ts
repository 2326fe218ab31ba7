import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { QuotaAsk } from './quota-lease-port.ts';
import { answerQuotaAsk, QUIET_MS, type SharedQuota } from './shared-quota.ts';
import { long } from '../testing/fixture.ts';

/** An instance as far as one quota goes: what it holds, what it has not reported, and the ask whose answer was lost. */
interface Instance {
  home: number;
  name: string;
  seq: number;
  after: number;
  held: number;
  spent: number;
  known: number;
  lost: QuotaAsk | undefined;
}

const HOMES = 3;

/** Instances that use a quota by what they are granted, over one store. */
function startWorld(limit: number) {
  let record: SharedQuota | null = null;
  let [used, nowMs, processes] = [0, 0, 0];
  /** In the ledger: what was reported, and what the dead used; the latter once their journals were read. */
  let [ledgerSum, unread] = [0, 0];
  const born = (home: number): Instance => ({
    ...{ home, name: `home-${home}/${++processes}` },
    ...{ seq: 0, after: 0, held: 0, spent: 0, known: 0, lost: undefined },
  });
  const instances = Array.from({ length: HOMES }, (_, home) => born(home));

  const askOf = (one: Instance, want: number): QuotaAsk => ({
    ...{ quota: 'q', instance: one.name, seq: ++one.seq, after: one.after },
    ...{ spent: one.spent, known: one.known + one.spent, unspent: one.held, want, least: 1 },
    ...{ limit, instances: HOMES, ledger: 'store', ledgerSum, expiresAtMs: 1 },
  });
  const world = {
    instances,
    used: () => used,
    use(one: Instance, units: number): void {
      const some = Math.min(units, one.held);
      one.held -= some;
      one.spent += some;
      used += some;
    },
    /** The ask before once more, where its answer was lost. */
    ask(one: Instance, want: number, answerIsLost = false): void {
      const ask = one.lost ?? askOf(one, want);
      const { quota, answer } = answerQuotaAsk(record, ask, nowMs);
      record = quota;
      if (one.lost === undefined) ledgerSum += ask.spent;
      // An answer that comes twice is the same, and nothing is counted twice.
      const before = structuredClone(quota);
      expect(answerQuotaAsk(quota, ask, nowMs + 1)).toEqual({ quota: before, answer });
      expect(answer.granted).toBeLessThanOrEqual(ask.want);
      one.lost = answerIsLost ? ask : undefined;
      if (answerIsLost) return;
      one.after = ask.seq;
      one.spent -= ask.spent;
      one.held += answer.granted;
      one.known = answer.used;
    },
    /** With all it held; its calls are in the ledger. Another process is there in its place. */
    die({ home, spent, lost }: Instance): void {
      unread += spent - (lost?.spent ?? 0);
      instances[home] = born(home);
    },
    wait(ms: number): void {
      nowMs += ms;
      if (ms >= QUIET_MS) [ledgerSum, unread] = [ledgerSum + unread, 0];
    },
  };
  return world;
}

const home = fc.nat(HOMES - 1);
/** Of the small ones nearly all is granted, used or lost at once. */
const limits = fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 400 }));
const step = fc.oneof(
  fc.record({ what: fc.constant('use' as const), home, units: fc.nat(40) }),
  fc.record({ what: fc.constant('ask' as const), home, units: fc.nat(60) }),
  fc.record({ what: fc.constant('ask in vain' as const), home, units: fc.nat(60) }),
  fc.record({ what: fc.constant('die' as const), home, units: fc.constant(0) }),
  fc.record({ what: fc.constant('wait' as const), home, units: fc.constantFrom(1, 70) }),
);

test('no schedule of uses, lost answers, repeats and deaths lets more through than the limit, and all of it is had in the end', () => {
  fc.assert(
    fc.property(limits, fc.array(step, { maxLength: 120 }), (limit, steps) => {
      const world = startWorld(limit);
      for (const { what, home: at, units } of steps) {
        const one = world.instances[at]!;
        if (what === 'use') world.use(one, units);
        else if (what === 'die') world.die(one);
        else if (what === 'wait') world.wait(units * 1000);
        else world.ask(one, units, what === 'ask in vain');
        const held = world.instances.reduce((sum, each) => sum + each.held, 0);
        expect(world.used() + held).toBeLessThanOrEqual(limit);
      }
      // The ledger has it all, and nobody has used any for a while: what died with units in hand is taken back.
      for (let round = 0; round < 60 && world.used() < limit; round += 1) {
        for (const one of world.instances) {
          world.use(one, limit);
          world.ask(one, limit);
        }
        world.wait(QUIET_MS);
      }
      expect(world.used()).toBe(limit);
    }),
    { numRuns: long ? 20_000 : 400 },
  );
});
