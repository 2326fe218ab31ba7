import { beforeEach, describe, expect, test } from 'vitest';
import type { NetworkPolicy } from '../../config/index.ts';
import {
  createBoardMemory,
  createHeads,
  createUpstreamBoard,
  health,
  healthReasons,
  UPSTREAM_SLOTS,
} from '../board.ts';
import { Breaker } from '../pool/breaker.ts';
import { cellPlacesOf, sharedWordsOf } from '../pool/cells.ts';
import { policyFor } from '../testing/caller.ts';
import { networkOf } from '../testing/network.ts';
import type { HealthEvent } from './events.ts';
import { createHealthMonitor, type HealthMonitor } from './monitor.ts';
import type { Told } from './node.ts';
import { createTestClock, type TestClock } from './testing/clock.ts';
import { FakeNode } from './testing/fake-node.ts';
import { SimulatedChain, SimulatedNode } from './testing/simulated-chain.ts';

const intervalMs = 2000;
const refused: Told = { kind: 'failed', failure: 'connect', reason: 'connect ECONNREFUSED' };
const timedOut: Told = { kind: 'failed', failure: 'timeout', reason: 'not answered in time' };

let clock: TestClock;
let chain: SimulatedChain;
let events: HealthEvent[];
/** By port, which stands for the address. */
let nodes: Map<number, FakeNode>;
let memory: ReturnType<typeof createBoardMemory>;
let monitor: HealthMonitor;

beforeEach(() => {
  clock = createTestClock();
  chain = new SimulatedChain();
  chain.grow(100);
  events = [];
  nodes = new Map();
  memory = createBoardMemory(1);
  monitor = createHealthMonitor({
    board: memory,
    clock,
    onEvent: (event) => void events.push(event),
    createNode(policy) {
      const node = nodeAt(policy.port);
      node.policy = policy;
      return node;
    },
  });
});

/** The node that is, or will be, at this port. */
function nodeAt(port: number): FakeNode {
  const known = nodes.get(port);
  if (known !== undefined && !known.closed) return known;
  const made = new FakeNode(new SimulatedNode(`node-${port}`, chain));
  nodes.set(port, made);
  return made;
}

function network(ports: number[], over: Partial<NetworkPolicy> = {}): NetworkPolicy {
  const upstreams = ports.map((port) => policyFor(port, { name: `node-${port}` }));
  return networkOf(upstreams, {
    chainId: 1,
    health: { intervalMs, timeoutMs: 1000, call: null },
    ...over,
  });
}

const begin = async (policy: NetworkPolicy) => {
  monitor.update({ networks: [policy] });
  await clock.pass(0);
};
const board = () => createUpstreamBoard(memory);
const heads = (slot = 0) => createHeads(memory, slot);
const upstreamStates = () => monitor.state()[0]!.upstreams.map(({ state }) => state);
const told = (type: HealthEvent['type']) => events.filter((event) => event.type === type);

