import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { HubBounds } from './bounds.ts';
import { BlockChain, contracts, LogListener } from './testing/block-chain.ts';
import type { ChainNode } from './testing/chain-node.ts';
import { both, closeHubs, hubOf, listen, nodeOf, until } from './testing/hubs.ts';
import type { TestHub } from './testing/test-hub.ts';

afterEach(closeHubs);

/** A node, and a hub that listens to it with a socket of its worker 0. */
async function start(
  chain: BlockChain,
  bounds: Partial<HubBounds> = {},
): Promise<{ node: ChainNode; test: TestHub }> {
  const node = await nodeOf(chain);
  const test = hubOf([both(node, 'one')], {}, bounds);
  test.open(0, 1);
  return { node, test };
}

const endedFeeds = (test: TestHub): string[] =>
  test.said.flatMap(({ message }) => (message.type === 'feed-ended' ? [message.reason] : []));
const asked = (node: ChainNode, method: string): number =>
  node.asked.filter((each) => each === method).length;

describe('who comes and goes again and again', () => {
  it.each(['newHeads', 'logs', 'newPendingTransactions', 'custom'])(
    'with %s costs one handshake upstream, and nothing is left after a while',
    async (kind) => {
      const { node, test } = await start(new BlockChain(5), { lingerMs: 300 });
      for (let k = 0; k < 30; k++) {
        const { ask } = await listen(test, kind);
        test.unsubscribe(0, 1, ask);
      }
      expect(node.handshakes()).toBe(1);
      expect(test.hub.state().feeds).toEqual([]);
      // One subscription and its latest block serve all.
      if (kind === 'newHeads' || kind === 'logs') expect(asked(node, 'eth_subscribe')).toBe(1);
      await until(() => node.subscriptions() === 0 && node.sockets() === 0, 2000);
    },
  );

  it('finds heads where they were left, and none of those that passed meanwhile', async () => {
    const chain = new BlockChain(5);
    const { node, test } = await start(chain, { lingerMs: 60_000 });
    const first = await listen(test, 'newHeads');
    test.unsubscribe(0, 1, first.ask);
    chain.grow(2);
    node.announce();
    await sleep(50);
    const next = await listen(test, 'newHeads');
    chain.grow(2);
    node.announce();
    await until(() => next.results().length === 2);
    expect(next.results()).toEqual(chain.blocks.slice(-2).map(({ block }) => JSON.stringify(block)));
  });

  it('is not waited for where the hub ends, or the upstream is gone', async () => {
    const { node, test } = await start(new BlockChain(5), { lingerMs: 60_000 });
    for (const kind of ['newHeads', 'custom']) test.unsubscribe(0, 1, (await listen(test, kind)).ask);
    expect(node.sockets()).toBe(1);
    test.update({ health: { interval: 0 }, upstreams: [{ url: 'http://127.0.0.1:1' }] });
    await until(() => node.sockets() === 0, 1000);
    const other = await start(new BlockChain(5), { lingerMs: 60_000 });
    for (const kind of ['newHeads', 'custom'])
      other.test.unsubscribe(0, 1, (await listen(other.test, kind)).ask);
    await other.test.hub.close();
    await until(() => other.node.sockets() === 0, 1000);
  });
});

describe('a large gap', () => {
  it('is told in pieces, in order, and what comes meanwhile behind it', async () => {
    const chain = new BlockChain(5);
    const { node, test } = await start(chain);
    const heads = await listen(test, 'newHeads');
    const logs = await listen(test, 'logs');
    await node.kill();
    chain.grow(230);
    await node.revive();
    await until(() => heads.results().length > 0);
    chain.grow(3);
    node.announce();
    await until(() => heads.results().length === 233);
    expect(heads.results().map((text) => (JSON.parse(text) as { hash: string }).hash)).toEqual(
      chain.blocks.slice(5).map(({ head }) => head.hash),
    );
    const sizes = test.said.flatMap(({ message }) =>
      message.type === 'events' && message.feed === heads.feed ? [message.results.length] : [],
    );
    expect(Math.max(...sizes)).toBeLessThanOrEqual(50);
    const due = chain.blocks.slice(5).flatMap((block) => block.logs);
    await until(() => logs.results().length === due.length);
    expect(logs.results().map((text) => JSON.parse(text) as object)).toEqual(due);
  });
});

