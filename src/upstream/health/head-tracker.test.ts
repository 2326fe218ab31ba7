import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Block } from './block.ts';
import { createHeadTracker } from './head-tracker.ts';
import { inventedBlock, SimulatedChain, SimulatedNode } from './testing/simulated-chain.ts';

interface Published {
  from: number | null;
  head: number;
  finalized: number;
}

function follow(names: string[], { grown = 40, maxBlockLag = 5 } = {}) {
  const chain = new SimulatedChain();
  chain.grow(grown);
  const nodes = names.map((name) => new SimulatedNode(name, chain));
  const published: Published[] = [];
  const doubted: string[] = [];
  const tracker = createHeadTracker({
    heads: {
      publish: (head, finalized) => void published.push({ from: null, head, finalized }),
      reorg: (from, head, finalized) => void published.push({ from, head, finalized }),
    },
    maxBlockLag: () => maxBlockLag,
    finalityDepth: () => 20,
    onReorg: () => {},
    onDisbelief: (source) => void doubted.push(source),
  });
  const [a, b, c] = nodes as [SimulatedNode, SimulatedNode, SimulatedNode];
  const say = (node: SimulatedNode, tip: Block = node.tip) => tracker.observe(node, tip);
  const sayAll = async () => {
    for (const node of nodes) await say(node);
  };
  const begin = async () => {
    await sayAll();
    tracker.begin();
    await sayAll();
  };
  return { chain, nodes, a, b, c, tracker, published, doubted, say, sayAll, begin };
}

test('the head moves with the chain, final blocks behind it', async () => {
  const { chain, a, published, say, begin } = follow(['a']);
  await begin();
  chain.grow(1);
  await say(a);
  await say(a);
  chain.grow(7);
  await say(a);
  expect(published).toEqual([
    { from: null, head: 40, finalized: 32 },
    { from: null, head: 41, finalized: 32 },
    { from: null, head: 48, finalized: 32 },
  ]);
});

test('a node that knows no finalized block: so many below the head are final', async () => {
  const { a, published, begin } = follow(['a']);
  const { blockAt } = a;
  a.blockAt = (which) => (which === 'finalized' ? Promise.resolve(null) : blockAt.call(a, which));
  await begin();
  expect(published).toEqual([{ from: null, head: 40, finalized: 20 }]);
});

test('nodes at different heights of one chain never move the head back', async () => {
  const { chain, b, published, sayAll, tracker, a, begin } = follow(['a', 'b']);
  b.lag = 3;
  await begin();
  for (let i = 0; i < 10; i++) {
    chain.grow(1);
    await sayAll();
  }
  tracker.forget(a);
  for (let i = 0; i < 10; i++) await tracker.observe(b, b.tip);
  const heads = published.map(({ head }) => head);
  expect(heads).toEqual([...heads].sort((x, y) => x - y));
  expect(published.every(({ from }) => from === null)).toBe(true);
  expect(tracker.head?.number).toBe(50);
});

test.each([
  [1, 1],
  [1, 2],
  [3, 4],
  [20, 21],
])('a reorg of %i blocks is found, with where it forked', async (depth, length) => {
  const { chain, a, published, say, begin } = follow(['a'], { grown: 1 });
  await begin();
  for (let i = 0; i < 39; i++) {
    chain.grow(1);
    await say(a);
  }
  chain.fork(depth, length, 'b');
  await say(a);
  const { from, head, finalized } = published.at(-1)!;
  expect({ from, head }).toEqual({ from: 41 - depth, head: 40 - depth + length });
  expect(finalized).toBeLessThan(41 - depth);
});

test('a reorg below all that is kept replaces all', async () => {
  const { a, published, say, begin } = follow(['a']);
  await begin();
  a.chain = new SimulatedChain();
  a.chain.blocks[0] = inventedBlock(0, 'another genesis');
  a.chain.grow(45);
  await say(a);
  expect(published.at(-1)).toMatchObject({ from: 0, head: 45, finalized: -1 });
});

test('a reorg that one node has not seen yet is followed where it is higher', async () => {
  const { chain, a, published, begin, sayAll } = follow(['a', 'b']);
  await begin();
  a.chain = new SimulatedChain();
  a.chain.blocks = [...chain.blocks];
  a.chain.fork(2, 2, 'fork');
  await sayAll();
  expect(published).toHaveLength(1);
  a.chain.grow(1);
  await sayAll();
  expect(published.at(-1)).toMatchObject({ from: 39, head: 41 });
  expect(published).toHaveLength(2);
});