describe('checks', () => {
  test('the first runs at once and tells health and head; each block is found by the next', async () => {
    await begin(network([1, 2]));
    expect(board().health(0)).toBe(health.up);
    expect(board().head(1)).toBe(100);
    expect(heads()).toMatchObject({ head: 100, finalized: 92 });
    chain.grow(1);
    await clock.pass(intervalMs);
    expect(heads().head).toBe(101);
    expect(board().head(0)).toBe(101);
    expect(nodeAt(1).checks).toBe(2);
  });

  test('a node that ends is down within one and a half intervals, and up within one once it is back', async () => {
    await begin(network([1, 2]));
    nodeAt(1).instead = refused;
    await clock.pass(intervalMs * 1.5);
    expect(board().health(0)).toBe(health.down);
    expect(board().reason(0)).toBe(healthReasons.unreachable);
    expect(events.at(-1)).toEqual({
      type: 'upstream.down',
      network: 'network',
      upstream: 'node-1',
      reason: 'unreachable',
      detail: 'connect ECONNREFUSED',
      upMs: intervalMs * 1.25,
    });
    await clock.pass(600_000);
    expect(told('upstream.down')).toHaveLength(1);
    nodeAt(1).instead = null;
    await clock.pass(intervalMs);
    expect(board().health(0)).toBe(health.up);
    expect(events.at(-1)).toMatchObject({ type: 'upstream.up', upstream: 'node-1' });
  });

  test('one bad check is no sign', async () => {
    await begin(network([1]));
    nodeAt(1).instead = timedOut;
    await clock.pass(intervalMs);
    nodeAt(1).instead = null;
    await clock.pass(intervalMs);
    expect(told('upstream.down')).toEqual([]);
  });

  test('one that hangs is never checked twice at once', async () => {
    await begin(network([1]));
    nodeAt(1).hangs = true;
    await clock.pass(100_000);
    expect(nodeAt(1).checks).toBe(2);
    nodeAt(1).letGo(timedOut);
    nodeAt(1).hangs = false;
    await clock.pass(intervalMs);
    expect(upstreamStates()).toEqual(['down']);
  });

  test('while it is down it is checked ever less, up to 15 s', async () => {
    await begin(network([1]));
    nodeAt(1).instead = timedOut;
    await clock.pass(300_000);
    const before = nodeAt(1).checks;
    await clock.pass(150_000);
    expect(nodeAt(1).checks - before).toBe(10);
  });

  test('a node that asks us to slow down is neither up nor down by it, and asked less', async () => {
    await begin(network([1]));
    nodeAt(1).instead = { kind: 'error', code: 429, throttled: true };
    await clock.pass(300_000);
    expect(upstreamStates()).toEqual(['up']);
    expect(nodeAt(1).checks).toBeLessThan(30);
    expect(told('upstream.down')).toEqual([]);
  });

  test.each<[string, Partial<FakeNode>]>([
    ['an error', { instead: { kind: 'error', code: -32000, throttled: false } }],
    ['no block', { instead: { kind: 'result', value: 'latest' } }],
    ['null', { instead: { kind: 'result', value: null } }],
  ])('%s in place of a block is a wrong answer', async (_, how) => {
    Object.assign(nodeAt(1), how);
    await begin(network([1]));
    await clock.pass(intervalMs);
    expect(board().reason(0)).toBe(healthReasons.wrongAnswer);
  });

  const chainIdsAsked = () => nodeAt(1).methods.filter((method) => method === 'eth_chainId').length;

  test('the chain id is asked for at the start, every 10 s, and after a bad check', async () => {
    await begin(network([1]));
    chain.grow(1);
    await clock.pass(8000);
    expect(chainIdsAsked()).toBe(1);
    await clock.pass(intervalMs);
    expect(chainIdsAsked()).toBe(2);
    nodeAt(1).instead = refused;
    await clock.pass(intervalMs);
    nodeAt(1).instead = null;
    nodeAt(1).chainId = 5;
    await clock.pass(500);
    expect(board().reason(0)).toBe(healthReasons.wrongChain);
  });

  test.each([
    ['another block at a known height', 0],
    ['the next block, of another parent', 1],
    ['one after a gap', 3],
    ['a jump', 5000],
    ['a lower one', -60],
  ])('a node that went to another chain is found out by its next block: %s', async (_, ahead) => {
    await begin(network([1, 2]));
    const other = new SimulatedChain();
    other.grow(100 + ahead, 'other');
    nodeAt(1).simulated.chain = other;
    nodeAt(1).chainId = 5;
    await clock.pass(intervalMs);
    expect(board().reason(0)).toBe(healthReasons.wrongChain);
    expect(heads()).toMatchObject({ head: 100, reorgs: 1, reorgFrom: 0 });
    expect(board().health(1)).toBe(health.up);
  });

  test('a block that follows on those known, or that another upstream told of, costs no more questions', async () => {
    await begin(network([1, 2]));
    nodeAt(1).simulated.lag = 4;
    await clock.pass(intervalMs);
    expect(chainIdsAsked()).toBe(1);
    chain.grow(1);
    await clock.pass(intervalMs);
    expect(chainIdsAsked()).toBe(1);
    nodeAt(1).simulated.lag = 0;
    chain.grow(3);
    await clock.pass(intervalMs);
    expect(chainIdsAsked()).toBe(2);
  });

  test('who waits for the first checks waits for those of networks whose chain is known, and not for ever', async () => {
    nodeAt(1).hangs = true;
    const done: string[] = [];
    const wait = (what: string) => void monitor.firstChecks(1000).then(() => done.push(what));
    await begin(network([1], { chainId: null }));
    wait('none');
    await clock.pass(0);
    expect(done).toEqual(['none']);
    await begin(network([1, 2]));
    wait('silent');
    await clock.pass(900);
    expect(done).toHaveLength(1);
    await clock.pass(100);
    expect(done).toEqual(['none', 'silent']);
    wait('answered');
    nodeAt(1).letGo(timedOut);
    await clock.pass(0);
    expect(done).toEqual(['none', 'silent', 'answered']);
  });

  test('the call of the operator must bring a result, and there is no head', async () => {
    const call = { method: 'getHealth', params: '[]' };
    await begin(network([1, 2], { kind: 'generic', health: { intervalMs, timeoutMs: 1000, call } }));
    nodeAt(2).instead = { kind: 'error', code: -32005, throttled: false };
    await clock.pass(intervalMs * 2);
    expect(upstreamStates()).toEqual(['up', 'down']);
    expect(new Set(nodeAt(1).methods)).toEqual(new Set(['getHealth']));
    expect(heads().head).toBe(-1);
  });
});

