import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SETTLE_MS } from './shared-chain.ts';
import { Caller, callText } from './testing/caller.ts';
import { cachePolicy, createFixture, FakeChain, FakeClock, type Fixture } from './testing/fixture.ts';
import { SharedStoreModel } from './testing/shared-store-model.ts';

const long = process.env['POLYMORPH_TEST_LONG'] === '1';
const TTL_MS = 5000;
const FINAL_DEPTH = 8;
const ROOMS = 3;

interface Reorg {
  from: number;
  at: number;
}

/** One instance: its view of the chain follows the true one when it looks. */
interface Instance {
  fixture: Fixture;
  view: FakeChain;
  seen: string[];
  finalized: number;
  reorgs: Reorg[];
}

/** What was asked of a node, by the answer's own text. */
interface Origin {
  instance: Instance;
  askedAt: number;
  call: string;
  /** -1: the chain's; Infinity: bound to no block. */
  height: number;
  timed: boolean;
}

const room = fc.integer({ min: 0, max: ROOMS - 1 });
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ room, call: fc.integer({ min: 0, max: 9 }), back: fc.nat(14) }) },
  { weight: 12, arbitrary: fc.record({ room, again: fc.nat(12) }) },
  { weight: 6, arbitrary: fc.record({ answer: fc.nat(5), in: room }) },
  { weight: 6, arbitrary: fc.constantFrom('deliver' as const, 'answerAll' as const) },
  { weight: 3, arbitrary: fc.constant('settle' as const) },
  { weight: 3, arbitrary: fc.record({ look: room }) },
  { weight: 2, arbitrary: fc.record({ grow: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ depth: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 2, arbitrary: fc.record({ passMs: fc.constantFrom(10, 300, 1100, 4000, 61_000, 61_000) }) },
  { weight: 1, arbitrary: fc.constantFrom('away' as const, 'spoil' as const) },
);

test('whatever is shared, the cache that kept it would give, and so would one that had seen what the reader saw', () => {
  let [served, checked] = [0, 0];
  fc.assert(
    fc.property(fc.array(step, { minLength: 60, maxLength: 200 }), fc.nat(), (steps, offset) => {
      const clock = new FakeClock();
      // Any clock but ours.
      const model = new SharedStoreModel(() => 1.7e12 + offset + clock.micros / 1000);
      let chain = Array.from({ length: 30 }, (_, height) => `0x${height}a`);
      let forks = 0;
      const policy = {
        ...{ ...cachePolicy, maxBytes: 1 << 26, shared: { ttlMs: 100_000, maxValueBytes: 1000 } },
        methods: [
          { pattern: 'my_time', ttlMs: TTL_MS },
          { pattern: 'my_ever', ttlMs: Number.MAX_SAFE_INTEGER },
        ],
      };
      const instances = Array.from({ length: ROOMS }, (): Instance => {
        const view = new FakeChain();
        view.move(chain.length - 1, chain.length - 1 - FINAL_DEPTH);
        const parts = { shared: model.store, chain: view, clock };
        const fixture = createFixture({ cache: policy }, parts);
        return { fixture, view, seen: [...chain], finalized: view.finalized, reorgs: [] };
      });
      const origins = new Map<string, Origin>();
      const callers: { caller: Caller; instance: Instance; call: string; checked: boolean }[] = [];
      let nonce = 0;

      const look = (instance: Instance): void => {
        const { view, seen, fixture } = instance;
        const from = seen.findIndex((hash, height) => chain[height] !== hash);
        const head = chain.length - 1;
        instance.seen = [...chain];
        if (from < 0) {
          instance.finalized = Math.max(instance.finalized, head - FINAL_DEPTH);
          view.move(head, instance.finalized);
        } else {
          instance.finalized = Math.min(instance.finalized, from - 1, head);
          view.reorg(from, head, instance.finalized);
          instance.reorgs.push({ from, at: clock.micros });
        }
        // A room finds out with the next call.
        fixture.room.holds(new Caller(callText('0', 'eth_chainId'), clock.now));
      };

      const callOf = (number: number, back: number): [method: string, params: string] => {
        const height = Math.max(0, chain.length - 1 - back);
        if (number < 5) return ['eth_getBalance', `["0x${number % 2}","0x${height.toString(16)}"]`];
        if (number < 6) return ['eth_chainId', '[]'];
        if (number < 8)
          return ['eth_getTransactionReceipt', `["0x${height.toString(16).padStart(64, '0')}"]`];
        return [number === 8 ? 'my_time' : 'my_ever', `[${back % 3}]`];
      };

      /** Answers the call that the pool of an instance has. */
      const answer = (instance: Instance, which: number): void => {
        const taken = instance.fixture.pool.open[which];
        if (taken === undefined) return;
        const { method, params, id } = JSON.parse(taken.text) as {
          method: string;
          params: string[];
          id: number;
        };
        if (method === 'eth_getBlockByNumber') {
          const hash = chain[Number(params[0])];
          return taken.answer(hash === undefined ? 'null' : JSON.stringify({ hash }));
        }
        const text = `answer ${nonce++}`;
        const receipt = method === 'eth_getTransactionReceipt';
        const height = receipt ? Number(params[0]) : method === 'eth_getBalance' ? Number(params[1]) : -1;
        const timed = method.startsWith('my_');
        const asked = callers[id]!.caller.startedAt;
        const call = JSON.stringify([method, params]);
        origins.set(text, {
          ...{ instance, call, timed, askedAt: asked },
          height: timed ? Number.POSITIVE_INFINITY : height,
        });
        taken.answer(
          receipt ? JSON.stringify({ blockNumber: `0x${height.toString(16)}`, text }) : `"${text}"`,
        );
      };

      const answerAll = (): void => {
        for (let rounds = 0; rounds < 3; rounds++) {
          model.deliver();
          for (const instance of instances)
            for (let open = instance.fixture.pool.open.length; open > 0; open--) answer(instance, 0);
        }
        model.deliver();
      };

      const ask = (instance: Instance, method: string, params: string): void => {
        const caller = instance.fixture.call(method, params, `${callers.length}`);
        callers.push({
          caller,
          instance,
          call: JSON.stringify([method, JSON.parse(params)]),
          checked: false,
        });
      };

      const check = (): void => {
        for (const each of callers) {
          if (each.checked || each.caller.ended.length === 0) continue;
          each.checked = true;
          if (each.caller.source !== 'shared') continue;
          served++;
          const { instance: reader, caller } = each;
          const origin = origins.get(/answer \d+/.exec(caller.outcome.text)![0])!;
          expect(origin.call).toBe(each.call);
          const { height, askedAt, instance: writer } = origin;
          if (caller.method === 'my_time') expect(clock.micros).toBeLessThan(askedAt + TTL_MS * 1000);
          if (!origin.timed && height >= 0) expect(height).toBeLessThanOrEqual(reader.view.finalized);
          // Nothing that the reader knows to be doubtful, nor what came so soon that the writer may not have known it.
          const settles = SETTLE_MS * 1000;
          expect(reader.reorgs.filter(({ from, at }) => at + settles >= askedAt && from <= height)).toEqual(
            [],
          );
          // Who kept it gives it too, unless it has learned of a reorg since: before the reader, or long after it.
          if (writer.reorgs.some(({ at }) => at >= askedAt)) continue;
          checked++;
          const [method, params] = JSON.parse(each.call) as [string, unknown];
          const again = new Caller(callText('0', method, JSON.stringify(params)), clock.now);
          expect(writer.fixture.room.holds(again)).toBe(true);
        }
      };

      for (const each of steps) {
        if (each === 'deliver') {
          model.deliver();
        } else if (each === 'answerAll') {
          answerAll();
        } else if (each === 'settle') {
          // Time for all to hear what the others say.
          clock.pass(1001);
          model.there = true;
          for (const instance of instances) ask(instance, 'my_time', `["${callers.length}"]`);
          answerAll();
        } else if (each === 'away') {
          model.there = false;
        } else if (each === 'spoil') {
          for (const [name, { value }] of model.kept)
            if (!name.startsWith('chain:')) value[Math.floor(value.length / 2)]! ^= 1;
        } else if ('call' in each) {
          const instance = instances[each.room]!;
          const [method, params] = callOf(each.call, each.back);
          const caller = instance.fixture.call(method, params, `${callers.length}`);
          callers.push({
            caller,
            instance,
            call: JSON.stringify([method, JSON.parse(params)]),
            checked: false,
          });
        } else if ('again' in each) {
          const before = callers.at(-1 - each.again);
          if (before === undefined) continue;
          const [method, params] = JSON.parse(before.call) as [string, unknown];
          ask(instances[each.room]!, method, JSON.stringify(params));
        } else if ('answer' in each) {
          answer(instances[each.in]!, each.answer);
        } else if ('look' in each) {
          look(instances[each.look]!);
        } else if ('grow' in each) {
          for (let count = 0; count < each.grow; count++) chain = [...chain, `0x${chain.length}f${forks}`];
        } else if ('depth' in each) {
          forks++;
          const base = chain.slice(0, Math.max(1, chain.length - each.depth));
          chain = [
            ...base,
            ...Array.from({ length: each.depth + 1 }, (_, k) => `0x${base.length + k}f${forks}`),
          ];
        } else {
          clock.pass(each.passMs);
        }
        check();
      }
      model.deliver();
      for (const { fixture } of instances)
        for (let rest = fixture.pool.open; rest.length > 0; rest = fixture.pool.open)
          for (const open of rest) {
            open.error('{"code":-1,"message":"end"}');
            model.deliver();
          }
      for (const { caller } of callers)
        expect(JSON.parse(caller.outcome.text).id).toBe(callers.findIndex((one) => one.caller === caller));
    }),
    { numRuns: long ? 20_000 : 800 },
  );
  console.log(`${served} answers came from the shared ones, ${checked} were compared`);
  // It would be easy never to share anything.
  expect(checked).toBeGreaterThan(1000);
});
