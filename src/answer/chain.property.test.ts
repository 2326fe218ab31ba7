import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Caller } from './testing/caller.ts';
import { answerOf, type Blocks, ModelChain } from './testing/chain-model.ts';
import { cachePolicy, createFixture } from './testing/fixture.ts';

const ttlMs = 2000;
const long = process.env.POLYMORPH_TEST_LONG === '1';

/** Which call, about which block: `back` blocks behind the head, or behind a block of a former fork. */
const calls = fc.record({
  call: fc.constantFrom(
    'chainId',
    'blockNumber',
    'blockByNumber',
    'blockByTag',
    'blockByHash',
    'countByHash',
    'receiptsByNumber',
    'receiptsByHash',
    'receipt',
    'balanceByNumber',
    'balanceByTag',
    'balanceByObject',
    'logs',
    'logsToHead',
  ),
  back: fc.integer({ min: -1, max: 6 }),
  version: fc.integer({ min: 0, max: 2 }),
  address: fc.constantFrom('0xa', '0xb'),
  tag: fc.constantFrom('latest', 'finalized'),
});

const step = fc.oneof(
  { weight: 8, arbitrary: calls },
  { weight: 16, arbitrary: fc.record({ again: fc.nat(5) }) },
  { weight: 10, arbitrary: fc.record({ answer: fc.nat(5), lagging: fc.boolean(), early: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ grow: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ depth: fc.integer({ min: 1, max: 6 }), count: fc.nat(6) }) },
  { weight: 3, arbitrary: fc.constant('look' as const) },
  { weight: 1, arbitrary: fc.constant('transaction' as const) },
  { weight: 1, arbitrary: fc.record({ lag: fc.nat(4) }) },
  { weight: 2, arbitrary: fc.record({ pass: fc.integer({ min: 1, max: 2500 }) }) },
);

/**
 * A chain that grows and forks, a tracker that looks at it now and then, one node that follows it and one that lags, calls
 * answered late and in any order, with what the node had when they came or when it answered. What comes from the cache is
 * what the canonical chain said at some moment since the tracker last saw a change, and, at the head, within the ttl.
 */