describe('what they find', () => {
  test('a wrong chain is down at once, and its head is not followed', async () => {
    const other = new SimulatedChain();
    other.grow(5000, 'other');
    const wrong = nodeAt(2);
    wrong.simulated.chain = other;
    wrong.chainId = 5;
    await begin(network([1, 2]));
    await clock.pass(10 * intervalMs);
    expect(board().reason(1)).toBe(healthReasons.wrongChain);
    expect(events.find(({ upstream }) => upstream === 'node-2')).toMatchObject({
      reason: 'wrong chain',
      detail: 'chain id 5 instead of 1',
    });
    expect(heads()).toMatchObject({ head: 100, reorgs: 0 });
  });

  test.each([
    ['two against one', [5, 1, 1], ['down', 'up', 'up']],
    ['one against one: the first', [1, 5], ['up', 'down']],
    ['alone', [5], ['up']],
  ])('without a chain id in the config, upstreams are compared: %s', async (_, ids, states) => {
    for (const [index, id] of ids.entries()) {
      nodeAt(index + 1).chainId = id;
      if (id !== 5 || ids.length === 1) continue;
      const other = new SimulatedChain();
      other.grow(5000, 'other');
      nodeAt(index + 1).simulated.chain = other;
    }
    await begin(
      network(
        ids.map((_, index) => index + 1),
        { chainId: null },
      ),
    );
    await clock.pass(3 * intervalMs);
    expect(upstreamStates()).toEqual(states);
    expect(heads()).toMatchObject({ head: 100, reorgs: 0 });
  });

  test.each([
    ['far behind', 50, { highestBlock: '0x64' }, 'down'],
    ['nearly there', 1, { highestBlock: '0x64' }, 'up'],
    ['not saying how far', 1, true, 'up'],
  ])('a node that syncs, %s', async (_, lag, syncing, state) => {
    Object.assign(nodeAt(2), { syncing });
    await begin(network([1, 2]));
    nodeAt(2).simulated.lag = lag;
    await clock.pass(3 * intervalMs);
    expect(upstreamStates()).toEqual(['up', state]);
    if (state === 'down') expect(board().reason(1)).toBe(healthReasons.syncing);
  });

  test('a reorg reaches the board, once, and the log', async () => {
    await begin(network([1, 2]));
    chain.grow(1);
    await clock.pass(intervalMs);
    chain.fork(1, 2, 'fork');
    await clock.pass(intervalMs);
    expect(heads()).toMatchObject({ head: 102, reorgs: 1, reorgFrom: 101 });
    expect(told('chain.reorg')).toMatchObject([{ from: 101, head: 102 }]);
  });

  test('states for operators', async () => {
    nodeAt(2).simulated.lag = 3;
    nodeAt(3).instead = refused;
    await begin(network([1, 2, 3]));
    await clock.pass(intervalMs);
    const usual = {
      ...{ reason: null, detail: null, downs: 0, state: 'up', forMs: intervalMs },
      breaker: 'closed',
    };
    expect(monitor.state()).toEqual([
      {
        network: 'network',
        chainId: 1,
        head: { number: 100, hash: chain.head.hash },
        finalized: 92,
        upstreams: [
          { ...usual, upstream: 'node-1', head: 100, lag: 0 },
          { ...usual, upstream: 'node-2', head: 97, lag: 3 },
          {
            upstream: 'node-3',
            state: 'down',
            reason: 'unreachable',
            detail: 'connect ECONNREFUSED',
            head: null,
            lag: null,
            forMs: 1500,
            downs: 1,
            breaker: 'closed',
          },
        ],
      },
    ]);
  });
});

