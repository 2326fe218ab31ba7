import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type FakeNode, startFakeNode } from '../fakes/ethereum-node.ts';
import { nodeVices } from '../fakes/node-vices.ts';
import { type Program, startProgram } from '../program.ts';
import { ask, describeTold, outcomeOf, type Question, questions } from './asking.ts';
import { quiet } from '../quiet.ts';

/** Which node is asked: tiers, weights, and the methods that a node has. */

let nodes: [FakeNode, FakeNode, FakeNode];
let program: Program;
let wave = 0;

beforeAll(async () => {
  nodes = await Promise.all([startFakeNode(), startFakeNode(), startFakeNode()]);
  const upstream = (place: number, more: object = {}) => ({
    url: nodes[place]!.url,
    name: `node-${place}`,
    max_connections: 1000,
    ...more,
  });
  const network = (...upstreams: object[]) => ({
    ...quiet,
    upstreams,
    retry: { budget: '100%' },
    breaker: { open: '300ms' },
  });
  program = await startProgram({
    config: {
      server: { workers: 1, state_dir: 'none' },
      networks: {
        tiers: network(upstream(0), upstream(1), upstream(2, { tier: 'fallback' })),
        weights: network(upstream(0, { weight: 3 }), upstream(1)),
        methods: network(
          upstream(0, { methods: { denied: ['trace_*', 'debug_*'] } }),
          upstream(1, { methods: { allowed: ['trace_*'] } }),
        ),
      },
      limits: { default: 'none' },
    },
  });
});
beforeEach(() => {
  for (const node of nodes) node.forget();
});
afterEach(() => {
  for (const node of nodes) node.behave({});
});
afterAll(async () => {
  await program?.stop();
  await Promise.all((nodes ?? []).map((node) => node.close()));
});

test('a fallback is asked only where no primary can answer, and no more once one can', async () => {
  await expectAnswers('/tiers', reads(100));
  expect(counts()[2]).toBe(0);
  nodes[0].behave(nodeVices['closes as soon as it accepts']!.vice);
  nodes[0].drop();
  await expectAnswers('/tiers', reads(100));
  expect(counts()[2]).toBe(0);
  nodes[1].behave(nodeVices['answers 502 with HTML']!.vice);
  await expectAnswers('/tiers', reads(100));
  expect(counts()[2]).toBeGreaterThan(0);
  for (const node of nodes) node.behave({});
  await expect
    .poll(
      async () => {
        nodes[2].forget();
        await expectAnswers('/tiers', reads(20));
        return counts()[2];
      },
      { timeout: 10_000, interval: 100 },
    )
    .toBe(0);
});

test('weights are kept where nodes are equally quick', async () => {
  // Each takes so long that its speed says nothing.
  for (const node of nodes) node.behave({ request: (x) => void setTimeout(() => x.send(x.http()), 20) });
  for (let k = 0; k < 5; k++) await expectAnswers('/weights', reads(100));
  const [first, second] = counts();
  expect(first! / second!).toBeGreaterThan(1.8);
  expect(first! / second!).toBeLessThan(5);
});

test('a node is asked only for the methods that it has', async () => {
  await expectAnswers('/methods', plain('eth_getCode', 40));
  expect(counts()).toEqual([40, 0, 0]);
  await expectAnswers('/methods', plain('trace_block', 40));
  expect(counts()).toEqual([40, 40, 0]);
  const told = await ask(program.port, '/methods', plain('debug_traceBlock', 5));
  expect(told.map(outcomeOf)).toEqual(Array.from({ length: 5 }, () => 'refusal'));
  expect(counts()).toEqual([40, 40, 0]);
});

function counts(): number[] {
  return nodes.map(({ calls }) => calls.length);
}

function reads(count: number): Question[] {
  return questions(`choice-${wave++}`, count).filter(({ repeats }) => repeats === 'safe');
}

function plain(method: string, count: number): Question[] {
  return Array.from({ length: count }, (_, k) => {
    const nonce = `"${method}-${wave++}"`;
    return { id: String(k), method, params: `[${nonce}]`, result: nonce, repeats: 'safe' };
  });
}

async function expectAnswers(path: string, asked: Question[]): Promise<void> {
  const told = await ask(program.port, path, asked);
  expect(told.filter((one) => outcomeOf(one) !== 'answer').map(describeTold)).toEqual([]);
}
