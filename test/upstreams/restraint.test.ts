import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FakeNode, startFakeNode } from '../fakes/ethereum-node.ts';
import { nodeVices } from '../fakes/node-vices.ts';
import { type Program, startProgram } from '../program.ts';
import { ask, describeTold, outcomeOf, questions } from './asking.ts';
import { quiet } from '../quiet.ts';

/** How little a failing node is asked. */

let bad: FakeNode;
let good: FakeNode;
let program: Program;
const reads = (wave: string, count: number) =>
  questions(wave, count).filter(({ repeats }) => repeats === 'safe');

beforeAll(async () => {
  [bad, good] = await Promise.all([startFakeNode(), startFakeNode()]);
  const upstreams = [bad, good].map(({ url }, place) => ({ url, name: `node-${place}` }));
  program = await startProgram({
    config: {
      server: { workers: 1, state_dir: 'none' },
      networks: {
        pair: { ...quiet, upstreams, retry: { budget: '100%' }, breaker: { open: '1s', trials: 2 } },
        alone: { ...quiet, upstreams: [upstreams[0]], breaker: { failures: 1_000_000 } },
        budgeted: { ...quiet, upstreams: [{ ...upstreams[0], requests_per_second: 20 }, upstreams[1]] },
      },
      limits: { default: 'none' },
    },
  });
});
afterAll(async () => {
  await program?.stop();
  await Promise.all([bad?.close(), good?.close()]);
});

test('the breaker opens: a node that fails is left alone, tried, and taken back when it is sound', async () => {
  bad.behave(nodeVices['answers 502 with HTML']!.vice);
  for (let wave = 0; wave < 5; wave++) await ask(program.port, '/pair', reads(`open-${wave}`, 40));
  bad.forget();
  const told = await ask(program.port, '/pair', reads('opened', 200));
  expect(told.filter((one) => outcomeOf(one) !== 'answer').map(describeTold)).toEqual([]);
  // Trials at the most.
  expect(bad.received('eth_call').length).toBeLessThanOrEqual(4);
  bad.behave({});
  bad.forget();
  await expect
    .poll(
      async () => {
        await ask(program.port, '/pair', reads(`back-${Math.random()}`, 40));
        return bad.received('eth_call').length;
      },
      { timeout: 10_000, interval: 100 },
    )
    .toBeGreaterThan(40);
});

test('a network that fails as a whole is asked hardly more than its callers ask', async () => {
  bad.behave(nodeVices['answers 502 with HTML']!.vice);
  bad.forget();
  const asked = reads('failing', 1250);
  const told = await ask(program.port, '/alone', asked, { connections: 50 });
  expect(new Set(told.map(outcomeOf))).toEqual(new Set(['refusal']));
  expect(bad.received('eth_call').length).toBeGreaterThanOrEqual(asked.length);
  // A tenth more by default, and a few that every network has to begin with.
  expect(bad.received('eth_call').length).toBeLessThanOrEqual(asked.length * 1.1 + 50);
});

test('a node’s own budget of calls a second is kept', async () => {
  bad.behave({});
  bad.forget();
  const from = performance.now();
  while (performance.now() - from < 3_000) {
    const told = await ask(program.port, '/budgeted', reads(`budget-${Math.random()}`, 25));
    expect(told.filter((one) => outcomeOf(one) !== 'answer').map(describeTold)).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const seconds = (performance.now() - from) / 1000;
  expect(bad.received('eth_call').length).toBeLessThanOrEqual(20 + 20 * seconds + 1);
  expect(bad.received('eth_call').length).toBeGreaterThan(20);
});

test('a node that says 429 with Retry-After is left alone so long', async () => {
  bad.behave(nodeVices['answers 429 with Retry-After']!.vice);
  await ask(program.port, '/pair', reads('throttled', 40));
  bad.forget();
  const from = performance.now();
  while (performance.now() - from < 700) {
    const told = await ask(program.port, '/pair', reads(`paused-${Math.random()}`, 20));
    expect(told.filter((one) => outcomeOf(one) !== 'answer').map(describeTold)).toEqual([]);
  }
  expect(bad.received('eth_call')).toEqual([]);
});