describe('reload', () => {
  test('the same address keeps its state, another begins anew', async () => {
    await begin(network([1, 2]));
    nodeAt(1).instead = refused;
    nodeAt(2).instead = refused;
    await clock.pass(2 * intervalMs);
    const next = network([1, 2]);
    next.upstreams[1] = { ...next.upstreams[1]!, port: 3 };
    monitor.update({ networks: [next] });
    expect(upstreamStates()).toEqual(['down', 'unknown']);
    expect(board().health(0)).toBe(health.down);
    expect(board().health(1)).toBe(health.unknown);
    expect(nodeAt(1).closed).toBe(false);
    expect(nodes.get(2)!.closed).toBe(true);
    await clock.pass(0);
    expect(upstreamStates()).toEqual(['down', 'up']);
    expect(heads().reorgs).toBe(0);
  });

  test('credentials that were changed are tried at once', async () => {
    await begin(network([1]));
    nodeAt(1).instead = { kind: 'failed', failure: 'status', reason: 'HTTP 401' };
    await clock.pass(60_000);
    nodeAt(1).instead = null;
    const next = network([1]);
    next.upstreams[0] = { ...next.upstreams[0]!, authorization: 'Bearer fresh' };
    monitor.update({ networks: [next] });
    await clock.pass(0);
    expect(upstreamStates()).toEqual(['up']);
    expect(nodeAt(1).policy!.authorization).toBe('Bearer fresh');
  });

  test('under other credentials nothing is known at once', async () => {
    await begin(network([1, 2]));
    const next = network([1, 2]);
    next.upstreams[0] = { ...next.upstreams[0]!, authorization: 'Bearer fresh' };
    monitor.update({ networks: [next] });
    expect(board().health(0)).toBe(health.unknown);
    expect(board().head(0)).toBe(-1);
    expect(board().health(1)).toBe(health.up);
    expect(heads().head).toBe(100);
    await clock.pass(0);
    expect(board().health(0)).toBe(health.up);
  });

  test('another chain id, or no upstream of before: there is no head until one is found anew', async () => {
    await begin(network([1]));
    heads().raiseServed(100);
    const other = new SimulatedChain();
    other.grow(10, 'other');
    nodeAt(2).simulated.chain = other;
    nodeAt(2).chainId = 5;
    const { epoch } = heads();
    monitor.update({ networks: [network([2], { chainId: 5 })] });
    expect(heads()).toMatchObject({ head: -1, finalized: -1, served: -1, reorgs: 1, reorgFrom: 0 });
    expect(heads().epoch).toBeGreaterThan(epoch);
    await clock.pass(0);
    expect(heads()).toMatchObject({ head: 10, reorgs: 1 });
    monitor.update({ networks: [network([2], { chainId: 7 })] });
    expect(heads().head).toBe(-1);
    expect(board().health(0)).toBe(health.unknown);
  });

  test('the chain id that the upstreams had told, now in the config, changes nothing', async () => {
    await begin(network([1], { chainId: null }));
    monitor.update({ networks: [network([1])] });
    expect(heads()).toMatchObject({ head: 100, reorgs: 0 });
    expect(board().health(0)).toBe(health.up);
  });

  test('a slot that goes to another name tells nothing of the one before', async () => {
    await begin(network([1]));
    monitor.update({ networks: [{ ...network([2]), name: 'another' }] });
    expect(heads()).toMatchObject({ head: -1, finalized: -1, epoch: 0 });
    expect(board().health(0)).toBe(health.unknown);
    expect(board().head(0)).toBe(-1);
  });

  test('checks that are turned off leave nothing known behind', async () => {
    await begin(network([1]));
    const { epoch } = heads();
    const off = network([1], { health: { intervalMs: 0, timeoutMs: 1000, call: null } });
    monitor.update({ networks: [off] });
    await clock.pass(60_000);
    expect(nodeAt(1).checks).toBe(0);
    expect(board().health(0)).toBe(health.unknown);
    expect(heads().head).toBe(-1);
    expect(heads().epoch).toBeGreaterThan(epoch);
    expect(monitor.state()).toEqual([]);
  });

  test('another chain id is checked at once', async () => {
    await begin(network([1]));
    monitor.update({ networks: [network([1], { chainId: 7 })] });
    await clock.pass(0);
    expect(board().reason(0)).toBe(healthReasons.wrongChain);
  });
});

test('a breaker that workers open is told, once', async () => {
  const policy = network([1]);
  await begin(policy);
  const places = cellPlacesOf(memory.cells, UPSTREAM_SLOTS, 0);
  const breaker = new Breaker(sharedWordsOf(memory.shared, 0), places, 0, () => 0.5);
  for (let i = 0; i < 100; i++) breaker.failed(0, clock.now(), policy.breaker);
  await clock.pass(1000);
  expect(told('breaker')).toEqual([
    { type: 'breaker', network: 'network', upstream: 'node-1', state: 'open' },
  ]);
  expect(monitor.state()[0]!.upstreams[0]!.breaker).toBe('open');
});

test('nothing is asked after the end, and connections are closed', async () => {
  await begin(network([1]));
  nodeAt(1).hangs = true;
  await clock.pass(intervalMs);
  const node = nodeAt(1);
  await monitor.stop();
  const { epoch } = heads();
  node.hangs = false;
  node.letGo(refused);
  await clock.pass(60_000);
  expect(node.closed).toBe(true);
  expect(node.checks).toBe(2);
  expect(board().health(0)).toBe(health.up);
  expect(heads().epoch).toBe(epoch);
});