test('the cache says nothing that the canonical chain would not have said', () => {
  let served = 0;
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 20, maxLength: 200, size: 'max' }),
      fc.boolean(),
      (steps, tiny) => {
        const maxBytes = tiny ? 2500 : 1 << 20;
        const fixture = createFixture({
          timeoutMs: 1e9,
          cache: { ...cachePolicy, maxBytes, headTtlMs: ttlMs },
        });
        const { chain: view, clock, heads, pool, room } = fixture;
        const chain = new ModelChain(clock.micros);
        let tracked = chain.blocks;
        /** The version that was current when the tracker last saw a change, and when a transaction passed. */
        let lookedAt = 0;
        let transactionAt = 0;
        /** What the second node has. */
        let lagging: Blocks = chain.blocks;
        const publish = (): void => {
          heads.set(0, chain.head).set(1, lagging.length - 1);
        };
        const isBehind = (): boolean => lagging.at(-1)!.hash !== chain.blocks.at(-1)!.hash;
        publish();
        view.move(chain.head, chain.finalized);
        /** Calls answered last by a node that was not at the head: how long ago it was is not the cache's to say. */
        const late = new Set<string>();
        const asked = new Map<
          unknown,
          { main: string; lagging: string; wasBehind: boolean; method: string; params: unknown[] }
        >();
        const all: { caller: Caller; params: unknown[] }[] = [];

        const paramsOf = (each: typeof calls extends fc.Arbitrary<infer T> ? T : never) => {
          const past = chain.versions.at(-1 - Math.min(each.version, chain.versions.length - 1))!.blocks;
          const block = past[Math.max(0, past.length - 1 - each.back)] ?? past.at(-1)!;
          const number = `0x${Math.max(0, past.length - 1 - each.back).toString(16)}`;
          const made: Record<string, [string, unknown[]]> = {
            chainId: ['eth_chainId', []],
            blockNumber: ['eth_blockNumber', []],
            blockByNumber: ['eth_getBlockByNumber', [number, true]],
            blockByTag: ['eth_getBlockByNumber', [each.tag, true]],
            blockByHash: ['eth_getBlockByHash', [block.hash, true]],
            countByHash: ['eth_getBlockTransactionCountByHash', [block.hash]],
            receiptsByNumber: ['eth_getBlockReceipts', [number]],
            receiptsByHash: ['eth_getBlockReceipts', [block.hash]],
            receipt: ['eth_getTransactionReceipt', [block.transaction]],
            balanceByNumber: ['eth_getBalance', [each.address, number]],
            balanceByTag: ['eth_getBalance', [each.address, each.tag]],
            balanceByObject: ['eth_getBalance', [each.address, { blockHash: block.hash }]],
            logs: ['eth_getLogs', [{ fromBlock: '0x1', toBlock: number }]],
            logsToHead: ['eth_getLogs', [{ fromBlock: number }]],
          };
          return made[each.call]!;
        };

        const check = (caller: Caller, params: unknown[]): void => {
          const { result } = JSON.parse(caller.outcome.text);
          const { method } = caller;
          const atHead =
            method === 'eth_blockNumber' ||
            params.some((each) => each === 'latest' || each === 'finalized') ||
            (method === 'eth_getLogs' && !('toBlock' in (params[0] as object)));
          let from = lookedAt;
          if (atHead) {
            from = Math.max(from, transactionAt);
            const oldest = late.has(JSON.stringify([method, params])) ? 0 : clock.micros - ttlMs * 1000;
            while (from + 1 < chain.versions.length && chain.versions[from + 1]!.at <= oldest) from++;
          }
          const possible = chain.versions.slice(from).map(({ blocks }) => answerOf(blocks, method, params));
          expect(possible).toContain(JSON.stringify(result));
          expect(result).not.toBe(null);
          if (method === 'eth_blockNumber')
            expect(Number.parseInt(result, 16)).toBeGreaterThanOrEqual(view.served);
        };

        const ask = (method: string, params: unknown[]): void => {
          const before = pool.sent.length;
          const caller = fixture.call(method, JSON.stringify(params), `"${all.length}"`);
          all.push({ caller, params });
          if (pool.sent.length > before) {
            asked.set(pool.sent.at(-1), {
              main: answerOf(chain.blocks, method, params),
              lagging: answerOf(lagging, method, params),
              wasBehind: isBehind(),
              method,
              params,
            });
          }
          if (caller.source !== 'cache') return;
          served++;
          check(caller, params);
        };

        for (const each of steps) {
          if (each === 'look') {
            const now = chain.blocks;
            const differs = tracked.findIndex(({ hash }, index) => now[index]?.hash !== hash);
            const same = differs < 0 && now.length === tracked.length;
            // What came and went between two looks nobody saw.
            if (same) continue;
            // Nodes that were on a fork are off it once the head is known to be another.
            if (lagging.some(({ hash }, index) => now[index]?.hash !== hash))
              lagging = now.slice(0, Math.max(1, Math.min(lagging.length, now.length)));
            publish();
            if (differs >= 0) view.reorg(differs, chain.head, chain.finalized);
            else view.move(chain.head, chain.finalized);
            tracked = now;
            lookedAt = chain.versions.length - 1;
          } else if (each === 'transaction') {
            // Mined at once, by all nodes: who sent it reads what it made. A node that is behind without being known to
            // be would say the old state with or without a cache.
            chain.extend(1, clock.micros);
            lagging = chain.blocks;
            view.epoch++;
            transactionAt = chain.versions.length - 1;
          } else if ('grow' in each) {
            chain.extend(each.grow, clock.micros);
          } else if ('depth' in each) {
            chain.reorg(each.depth, each.count, clock.micros);
          } else if ('lag' in each) {
            const { blocks } = chain;
            const has = Math.max(1, lagging.length, blocks.length - each.lag);
            lagging = blocks.slice(0, has);
          } else if ('pass' in each) {
            clock.pass(each.pass);
          } else if ('again' in each) {
            const { caller, params } = all.at(-1 - each.again) ?? {};
            if (caller !== undefined) ask(caller.method, params!);
          } else if ('call' in each) {
            ask(...paramsOf(each));
          } else if (pool.open.length > 0) {
            const taken = pool.open[each.answer % pool.open.length]!;
            const { main, lagging: behind, wasBehind, method, params } = asked.get(taken)!;
            const blocks = each.lagging ? lagging : chain.blocks;
            const early = each.lagging ? behind : main;
            const result = each.early ? early : answerOf(blocks, method, params);
            // As the pool does before it tells a caller a block number.
            if (method === 'eth_blockNumber') view.served = Math.max(view.served, Number(JSON.parse(result)));
            if (each.lagging && (each.early ? wasBehind : isBehind()))
              late.add(JSON.stringify([method, params]));
            taken.answer(result, each.lagging ? 1 : 0);
          }
          expect(room.stats().bytes).toBeLessThanOrEqual(maxBytes);
        }
        for (const open of pool.open) open.error('{"code":-1,"message":"end"}');
        for (const [index, { caller }] of all.entries()) {
          expect(caller.outcome.failure).toBe(null);
          expect(JSON.parse(caller.outcome.text).id).toBe(`${index}`);
        }
      },
    ),
    { numRuns: long ? 20_000 : 500 },
  );
  // It would be easy never to say anything wrong.
  expect(served).toBeGreaterThan(1000);
});