describe('logs beyond what is remembered', () => {
  const feedsOf = async (test: TestHub) => [
    await listen(test, 'logs'),
    await listen(test, 'logs', JSON.stringify({ address: contracts[0] })),
  ];
  const held = (results: string[]) => {
    const listener = new LogListener();
    for (const text of results) listener.hear(text);
    return listener.logs;
  };

  it.each([0, 1000, 1_000_000])('are read again in a reorg (%i bytes kept)', async (logBytes) => {
    const chain = new BlockChain(5);
    const { node, test } = await start(chain, { logBytes });
    const feeds = await feedsOf(test);
    const wanted = (k: number) =>
      chain.blocks
        .slice(5)
        .flatMap(({ logs }) => logs)
        .filter(({ address }) => k === 0 || address === contracts[0]);
    chain.grow(20);
    node.announce();
    await until(() => feeds[0]!.results().length === wanted(0).length);
    // Came later: what is taken back was never told to it.
    const late = await listen(test, 'logs', JSON.stringify({ address: contracts.slice(0, 2) }));
    const before = asked(node, 'eth_getLogs');
    chain.fork(15, 17);
    node.announce();
    for (const [k, feed] of feeds.entries()) {
      await until(() => held(feed.results()).length === wanted(k).length);
      await until(() => JSON.stringify(held(feed.results())) === JSON.stringify(wanted(k)));
    }
    expect(late.results().every((text) => !text.includes('"removed":true'))).toBe(true);
    const replaced = feeds[0]!.results().filter((text) => text.includes('"removed":true'));
    expect(replaced.length).toBeGreaterThan(10);
    // Where all is kept, no question is asked for what is taken back.
    if (logBytes === 1_000_000) expect(asked(node, 'eth_getLogs') - before).toBe(17);
    else expect(asked(node, 'eth_getLogs') - before).toBeGreaterThan(17);
    expect(endedFeeds(test)).toEqual([]);
  });

  it('end their feeds where no node has them any more', async () => {
    const chain = new BlockChain(5);
    const { node, test } = await start(chain, { logBytes: 0 });
    node.forgetsReplaced = true;
    const [logs] = await feedsOf(test);
    const heads = await listen(test, 'newHeads');
    chain.grow(20);
    node.announce();
    const due = chain.blocks.slice(5).flatMap((block) => block.logs);
    await until(() => logs!.results().length === due.length);
    chain.fork(15, 17);
    node.announce();
    await until(() => endedFeeds(test).length === 2);
    expect(endedFeeds(test)[0]).toMatch(/^no upstream gives the logs of block \d+, which was replaced$/);
    await until(() => heads.results().length === 37);
  });
});

describe('logs that nobody waits for', () => {
  it('are not read: whoever comes next is told of its first block at once', async () => {
    const chain = new BlockChain(5);
    const { node, test } = await start(chain, { lingerMs: 60_000 });
    const gone = await listen(test, 'logs');
    // Announced, and then unknown to whoever asks for its logs.
    chain.grow(20);
    node.announce();
    node.lag = 30;
    await sleep(700);
    test.unsubscribe(0, 1, gone.ask);
    const before = asked(node, 'eth_getLogs');
    await sleep(2000);
    // What was being asked may come to its end.
    expect(asked(node, 'eth_getLogs') - before).toBeLessThanOrEqual(4);
    const next = await listen(test, 'logs', JSON.stringify({ address: contracts }));
    node.lag = 0;
    chain.grow(10);
    node.announce();
    const due = chain.blocks.slice(-10).flatMap((block) => block.logs);
    await until(() => next.results().length === due.length, 1500);
    expect(next.results().map((text) => JSON.parse(text) as object)).toEqual(due);
  });

  it('do not hold up those of another who stays', async () => {
    const chain = new BlockChain(5);
    const { node, test } = await start(chain);
    const gone = await listen(test, 'logs');
    chain.grow(20);
    node.announce();
    node.lag = 30;
    await sleep(2500);
    const stays = await listen(test, 'logs', JSON.stringify({ address: contracts }));
    chain.grow(10);
    node.lag = 0;
    node.announce();
    node.lag = 40;
    await sleep(100);
    expect(stays.results()).toEqual([]);
    test.unsubscribe(0, 1, gone.ask);
    node.lag = 0;
    const due = chain.blocks.slice(-10).flatMap((block) => block.logs);
    // It is not behind the pause of what the other waited for.
    await until(() => stays.results().length === due.length, 500);
  });
});

describe('a caller’s words', () => {
  it('are in no reason for a close', async () => {
    const { node, test } = await start(new BlockChain(5));
    await listen(test, 'my\u202ewords');
    test.update({ health: { interval: 0 }, upstreams: [{ name: 'one', url: node.url }] });
    await until(() => endedFeeds(test).length === 1, 20_000);
    expect(endedFeeds(test)).toEqual(['no upstream with WebSocket is left']);
  });
});
