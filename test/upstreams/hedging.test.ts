import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FakeNode, startFakeNode } from '../fakes/ethereum-node.ts';
import type { Vice } from '../fakes/upstream.ts';
import { type Program, startProgram } from '../program.ts';
import { ask, describeTold, outcomeOf, questions } from './asking.ts';
import { quiet } from '../quiet.ts';

const lateMs = 800;
/** Answers late, with a result of its own, which no caller is to see. */
const late: Vice = {
  request: (x) =>
    void setTimeout(() => x.send(x.http(x.answer.replaceAll('"result":"', '"result":"late '))), lateMs),
};

let nodes: FakeNode[];
let program: Program;
const reads = (wave: string, count: number) =>
  questions(wave, count).filter(({ repeats }) => repeats === 'safe');

beforeAll(async () => {
  nodes = await Promise.all([startFakeNode(), startFakeNode()]);
  const network = (mode: string, enabled: boolean) => ({
    ...quiet,
    retry: { budget: '100%' },
    hedge: { enabled, quantile: '50%', min_delay: '20ms', max_delay: '60ms' },
    upstreams: nodes.map(({ url }, place) => ({ url, mode, name: `node-${place}` })),
  });
  program = await startProgram({
    config: {
      server: { workers: 1, state_dir: 'none' },
      networks: {
        single: network('single', true),
        pipelined: network('pipelined', true),
        batched: network('batched', true),
        off: network('single', false),
      },
      methods: { cheap: ['*'] },
      limits: { default: 'none' },
    },
  });
});
afterAll(async () => {
  await program?.stop();
  await Promise.all((nodes ?? []).map((node) => node.close()));
});

test.each(['single', 'pipelined', 'batched'])(
  '%s: what one node is late with comes from the other',
  async (mode) => {
    const path = `/${mode}`;
    for (const node of nodes) node.behave({});
    await ask(program.port, path, reads('warm', 100));
    const [slow] = nodes as [FakeNode, FakeNode];
    slow.forget();
    slow.behave(late);
    const told = await ask(program.port, path, reads('late', 50));
    expect(slow.received('eth_call').length).toBeGreaterThan(0);
    expect(told.filter((one) => outcomeOf(one) !== 'answer' || one.ms >= lateMs).map(describeTold)).toEqual(
      [],
    );
    // The losers' answers arrive during these.
    slow.behave({});
    const until = performance.now() + lateMs + 100;
    for (let k = 0; performance.now() < until; k++) {
      const after = await ask(program.port, path, reads(`after-${k}`, 20));
      expect(after.filter((one) => outcomeOf(one) !== 'answer').map(describeTold)).toEqual([]);
    }
  },
);

test('what must not run twice is not hedged', async () => {
  for (const node of nodes) {
    node.forget();
    node.behave(late);
  }
  const asked = questions('unsafe', 60).filter(({ repeats }) => repeats !== 'safe');
  const told = await ask(program.port, '/single', asked);
  expect(Math.min(...told.map(({ ms }) => ms))).toBeGreaterThanOrEqual(lateMs - 5);
  expect(nodes.flatMap(({ calls }) => calls)).toHaveLength(asked.length);
});

test('off unless asked for', async () => {
  for (const node of nodes) {
    node.forget();
    node.behave(late);
  }
  const told = await ask(program.port, '/off', reads('off', 20));
  expect(Math.min(...told.map(({ ms }) => ms))).toBeGreaterThanOrEqual(lateMs - 5);
  expect(nodes.flatMap(({ calls }) => calls)).toHaveLength(told.length);
});