test('a head that its node lost is given up after three looks, and not while another has it', async () => {
  const { chain, a, b, published, say, begin, tracker } = follow(['a', 'b']);
  await begin();
  a.chain = new SimulatedChain();
  a.chain.blocks = chain.blocks.slice(0, -5);
  for (let i = 0; i < 5; i++) await say(a);
  await say(b);
  expect(published).toHaveLength(1);
  b.chain = a.chain;
  await say(b);
  await say(b);
  expect(published).toHaveLength(1);
  await say(b);
  // Of the blocks before the first head some are known: 32 is the highest of them that is left.
  expect(published.at(-1)).toMatchObject({ from: 33, head: 35 });
  expect(tracker.head?.hash).toBe(a.tip.hash);
});

test('a node behind one address that stands for several of different heights moves nothing back', async () => {
  const { chain, a, published, say, begin } = follow(['a']);
  await begin();
  for (let i = 0; i < 6; i++) await say(a, chain.blocks[38]);
  expect(published).toHaveLength(1);
});

test('a sole node that starts another chain over is followed', async () => {
  const { a, published, say, begin, tracker } = follow(['a']);
  await begin();
  tracker.forget(a);
  a.chain = new SimulatedChain();
  a.chain.blocks[0] = inventedBlock(0, 'another genesis');
  a.chain.grow(2);
  await say(a);
  expect(published.at(-1)).toMatchObject({ from: 0, head: 2 });
});

test('an invented head far ahead is not believed, nor one near by; it is told once', async () => {
  const { chain, a, c, published, say, begin, sayAll, doubted } = follow(['a', 'b', 'c']);
  await begin();
  for (let i = 0; i < 5; i++) {
    chain.grow(1);
    await say(c, inventedBlock(chain.head.number + (i % 2 === 0 ? 3 : 1_000_000), String(i)));
    await say(a);
  }
  expect(published.map(({ head }) => head)).toEqual([40, 41, 42, 43, 44, 45]);
  expect(doubted).toEqual(['c']);
  await sayAll();
  expect(published).toHaveLength(6);
});

test('another chain far ahead is believed once a second node confirms it', async () => {
  const other = new SimulatedChain();
  other.fork(1, 500, 'other');
  const { b, c, published, say, begin, sayAll } = follow(['a', 'b', 'c']);
  await begin();
  c.chain = other;
  await sayAll();
  await sayAll();
  expect(published).toHaveLength(1);
  b.chain = other;
  await say(b);
  expect(published.at(-1)).toMatchObject({ head: 500 });
});

test('two nodes that stand still do not hold a third one up', async () => {
  const { chain, a, b, c, published, say, begin } = follow(['a', 'b', 'c']);
  await begin();
  const still = new SimulatedChain();
  still.blocks = [...chain.blocks];
  a.chain = still;
  b.chain = still;
  for (let i = 0; i < 100; i++) {
    chain.grow(3);
    await say(c);
    await say(a);
    await say(b);
  }
  expect(published.at(-1)!.head).toBe(340);
  expect(published.every(({ from }) => from === null)).toBe(true);
});

test('who led the way alone on a chain of its own is left when two others agree', async () => {
  const { b, c, published, say, tracker, a } = follow(['a', 'b', 'c']);
  const other = new SimulatedChain();
  other.fork(1, 900, 'other');
  a.chain = other;
  tracker.begin();
  await say(a);
  expect(published.at(-1)).toMatchObject({ head: 900 });
  await say(b);
  expect(published.at(-1)).toMatchObject({ head: 900 });
  await say(c);
  expect(published.at(-1)).toMatchObject({ head: 40 });
});

test('who invented its head while it was alone is left too; one that does not answer just then is not', async () => {
  const { a, b, c, published, say, tracker } = follow(['a', 'b', 'c']);
  tracker.begin();
  await say(a, inventedBlock(7000, 'a'));
  for (const tip of [inventedBlock(9000, 'a'), inventedBlock(9000, 'a'), inventedBlock(9000, 'a')]) {
    await say(a, tip);
  }
  expect(published.at(-1)).toMatchObject({ head: 9000 });
  await say(b);
  a.deaf = true;
  for (let i = 0; i < 9; i++) await say(c);
  expect(published.at(-1)).toMatchObject({ head: 9000 });
  a.deaf = false;
  for (let i = 0; i < 3; i++) await say(c);
  expect(published.at(-1)).toMatchObject({ head: 40 });
});

test('a node that does not answer more moves nothing, and is asked little while all is well', async () => {
  const { chain, a, published, say, begin } = follow(['a']);
  await begin();
  const before = a.asked;
  for (let i = 0; i < 90; i++) {
    chain.grow(1);
    await say(a);
  }
  // The finalized block in one of nine heads.
  expect(a.asked - before).toBeLessThanOrEqual(10);
  a.deaf = true;
  chain.fork(2, 3, 'x');
  await say(a);
  expect(published.at(-1)).toMatchObject({ from: null, head: 130 });
  a.deaf = false;
  await say(a);
  expect(published.at(-1)).toMatchObject({ from: 129, head: 131 });
});

