import { describe, expect, it } from 'vitest';
import type { NetworkPolicy } from '../../config/index.ts';
import { createBoardMemory, createHeads, createUpstreamBoard, type Heads } from '../board.ts';
import { type Behaviour, says, startNodes } from '../testing/node-set.ts';
import { HeadBound } from './head-bound.ts';

const hex = (number: number): string => `0x${number.toString(16)}`;
/** At this block. */
const at =
  (number: number): Behaviour =>
  (x) => {
    const { method } = JSON.parse(x.body) as { method: string };
    says.result(method === 'eth_blockNumber' ? `"${hex(number)}"` : `{"number":"${hex(number)}"}`)(x);
  };
const health = { intervalMs: 2000, timeoutMs: 500, call: null };
/** Calls that go to several nodes alike; `told` has what was told. */
async function chain(behaviours: Behaviour[], over: Partial<NetworkPolicy> = {}) {
  const board = createBoardMemory(1);
  const heads: Heads = createHeads(board, 0);
  heads.publish(100, 50);
  const even = behaviours.map(() => ({ weight: 1 }));
  const nodes = await startNodes(behaviours, { health, ...over }, { board }, even);
  const number = (): Promise<string> => nodes.call({ method: 'eth_blockNumber' }).settled;
  const latest = (): Promise<string> =>
    nodes.call({ method: 'eth_getBlockByNumber', params: '["latest",false]' }).settled;
  return { heads, board, number, latest, nodes };
}

describe('a block far above the head', () => {
  it.each([1100, 0xffffff, 2 ** 40, 120])(
    'that one of three nodes tells is told to nobody: %i',
    async (lie) => {
      const { number, latest, heads, nodes } = await chain([at(lie), at(100), at(100)]);
      const told = new Set<string>();
      for (let k = 0; k < 60; k++) told.add(await (k % 3 === 0 ? latest() : number()));
      const right = ['result "0x64"', 'result {"number":"0x64"}'];
      for (const each of told) expect(right).toContain(each);
      expect(heads.served).toBe(100);
      // Once found out it is asked last.
      expect(nodes.received()[0]).toBe(1);
      expect(nodes.pool.totals().overBudget).toBe(0);
    },
  );

  it('is believed where another node confirms it: the checks are late', async () => {
    const { number, heads, nodes } = await chain([at(140), at(143), at(139)]);
    const told = [];
    for (let k = 0; k < 6; k++) told.push(Number.parseInt((await number()).slice(10, -1), 16));
    expect(told).toEqual([...told].sort((a, b) => a - b));
    expect(Math.min(...told)).toBeGreaterThanOrEqual(139);
    expect(heads.served).toBeGreaterThanOrEqual(139);
    expect(nodes.pool.totals().failovers).toBeGreaterThan(0);
  });

  it('is believed where checks found another node there', async () => {
    const { number, board, nodes } = await chain([at(140), at(100)]);
    createUpstreamBoard(board).setHead(1, 141);
    expect(await number()).toBe('result "0x8c"');
    expect(nodes.received()).toEqual([1, 0]);
  });

  it('is told where nobody else can be asked, and not held to', async () => {
    const { number, latest, heads, nodes } = await chain([at(1100)]);
    expect(await number()).toBe('result "0x44c"');
    expect(await latest()).toContain('0x44c');
    expect(heads.served).toBe(-1);
    nodes.nodes[0]!.behave({ request: at(101) });
    expect(await number()).toBe('result "0x65"');
    expect(heads.served).toBe(101);
  });

  it('and no other answer: the number that was known', async () => {
    const { number, heads } = await chain([at(1100), says.status('500 Oops')]);
    for (let k = 0; k < 3; k++) expect(await number()).toBe('result "0x64"');
    expect(heads.served).toBe(100);
  });

  it('is one more than 8, than four lags, or than twice what its pace makes likely', () => {
    const bound = new HeadBound();
    expect(bound.blocks(100, 2, 2000, 1000)).toBe(8);
    expect(bound.blocks(100, 5, 2000, 1000)).toBe(20);
    // Four blocks a second.
    for (let ms = 1000; ms <= 21_000; ms += 1000) bound.blocks(100 + (ms - 1000) / 250, 2, 2000, ms);
    expect(bound.blocks(180, 2, 2000, 21_000)).toBe(16);
    expect(bound.blocks(180, 2, 2000, 24_000)).toBe(40);
    expect(bound.blocks(180, 2, 2000, 1e7)).toBe(1024);
  });
});

it('a lone node that goes back: the number stays, its latest block is the one it has', async () => {
  const { number, latest, nodes } = await chain([at(100)]);
  expect(await latest()).toContain('0x64');
  nodes.nodes[0]!.behave({ request: at(97) });
  expect(await latest()).toContain('0x61');
  expect(await number()).toBe('result "0x64"');
});
