import { Agent } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { callText, send, type TestAnswer } from '../../src/gateway/testing/client.ts';
import { type FakeNode, startFakeNode } from '../fakes/ethereum-node.ts';
import { type Program, startProgram } from '../program.ts';
import { quiet } from '../quiet.ts';

/** More calls than the node may have at once: some wait, the rest are refused soon, the critical ones get through. */

const answerMs = 300;
/** What a busy machine may add to any time. */
const busyMs = 1000;
/** Far over the wait allowed and what a busy machine adds to it: who is told sooner was not kept waiting for an answer. */
const longMs = 2500;
let node: FakeNode;
let program: Program;

beforeAll(async () => {
  node = await startFakeNode();
  const network = { ...quiet, upstreams: [{ url: node.url, max_in_flight: 10 }] };
  program = await startProgram({
    config: {
      server: { workers: 1, state_dir: 'none' },
      networks: {
        bounded: { ...network, shed: { queue: 10, queue_timeout: '5s', reserve: '20%' } },
        hasty: { ...network, shed: { queue: 10, queue_timeout: '100ms', reserve: '0%' } },
        fair: { ...quiet, upstreams: [{ url: node.url }], shed: { max_in_flight_per_caller: 4, queue: 0 } },
      },
      methods: { critical: ['eth_sendRawTransaction', 'eth_feeHistory'] },
      limits: { default: 'none' },
      keys: ['one', 'two'].map((name) => ({ name, key: `shedding_${name}_key_of_many_characters` })),
    },
  });
});
afterAll(async () => {
  await program?.stop();
  await node?.close();
});
beforeEach(() => {
  node.forget();
  node.behave({ request: (x) => void setTimeout(() => x.send(x.http()), answerMs) });
});

test('beyond the node’s bound calls wait, beyond the queue they get 503 at once, and critical ones still pass', async () => {
  const many = burst('/bounded', 'eth_call', 60);
  await pause(100);
  // No more than its bound without the reserve.
  expect(node.calls.length).toBeLessThanOrEqual(8);
  const critical = await burst('/bounded', 'eth_feeHistory', 2);
  expect(critical.map(({ status }) => status)).toEqual([200, 200]);
  const answers = await many;
  const refused = answers.filter(({ status }) => status === 503);
  expect(answers.filter(({ status }) => status === 200).length + refused.length).toBe(60);
  expect(refused.length).toBeGreaterThanOrEqual(60 - 20);
  expect(refused.length).toBeLessThanOrEqual(60 - 14);
  for (const { headers, json, ms } of refused) {
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(json.error.code).toBe(-32603);
    expect(ms).toBeLessThan(answerMs + busyMs);
  }
});

test('a call that waits too long is refused when its time is over', async () => {
  node.behave({ request: (x) => void setTimeout(() => x.send(x.http()), longMs) });
  const answers = await burst('/hasty', 'eth_call', 20);
  const refused = answers.filter(({ status }) => status === 503);
  expect(refused).toHaveLength(10);
  for (const { headers, ms } of refused) {
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(ms).toBeGreaterThan(80);
    expect(ms).toBeLessThan(longMs - answerMs);
  }
});

test('one caller does not take another’s room', async () => {
  const greedy = burst('/fair', 'eth_call', 20, 'one');
  await pause(50);
  const modest = await burst('/fair', 'eth_call', 4, 'two');
  expect(modest.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  const statuses = (await greedy).map(({ status }) => status);
  expect(statuses.filter((status) => status === 200)).toHaveLength(4);
  expect(statuses.filter((status) => status !== 200).every((status) => status === 503)).toBe(true);
});

async function burst(
  path: string,
  method: string,
  count: number,
  key?: string,
): Promise<(TestAnswer & { ms: number })[]> {
  const agent = new Agent({ keepAlive: true });
  const headers: Record<string, string> =
    key === undefined ? {} : { 'x-api-key': `shedding_${key}_key_of_many_characters` };
  const answers = await Promise.all(
    Array.from({ length: count }, async (_, k) => {
      const began = performance.now();
      const params = `[{"data":"0x${k.toString(16).padStart(4, '0')}"},"latest"]`;
      const answer = await send(program.port, {
        agent,
        path,
        headers,
        body: callText(method, `${k}`, params),
      });
      return { ...answer, ms: performance.now() - began };
    }),
  );
  agent.destroy();
  return answers;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
