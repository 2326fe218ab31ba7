import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { UpstreamPolicy } from '../../config/index.ts';
import {
  clearWorker,
  createBoardMemory,
  createHeads,
  createUpstreamBoard,
  health,
  healthReasons,
} from '../board.ts';
import { failureOf } from '../failure.ts';
import { policyFor } from '../testing/caller.ts';
import { networkOf } from '../testing/network.ts';
import { Chooser, type Wish } from './choose.ts';
import { Member } from './member.ts';

const NOW = 1_000_000;
const wish: Wish = { method: 'eth_call', critical: false, mayTry: true, block: -1, oldBlock: -1 };
const timeout = failureOf('timeout', 'late', 'maybe');

function pool(
  policies: Partial<UpstreamPolicy>[],
  random = Math.random,
): {
  chooser: Chooser;
  members: Member[];
  board: ReturnType<typeof createUpstreamBoard>;
  setHead: (head: number) => void;
} {
  const memory = createBoardMemory(1);
  const network = networkOf(policies.map((over, k) => policyFor(1, { name: `n${k}`, ...over })));
  const members = network.upstreams.map(
    (policy) => new Member(policy, network, { board: memory, worker: 0, random }),
  );
  const chooser = new Chooser(random);
  chooser.members = members;
  const heads = createHeads(memory, 0);
  chooser.networkHead = () => heads.head;
  return { chooser, members, board: createUpstreamBoard(memory), setHead: (head) => heads.publish(head, -1) };
}

const nameOf = (chooser: Chooser, over: Partial<Wish> = {}, not: Member[] = []): string => {
  const chosen = chooser.choose({ ...wish, ...over }, not, NOW);
  return chosen.member === null ? chosen.why : chosen.member.policy.name;
};

describe('a choice', () => {
  it('is the least of latency × (in flight + 1) / weight', () => {
    const latencies = fc.array(
      fc.record({
        ms: fc.integer({ min: 1, max: 500 }),
        busy: fc.nat(5),
        weight: fc.integer({ min: 1, max: 4 }),
      }),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(latencies, (nodes) => {
        const { chooser, members } = pool(nodes.map(({ weight }) => ({ weight })));
        nodes.forEach(({ ms, busy }, k) => {
          members[k]!.latency.observe(ms, NOW);
          for (let n = 0; n < busy; n++) members[k]!.flight.enterFreely();
        });
        const scores = nodes.map(({ ms, busy, weight }) => (ms * (busy + 1)) / weight);
        const chosen = chooser.choose(wish, [], NOW).member!;
        expect(scores[chosen.policy.index]).toBe(Math.min(...scores));
      }),
      { numRuns: 300 },
    );
  });

  it('takes turns among equals', () => {
    const { chooser } = pool([{}, {}, {}]);
    const names = Array.from({ length: 30 }, () => nameOf(chooser));
    for (const name of ['n0', 'n1', 'n2']) expect(names.filter((each) => each === name)).toHaveLength(10);
  });

  it('never is one that may not serve, and a better class always goes first', () => {
    const node = fc.record({
      tier: fc.constantFrom('primary' as const, 'fallback' as const),
      state: fc.constantFrom(
        'fit',
        'behind',
        'late',
        'unreachable',
        'wrong chain',
        'denied',
        'open',
        'lacks',
        'excluded',
        'full',
      ),
    });
    const rankOf: Record<string, number> = { fit: 0, full: 0, behind: 1, late: 2, unreachable: 3, lacks: 4 };
    fc.assert(
      fc.property(fc.array(node, { minLength: 1, maxLength: 12 }), (nodes) => {
        const { chooser, members, board, setHead } = pool(
          nodes.map(({ tier, state }) => ({
            tier,
            methods: { allowed: [], denied: state === 'denied' ? ['eth_c*'] : [] },
            maxInFlight: state === 'full' ? 1 : 0,
            archive: state !== 'late',
          })),
        );
        setHead(100);
        nodes.forEach(({ state }, k) => {
          board.setHead(k, state === 'behind' ? 97 : 98);
          if (state === 'unreachable') board.setHealth(k, health.down, healthReasons.unreachable);
          if (state === 'wrong chain') board.setHealth(k, health.down, healthReasons.wrongChain);
          if (state === 'lacks') members[k]!.methods.learnMissing('eth_call', NOW - 1);
          if (state === 'full') members[k]!.claim('eth_call', false, NOW);
          if (state !== 'open') return;
          for (let n = 0; n < 5; n++)
            members[k]!.failed(members[k]!.claim('other', false, NOW)!, 'other', timeout, 9, NOW);
        });
        const excluded = members.filter((_, k) => nodes[k]!.state === 'excluded');
        const chosen = chooser.choose({ ...wish, oldBlock: 5 }, excluded, NOW);
        const able = nodes.filter(({ state }) => rankOf[state] !== undefined);
        const best = Math.min(...able.map(({ state }) => rankOf[state]!));
        const roomy = able.filter(({ state }) => rankOf[state] === best && state !== 'full');
        if (chosen.member === null) {
          expect(chosen.why).toBe(able.length === 0 ? 'none' : 'full');
          expect(roomy).toEqual([]);
          return;
        }
        const { tier, state } = nodes[chosen.member.policy.index]!;
        expect(rankOf[state]).toBe(best);
        expect(state).not.toBe('full');
        if (roomy.some((each) => each.tier === 'primary')) expect(tier).toBe('primary');
      }),
      { numRuns: 500 },
    );
  });

  it('gives a due trial to a call that may fail over, and to no other while another upstream is fit', () => {
    const { chooser, members } = pool([{}, {}]);
    for (let n = 0; n < 5; n++) members[0]!.failed(null, 'other', timeout, 9, NOW - 300);
    expect(nameOf(chooser, { mayTry: false })).toBe('n1');
    expect([1, 2, 3].map(() => nameOf(chooser))).toEqual(['n0', 'n0', 'n1']);
  });

  it('leaves a node that refuses at once, though it is the fastest', () => {
    const { chooser, members } = pool([{}, {}]);
    members[0]!.latency.observe(1, NOW);
    members[1]!.latency.observe(20, NOW);
    const refused = failureOf('connect', 'connect ECONNREFUSED', 'no');
    for (let n = 0; n < 16; n++)
      members[0]!.succeeded(members[0]!.claim('eth_call', false, NOW)!, 'eth_call', 1, NOW);
    for (let n = 0; n < 4; n++)
      members[0]!.failed(members[0]!.claim('other', false, NOW)!, 'other', refused, 0, NOW);
    expect(nameOf(chooser, {}, [])).toBe('n0');
    members[0]!.failed(null, 'other', refused, 0, NOW);
    expect(nameOf(chooser)).toBe('n1');
    expect(members[0]!.score(NOW)).toBeGreaterThan(20);
    // It gets another chance.
    expect(members[0]!.score(NOW + 2500)).toBeLessThan(20);
  });

  it('says of each upstream what choose does', () => {
    const { chooser, board, members } = pool([
      {},
      {},
      { tier: 'fallback' },
      {},
      { methods: { allowed: ['net_*'], denied: [] } },
    ]);
    members[0]!.latency.observe(30, NOW);
    members[1]!.latency.observe(10, NOW);
    board.setHealth(3, health.down, healthReasons.wrongChain);
    const weighed = chooser.weigh(wish, NOW);
    expect(weighed.map((each) => each.passedOver)).toEqual([
      'higher score',
      null,
      'a fallback is not needed',
      'wrong chain',
      'does not have the method by config',
    ]);
    expect(nameOf(chooser)).toBe('n1');
  });
});