type Step =
  | { kind: 'grow'; count: number }
  | { kind: 'fork'; depth: number; extra: number }
  | { kind: 'lag'; node: number; lag: number }
  | { kind: 'report'; node: number }
  | { kind: 'away'; node: number }
  | { kind: 'deaf'; node: number }
  | { kind: 'lie'; ahead: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('grow' as const), count: fc.integer({ min: 1, max: 30 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('fork' as const),
      depth: fc.integer({ min: 1, max: 12 }),
      extra: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('lag' as const),
      node: fc.integer({ min: 0, max: 2 }),
      lag: fc.integer({ min: 0, max: 40 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('report' as const), node: fc.integer({ min: 0, max: 2 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('away' as const), node: fc.integer({ min: 0, max: 2 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('deaf' as const), node: fc.integer({ min: 0, max: 2 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('lie' as const),
      ahead: fc.oneof(fc.integer({ min: 1, max: 49 }), fc.integer({ min: 51, max: 1e9 })),
    }),
  },
);

/** What a cache keeps by what it is told: each block number's hash as it was when the number came into reach. */
class Believer {
  head = -1;
  finalized = -1;
  hashes: string[] = [];

  hear({ from, head, finalized }: Published, chain: SimulatedChain): void {
    if (from !== null) this.hashes.length = Math.min(this.hashes.length, from);
    this.hashes.length = Math.min(this.hashes.length, head + 1);
    for (let number = this.hashes.length; number <= head; number++) {
      this.hashes.push(chain.blocks[number]!.hash);
    }
    this.head = head;
    this.finalized = finalized;
  }
}

test('over any history: what is published is the chain, it goes back only for reorgs, lies lead nowhere', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 80 }), async (steps) => {
      const { chain, nodes, tracker, published, begin } = follow(['a', 'b', 'c'], { grown: 60 });
      const liar = new SimulatedNode('liar', chain);
      /** A liar that is the only one left is believed in the end. */
      const honest = new Set(nodes);
      const believer = new Believer();
      let heard = 0;
      let salt = 0;
      let forkedSince = false;
      const listen = () => {
        for (; heard < published.length; heard++) {
          const said = published[heard]!;
          expect(said.head).toBeLessThanOrEqual(chain.head.number);
          expect(said.finalized).toBeLessThanOrEqual(said.head);
          if (said.from === null) expect(said.head).toBeGreaterThanOrEqual(believer.head);
          else expect(forkedSince).toBe(true);
          if (said.from === null) expect(said.finalized).toBeGreaterThanOrEqual(believer.finalized);
          else expect(said.finalized).toBeLessThan(said.from);
          believer.hear(said, chain);
        }
      };
      await begin();
      listen();
      for (const each of steps) {
        const node = 'node' in each ? nodes[each.node]! : liar;
        if (each.kind === 'grow') chain.grow(each.count);
        else if (each.kind === 'fork') {
          chain.fork(each.depth, each.depth + each.extra, String(++salt));
          forkedSince = true;
        } else if (each.kind === 'lag') node.lag = each.lag;
        else if (each.kind === 'report') {
          honest.add(node);
          await tracker.observe(node, node.tip);
        } else if (each.kind === 'away') {
          honest.delete(node);
          tracker.forget(node);
        } else if (each.kind === 'deaf') node.deaf = !node.deaf;
        else if (honest.size > 0)
          await tracker.observe(liar, inventedBlock(chain.head.number + each.ahead, String(++salt)));
        listen();
      }
      // In the end all are well: after a report or two of each, what was kept is the canonical chain.
      for (const node of nodes) Object.assign(node, { deaf: false, lag: 0 });
      chain.grow(1);
      for (let i = 0; i < 3; i++) {
        for (const node of nodes) await tracker.observe(node, node.tip);
        listen();
      }
      expect(tracker.head).toEqual(chain.head);
      expect(believer.head).toBe(chain.head.number);
      expect(believer.hashes).toEqual(chain.blocks.map(({ hash }) => hash));
    }),
    { numRuns: 300 },
  );
});

test('where no block can be tied to the one before, the sole node is followed all the same, as by reorgs', async () => {
  const { a, published, say, begin } = follow(['a']);
  await begin();
  for (let i = 0; i < 3; i++) await say(a, inventedBlock(42 + i, 'odd'));
  expect(published.slice(1)).toEqual([{ from: 41, head: 44, finalized: 32 }]);
});
