import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { BlockChain, contracts, LogListener, transferTopic } from './testing/block-chain.ts';
import { both, closeHubs, hubOf, listen, nodeOf, until } from './testing/hubs.ts';

afterEach(closeHubs);

describe('logs', () => {
  const filters = [
    '',
    JSON.stringify({ address: contracts[0] }),
    JSON.stringify({ address: contracts.slice(1), topics: [transferTopic] }),
    JSON.stringify({ topics: [`0x${'9'.repeat(64)}`] }),
  ];

  it('are those of the chain for each filter, over deaths and reorgs, asked for once a block', async () => {
    const chain = new BlockChain(5);
    const [one, other] = [await nodeOf(chain), await nodeOf(chain)];
    const test = hubOf([both(one, 'one'), both(other, 'other')]);
    test.open(0, 1);
    const feeds = [];
    for (const params of filters) feeds.push(await listen(test, 'logs', params));
    expect(one.subscriptions()).toBe(1);
    const step = async (change: () => void, node = one): Promise<void> => {
      change();
      node.announce();
      await sleep(30);
    };
    await step(() => chain.grow(12));
    await step(() => chain.fork(3, 4));
    expect(one.asked.filter((method) => method === 'eth_getLogs').length).toBeLessThanOrEqual(16);
    await one.kill();
    await until(() => test.hub.state().feeds[0]!.source.upstream === 'other');
    await step(() => chain.grow(3), other);
    await step(() => chain.fork(5, 9), other);
    const blocks = chain.blocks.slice(5);
    const wanted = [
      () => true,
      (address: string) => address === contracts[0],
      (address: string) => address !== contracts[0],
      () => false,
    ];
    for (const [k, feed] of feeds.entries()) {
      const due = blocks.flatMap(({ logs }) => logs).filter(({ address }) => wanted[k]!(address));
      const held = () => {
        const listener = new LogListener();
        for (const text of feed.results()) listener.hear(text);
        return listener.logs;
      };
      await until(() => held().length === due.length);
      expect(held()).toEqual(due);
    }
    expect(feeds[0]!.results().some((text) => text.includes('"removed":true'))).toBe(true);
  });

  it('of equal filters are one feed', async () => {
    const node = await nodeOf(new BlockChain(5));
    const test = hubOf([both(node, 'one')]);
    test.open(0, 1);
    const a = contracts[0]!;
    const feeds = [
      await listen(test, 'logs', JSON.stringify({ address: a })),
      await listen(
        test,
        'logs',
        JSON.stringify({ address: [a.toUpperCase().replace('X', 'x'), a], fromBlock: 'latest' }),
      ),
    ];
    expect(feeds[0]!.feed).toBe(feeds[1]!.feed);
  });

  it('wait for a node that has the block, in order', async () => {
    const chain = new BlockChain(5);
    const node = await nodeOf(chain);
    const test = hubOf([both(node, 'one')]);
    test.open(0, 1);
    const logs = await listen(test, 'logs');
    const heads = await listen(test, 'newHeads');
    chain.grow(10);
    node.announce();
    node.lag = 15;
    await until(() => heads.results().length === 10);
    await sleep(100);
    node.lag = 0;
    const due = chain.blocks.slice(5).flatMap((block) => block.logs);
    await until(() => logs.results().length === due.length);
    expect(logs.results().map((text) => JSON.parse(text) as object)).toEqual(due);
  });

  it('are read by number of a node that takes no hash', async () => {
    const chain = new BlockChain(5);
    const node = await nodeOf(chain);
    node.logsByHash = 'refused';
    const test = hubOf([both(node, 'one')]);
    test.open(0, 1);
    const logs = await listen(test, 'logs');
    chain.grow(10);
    node.announce();
    const due = chain.blocks.slice(5).flatMap((block) => block.logs);
    await until(() => logs.results().length === due.length);
    expect(logs.results().map((text) => JSON.parse(text) as object)).toEqual(due);
  });

  it('that a node says there are none of, against the block itself, are asked of another', async () => {
    const chain = new BlockChain(5);
    const [empty, good] = [await nodeOf(chain), await nodeOf(chain)];
    empty.logsByHash = 'none';
    const test = hubOf([both(empty, 'empty'), both(good, 'good')]);
    test.open(0, 1);
    const logs = await listen(test, 'logs');
    chain.grow(10);
    empty.announce();
    const due = chain.blocks.slice(5).flatMap((block) => block.logs);
    await until(() => logs.results().length === due.length);
    expect(logs.results().map((text) => JSON.parse(text) as object)).toEqual(due);
  });

  it('with params that no node takes are refused in its words', async () => {
    const node = await nodeOf(new BlockChain(5));
    const test = hubOf([both(node, 'one')]);
    test.open(0, 1);
    expect(await test.subscribe(0, 1, 'logs', '{"address":"x"}')).toMatchObject({
      fault: { why: 'invalid_params' },
    });
    expect(node.asked).toEqual([]);
  });
});