describe('one method that fails', () => {
  it('is kept from the upstream by itself', () => {
    const { chooser, members } = pool([{}, {}]);
    const [first, second] = members as [Member, Member];
    first.latency.observe(1, NOW);
    second.latency.observe(50, NOW);
    for (let n = 0; n < 20; n++) first.succeeded(first.claim('eth_call', false, NOW)!, 'eth_call', 1, NOW);
    for (let n = 0; n < 6; n++) {
      const claim = first.claim('debug_traceCall', false, NOW);
      if (claim !== undefined)
        first.failed(claim, 'debug_traceCall', failureOf('status', 'HTTP 500', 'maybe'), 1, NOW);
    }
    expect(nameOf(chooser, { method: 'debug_traceCall' })).toBe('n1');
    first.succeeded(first.claim('eth_call', false, NOW)!, 'eth_call', 1, NOW);
    expect(nameOf(chooser)).toBe('n0');
  });
});

describe('calls in flight', () => {
  it('of all workers never exceed the bound, and those of a dead worker count no more', () => {
    const step = fc.record({ worker: fc.nat(2), what: fc.constantFrom('claim', 'critical', 'end', 'die') });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.array(step, { maxLength: 80 }), (maxInFlight, steps) => {
        const board = createBoardMemory(3);
        const shed = { queue: 0, queueTimeoutMs: 0, reserve: 0.3, maxInFlightPerCaller: 0 };
        const network = networkOf([policyFor(1, { maxInFlight })], { shed });
        const open = (worker: number): Member =>
          new Member(network.upstreams[0]!, network, { board, worker, random: Math.random });
        const members = [0, 1, 2].map(open);
        const held = [0, 0, 0];
        const sum = (): number => held[0]! + held[1]! + held[2]!;
        for (const { worker, what } of steps) {
          if (what === 'claim' || what === 'critical') {
            const bound = what === 'critical' ? maxInFlight : Math.max(1, Math.floor(maxInFlight * 0.7));
            const claim = members[worker]!.claim('eth_call', what === 'critical', NOW);
            expect(claim !== undefined).toBe(sum() < bound);
            if (claim !== undefined) held[worker]!++;
          } else if (what === 'end' && held[worker]! > 0) {
            held[worker]!--;
            members[worker]!.succeeded(null, 'eth_call', 1, NOW);
          } else if (what === 'die') {
            clearWorker(board, worker);
            members[worker] = open(worker);
            held[worker] = 0;
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});
