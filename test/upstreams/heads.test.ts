import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { callText, send } from '../../src/gateway/testing/client.ts';
import { type FakeChain, type FakeNode, startFakeNode } from '../fakes/ethereum-node.ts';
import { type Program, startProgram } from '../program.ts';
import { ask, describeTold, outcomeOf, questions } from './asking.ts';

/** Nodes that answer every call, but of another time or another chain: found by the checks, and passed over. */

const maxBlockLag = 3;
let sound: FakeNode;
let odd: FakeNode;
let program: Program;

beforeAll(async () => {
  [sound, odd] = await Promise.all([startFakeNode(), startFakeNode()]);
  program = await startProgram({
    config: {
      server: { workers: 2, state_dir: 'none' },
      upstreams: [
        { url: odd.url, name: 'odd', weight: 10 },
        { url: sound.url, name: 'sound' },
      ],
      chain_id: 1,
      max_block_lag: maxBlockLag,
      health: { interval: '100ms', timeout: '500ms' },
      // Every call finds its node anew.
      cache: { enabled: false },
      coalesce: false,
      limits: { default: 'none' },
    },
  });
});
afterAll(async () => {
  await program?.stop();
  await Promise.all([sound?.close(), odd?.close()]);
});
beforeEach(async () => {
  Object.assign(sound.chain, { head: 100 });
  Object.assign(odd.chain, { head: 100, lag: 0, id: 1, syncing: false });
  // Until both are called again.
  while ((await shareOfOdd()) === 0) await new Promise((resolve) => setTimeout(resolve, 100));
});

const oddities: Record<string, Partial<FakeChain>> = {
  'is behind by more than the bound': { lag: maxBlockLag + 1 },
  'comes back on another chain': { id: 11155111 },
  'comes back on another chain and far ahead there': { id: 11155111, head: 9_000_000 },
  'is syncing, and far from the head': { syncing: true, lag: 50 },
};

describe.each(Object.entries(oddities))('a node that %s', (_, oddity) => {
  test('is called no more, and again once it is sound', async () => {
    await restart(oddity);
    await expect.poll(shareOfOdd, { timeout: 5_000, interval: 100 }).toBe(0);
    const told = await ask(program.port, '/', reads('odd', 100));
    expect(told.filter((one) => outcomeOf(one) !== 'answer').map(describeTold)).toEqual([]);
    expect(odd.received('eth_call').filter(({ params }) => text(params).includes(hexOf('odd-')))).toEqual([]);
    await restart({ head: 100, lag: 0, id: 1, syncing: false });
    await expect.poll(shareOfOdd, { timeout: 10_000, interval: 100 }).toBeGreaterThan(0);
  });
});

test('a node behind within the bound is called', async () => {
  odd.chain.lag = maxBlockLag;
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(await shareOfOdd()).toBeGreaterThan(0);
});

test('block numbers never run backwards, whichever node is asked', async () => {
  odd.chain.lag = 2;
  let highest = 0;
  for (let k = 0; k < 200; k++) {
    if (k % 10 === 0) {
      sound.chain.head++;
      odd.chain.head++;
    }
    const answers = await Promise.all(
      [1, 2, 3, 4].map((id) => send(program.port, { body: callText('eth_blockNumber', `${id}`, '[]') })),
    );
    const numbers = answers.map(({ json }) => Number((json as { result: string }).result));
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(highest);
    highest = Math.max(...numbers);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(highest).toBeGreaterThan(110);
});

test('the only node left is called even if it is behind', async () => {
  odd.chain.lag = 20;
  await expect.poll(shareOfOdd, { timeout: 5_000, interval: 100 }).toBe(0);
  sound.behave({ request: (x) => void x.socket.resetAndDestroy() });
  try {
    await expect
      .poll(async () => (await ask(program.port, '/', reads('left', 10))).map(outcomeOf), { timeout: 10_000 })
      .toEqual(Array.from({ length: 8 }, () => 'answer'));
  } finally {
    sound.behave({});
  }
});

/** Whose chain it is of is asked anew when a node was away. */
async function restart(chain: Partial<FakeChain>): Promise<void> {
  odd.behave({ accept: (socket) => void socket.resetAndDestroy() });
  odd.drop(true);
  await new Promise((resolve) => setTimeout(resolve, 400));
  Object.assign(odd.chain, chain);
  odd.behave({});
  // A few checks.
  await new Promise((resolve) => setTimeout(resolve, 500));
}

const reads = (wave: string, count: number) =>
  questions(`${wave}-${Math.random().toString(36).slice(2)}`, count).filter(
    ({ repeats }) => repeats === 'safe',
  );

/** Of twenty calls that came just now, how many the odd node got. */
async function shareOfOdd(): Promise<number> {
  const before = odd.received('eth_call').length;
  await ask(program.port, '/', reads('share', 20));
  return odd.received('eth_call').length - before;
}

function text(params: readonly unknown[]): string {
  return JSON.stringify(params);
}

function hexOf(nonce: string): string {
  return Buffer.from(nonce).toString('hex');
}
