import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createChain } from './chain.ts';
import { BlockChain, HeadListener } from './testing/block-chain.ts';

function follow(chain: BlockChain, maxBackfill = 1000) {
  const asked: string[] = [];
  const followed = createChain({
    maxBackfill: () => maxBackfill,
    byHash: async (hash) => {
      asked.push(hash);
      return chain.byHash(hash)?.head;
    },
    byNumber: async (number) => chain.blocks[number]?.head,
  });
  followed.begin(chain.tip.head);
  return { followed, asked };
}

describe('a head', () => {
  it('behind the tip is taken as it is', async () => {
    const chain = new BlockChain(5);
    const { followed, asked } = follow(chain);
    chain.grow(1);
    expect(await followed.follow(chain.tip.head)).toEqual({ removed: [], added: [chain.tip.head] });
    expect(await followed.follow(chain.tip.head)).toEqual({ nothing: 'known' });
    expect(asked).toEqual([]);
  });

  it.each([2, 9, 100])('%i blocks on brings what is between', async (gap) => {
    const chain = new BlockChain(5);
    const { followed } = follow(chain);
    chain.grow(gap);
    const added = chain.blocks.slice(5).map(({ head }) => head);
    expect(await followed.follow(chain.tip.head)).toEqual({ removed: [], added });
  });

  it('of another branch replaces what is above the fork, oldest first', async () => {
    const chain = new BlockChain(5);
    const { followed } = follow(chain);
    chain.grow(4);
    await followed.follow(chain.tip.head);
    const removed = chain.blocks.slice(6).map(({ head }) => head);
    chain.fork(3, 4);
    const added = chain.blocks.slice(6).map(({ head }) => head);
    expect(await followed.follow(chain.tip.head)).toEqual({ removed, added });
    expect(followed.tip).toBe(chain.tip.head);
  });

  it.each([
    ['lower', 2, 1],
    ['as high', 2, 2],
  ])('of another branch that is %s is not followed, until it grows', async (_how, depth, length) => {
    const chain = new BlockChain(9);
    const { followed, asked } = follow(chain);
    const removed = chain.blocks.slice(7).map(({ head }) => head);
    chain.fork(depth, length);
    expect(await followed.follow(chain.tip.head)).toEqual({ nothing: 'behind' });
    // However far below it is, nobody is asked for anything.
    expect(await followed.follow(chain.blocks[0]!.head)).toEqual({ nothing: 'behind' });
    expect(asked).toEqual([]);
    chain.grow(2);
    const added = chain.blocks.slice(7).map(({ head }) => head);
    expect(await followed.follow(chain.tip.head)).toEqual({ removed, added });
  });

  it('as high as the tip is followed where its source is sure of it', async () => {
    const chain = new BlockChain(9);
    const { followed } = follow(chain);
    const removed = chain.blocks.slice(7).map(({ head }) => head);
    chain.fork(2, 2);
    const added = chain.blocks.slice(7).map(({ head }) => head);
    expect(await followed.follow(chain.tip.head, true)).toEqual({ removed, added });
    expect(await followed.follow(chain.blocks[3]!.head, true)).toEqual({ nothing: 'behind' });
  });

  it('of a fork below where the chain began to be followed is found too', async () => {
    const chain = new BlockChain(9);
    const { followed } = follow(chain);
    const removed = chain.blocks.slice(5).map(({ head }) => head);
    chain.fork(4, 5);
    const added = chain.blocks.slice(5).map(({ head }) => head);
    expect(await followed.follow(chain.tip.head)).toEqual({ removed, added });
  });

  it('of another chain altogether replaces all that is known', async () => {
    const chain = new BlockChain(5);
    const old = chain.tip.head;
    chain.fork(4, 6);
    // What it left is remembered by nobody.
    const followed = createChain({
      maxBackfill: () => 10,
      byHash: async (hash) => chain.blocks.find(({ head }) => head.hash === hash)?.head,
      byNumber: async () => undefined,
    });
    followed.begin(old);
    const found = await followed.follow(chain.tip.head);
    expect(found).toMatchObject({ removed: [old] });
    expect(followed.tip).toBe(chain.tip.head);
  });

  it('further away than may be filled is a gap', async () => {
    const chain = new BlockChain(5);
    const { followed } = follow(chain, 10);
    chain.grow(12);
    expect(await followed.follow(chain.tip.head)).toEqual({ gap: 11 });
  });

  it('whose parents are made up ends nowhere, and changes nothing', async () => {
    const chain = new BlockChain(5);
    const { followed } = follow(chain);
    const invented = {
      ...chain.tip.head,
      number: 5,
      hash: `0x${'1'.repeat(64)}`,
      parentHash: `0x${'2'.repeat(64)}`,
    };
    expect(await followed.follow(invented)).toEqual({ missing: invented.parentHash });
    expect(followed.tip).toBe(chain.tip.head);
  });
});

it('over any history a listener ends with the chain: no gap, none twice', async () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ grow: fc.integer({ min: 1, max: 20 }) }) },
    {
      weight: 2,
      arbitrary: fc.record({ depth: fc.integer({ min: 1, max: 6 }), extra: fc.integer({ min: 0, max: 3 }) }),
    },
    // An old head told once more.
    { weight: 1, arbitrary: fc.record({ again: fc.nat(10) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const chain = new BlockChain(30);
      const { followed } = follow(chain);
      const listener = new HeadListener();
      for (const each of steps) {
        if ('grow' in each) chain.grow(each.grow);
        else if ('depth' in each) chain.fork(each.depth, each.depth + 1 + each.extra);
        const head = 'again' in each ? chain.blocks.at(-1 - each.again)!.head : chain.tip.head;
        const found = await followed.follow(head);
        if ('added' in found) for (const { text } of found.added) listener.hear(text);
        else expect(['known', 'behind']).toContain((found as { nothing: string }).nothing);
        expect(followed.tip).toBe(chain.tip.head);
      }
      const told = listener.chain.map(({ hash }) => hash);
      expect(told).toEqual(
        chain.blocks.slice(chain.blocks.length - told.length).map(({ head }) => head.hash),
      );
    }),
    { numRuns: 200 },
  );
});
