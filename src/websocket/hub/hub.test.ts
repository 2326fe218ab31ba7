import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { health, type UpstreamBoard } from '../../upstream/index.ts';
import { BlockChain, contracts, HeadListener, LogListener, transferTopic } from './testing/block-chain.ts';
import { type ChainNode, startChainNode } from './testing/chain-node.ts';
import { startTestHub, type TestHub } from './testing/test-hub.ts';

const ended: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).toReversed()) await end();
});

async function until(what: () => boolean, withinMs = 10_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!what()) {
    if (performance.now() > end) throw new Error(`did not happen within ${withinMs} ms: ${what}`);
    await sleep(3);
  }
}

async function nodeOf(chain: BlockChain): Promise<ChainNode> {
  const node = await startChainNode(chain);
  ended.push(() => node.kill());
  return node;
}

/** Checks of health are left out: nothing but the hub asks. */
const quiet = { health: { interval: 0 }, subscriptions: { poll_interval: '100ms' } };

function hubOf(upstreams: object[], over: object = {}): TestHub {
  const test = startTestHub({ ...quiet, ...over, upstreams });
  ended.push(() => test.hub.close());
  return test;
}

const both = (node: ChainNode, name: string) => ({ name, url: node.url, ws_url: node.wsUrl });

/** Subscribes, and gives what it heard so far of the chain. */
async function listen(test: TestHub, kind: string, params = '') {
  const answer = await test.subscribe(0, 1, kind, params);
  if (answer.type !== 'subscribed') throw new Error(JSON.stringify(answer.fault));
  return { ...answer, results: () => test.results(0, answer.feed) };
}

function hashesOf(results: string[]): string[] {
  const listener = new HeadListener();
  for (const text of results) listener.hear(text);
  return listener.chain.map(({ hash }) => hash);
}

describe('heads', () => {
  it('are told as the node wrote them, by one subscription however many listen', async () => {
    const chain = new BlockChain(5);
    const node = await nodeOf(chain);
    const test = hubOf([both(node, 'one')]);
    for (const worker of [0, 1]) for (const socket of [1, 2]) test.open(worker, socket);
    const first = await listen(test, 'newHeads');
    expect(first).toMatchObject({ source: { upstream: 'one', via: 'websocket' }, listeners: 1 });
    for (const [worker, socket] of [
      [0, 2],
      [1, 1],
      [1, 2],
    ] as const)
      expect(await test.subscribe(worker, socket, 'newHeads')).toMatchObject({ feed: first.feed });
    expect(node.subscriptions()).toBe(1);
    chain.grow(3);
    node.announce();
    await until(() => first.results().length === 3);
    expect(first.results()).toEqual(chain.blocks.slice(5).map(({ block }) => JSON.stringify(block)));
    // Once a worker, and not once a socket.
    await until(() => test.results(1, first.feed).length === 3);
    expect(test.hub.state().feeds).toMatchObject([{ kind: 'newHeads', listeners: 4, events: 3 }]);
  });

  it('end upstream with the last that listens, also where it goes while it is being asked for', async () => {
    const node = await nodeOf(new BlockChain(5));
    const test = hubOf([both(node, 'one')]);
    test.open(0, 1);
    test.open(0, 2);
    const one = await listen(test, 'newHeads');
    await test.subscribe(0, 2, 'newHeads');
    test.unsubscribe(0, 1, one.ask);
    test.close(0, 2);
    await until(() => node.subscriptions() === 0 && node.sockets() === 0);
    expect(test.hub.state()).toMatchObject({ sockets: [{ subscriptions: [] }], feeds: [] });
    test.open(1, 1);
    void test.subscribe(1, 1, 'newHeads');
    test.close(1, 1);
    await sleep(100);
    await until(() => node.subscriptions() === 0 && node.sockets() === 0);
    expect(test.hub.state().feeds).toEqual([]);
  });

  it('go on without a gap where their upstream dies, and where all do', async () => {
    const chain = new BlockChain(5);
    const [one, other] = [await nodeOf(chain), await nodeOf(chain)];
    const test = hubOf([both(one, 'one'), both(other, 'other')]);
    test.open(0, 1);
    const heads = await listen(test, 'newHeads');
    chain.grow(2);
    one.announce();
    await until(() => heads.results().length === 2);
    await one.kill();
    chain.grow(3);
    other.announce();
    await until(() => heads.results().length === 5);
    expect(test.hub.state().feeds[0]!.source.upstream).toBe('other');
    await other.kill();
    chain.grow(20);
    chain.fork(2, 4);
    await one.revive();
    await until(() => heads.results().length === 27);
    expect(hashesOf(heads.results())).toEqual(chain.blocks.slice(5).map(({ head }) => head.hash));
    expect(test.events.map(({ type }) => type)).toContain('gap.filled');
  });

  it('of a reorg are told from the fork on, also where the node tells only its newest', async () => {
    const chain = new BlockChain(9);
    const node = await nodeOf(chain);
    const test = hubOf([both(node, 'one')]);
    test.open(0, 1);
    const heads = await listen(test, 'newHeads');
    chain.grow(3);
    node.announce();
    chain.fork(2, 3);
    node.announce();
    await until(() => heads.results().length === 6);
    expect(hashesOf(heads.results())).toEqual(chain.blocks.slice(9).map(({ head }) => head.hash));
    expect(test.events.at(-1)).toMatchObject({ type: 'chain.reorg', removed: 2, added: 3 });
  });

  it('come by polling where no upstream has WebSocket', async () => {
    const chain = new BlockChain(5);
    const node = await nodeOf(chain);
    const test = hubOf([{ name: 'one', url: node.url }]);
    test.open(0, 1);
    const heads = await listen(test, 'newHeads');
    expect(heads.source).toEqual({ upstream: 'one', via: 'polling' });
    chain.grow(4);
    await until(() => heads.results().length === 4);
    chain.fork(1, 2);
    await until(() => heads.results().length === 6);
    expect(hashesOf(heads.results())).toEqual(chain.blocks.slice(5).map(({ head }) => head.hash));
    expect(JSON.parse(heads.results()[0]!)).not.toHaveProperty('transactions');
    expect(node.sockets()).toBe(0);
  });

  it('are refused while nobody can be reached, and there once somebody can', async () => {
    const chain = new BlockChain(5);
    const node = await nodeOf(chain);
    await node.kill();
    const test = hubOf([both(node, 'one')]);
    test.open(0, 1);
    expect(await test.subscribe(0, 1, 'newHeads')).toMatchObject({ fault: { why: 'no_upstream' } });
    expect(test.hub.state().feeds).toEqual([]);
    await node.revive();
    await until(() => node.url !== '');
    const answers = [await test.subscribe(0, 1, 'newHeads'), await test.subscribe(0, 1, 'logs', '{}')];
    expect(answers.map(({ type }) => type)).toEqual(['subscribed', 'subscribed']);
  });

  it('end where a gap is too large to fill', async () => {
    const chain = new BlockChain(5);
    const node = await nodeOf(chain);
    const test = hubOf([both(node, 'one')], {
      subscriptions: { poll_interval: '100ms', max_backfill: 10 },
    });
    test.open(0, 1);
    const heads = await listen(test, 'newHeads');
    await node.kill();
    chain.grow(30);
    await node.revive();
    await until(() => test.said.some(({ message }) => message.type === 'feed-ended'));
    expect(test.said.at(-1)!.message).toEqual({
      type: 'feed-ended',
      feed: heads.feed,
      reason: 'a gap of 29 blocks',
    });
    // The next one begins anew.
    test.close(0, 1);
    test.open(0, 1);
    await listen(test, 'newHeads');
  });
});

describe('a source that is no good is left', () => {
  const down = (upstreams: UpstreamBoard, slot: number): void => upstreams.setHealth(slot, health.down, 1);

  async function two(over: object = { health: { interval: '1s' } }) {
    const chain = new BlockChain(9);
    const [one, other] = [await nodeOf(chain), await nodeOf(chain)];
    const test = hubOf([both(one, 'one'), both(other, 'other')], over);
    for (const slot of [0, 1]) {
      test.upstreams.setHealth(slot, health.up, 0);
      test.upstreams.setHead(slot, 8);
    }
    test.heads.publish(8, 0);
    test.open(0, 1);
    const heads = await listen(test, 'newHeads');
    expect(heads.source.upstream).toBe('one');
    const source = () => test.hub.state().feeds[0]!.source.upstream;
    return { chain, one, other, test, heads, source };
  }

  it('when checks find it down', async () => {
    const { chain, other, test, heads, source } = await two();
    down(test.upstreams, 0);
    await until(() => source() === 'other');
    chain.grow(1);
    other.announce();
    await until(() => heads.results().length === 1);
  });

  it('when it falls behind', async () => {
    const { test, source } = await two();
    test.upstreams.setHead(1, 20);
    test.heads.publish(20, 0);
    await until(() => source() === 'other');
  });

  it('when it is silent while others have a higher head', async () => {
    const { chain, one, other, test, heads, source } = await two();
    one.mute = true;
    chain.grow(1);
    other.announce();
    for (const slot of [0, 1]) test.upstreams.setHead(slot, 9);
    test.heads.publish(9, 0);
    await until(() => source() === 'other');
    await until(() => heads.results().length === 1);
  });

  it.each([
    ['no JSON', 'rubbish'],
    ['no object', '1'],
  ])('when it sends %s', async (_name, text) => {
    const { one, source } = await two();
    one.say(text);
    await until(() => source() === 'other');
  });

  it('when a head of it is none', async () => {
    const { one, source } = await two();
    one.tell('newHeads', { number: 'x' });
    await until(() => source() === 'other');
  });

  it('when its heads have parents that nobody knows', async () => {
    const { chain, one, other, heads, source } = await two();
    one.tell('newHeads', { number: '0x9', hash: `0x${'1'.repeat(64)}`, parentHash: `0x${'2'.repeat(64)}` });
    await until(() => source() === 'other');
    chain.grow(1);
    other.announce();
    await until(() => heads.results().length === 1);
  });

  it('when it leaves the config, without a gap; others are not disturbed by a reload', async () => {
    const { chain, one, other, test, heads, source } = await two({});
    test.update({ ...quiet, upstreams: [both(one, 'one'), both(other, 'other')], max_block_lag: 9 });
    await sleep(50);
    expect(source()).toBe('one');
    test.update({ ...quiet, upstreams: [both(other, 'other')] });
    chain.grow(2);
    other.announce();
    await until(() => heads.results().length === 2);
    expect(source()).toBe('other');
    await until(() => one.sockets() === 0);
  });

  it('and one that lags is followed only once it has caught up', async () => {
    const { chain, one, other, heads, source } = await two({});
    chain.grow(3);
    one.announce();
    await until(() => heads.results().length === 3);
    // On another branch, and lower.
    other.chain = new BlockChain(9);
    other.chain.fork(1, 2);
    await one.kill();
    await until(() => source() === 'other');
    other.chain = chain;
    other.lag = 2;
    other.announce();
    await sleep(50);
    expect(heads.results()).toHaveLength(3);
    chain.grow(4);
    other.lag = 0;
    other.announce();
    await until(() => heads.results().length === 7);
    expect(hashesOf(heads.results())).toEqual(chain.blocks.slice(9).map(({ head }) => head.hash));
  });
});

describe('what a node can do to main', () => {
  it('breaks off right behind its answer: heads go on when it is well again', async () => {
    const chain = new BlockChain(5);
    const node = await nodeOf(chain);
    const test = hubOf([both(node, 'one')]);
    test.open(0, 1);
    const heads = await listen(test, 'newHeads');
    node.behindAnswer = 'rubbish';
    await node.kill();
    await node.revive();
    await until(() => node.asked.filter((method) => method === 'eth_subscribe').length >= 3);
    node.behindAnswer = null;
    chain.grow(2);
    await until(() => heads.results().length === 2, 20_000);
  });

  it('breaks off right behind its answer: so do other kinds', async () => {
    const node = await nodeOf(new BlockChain(5));
    const test = hubOf([both(node, 'one')]);
    test.open(0, 1);
    node.behindAnswer = 'rubbish';
    const pending = await listen(test, 'newPendingTransactions');
    await until(() => node.asked.filter((method) => method === 'eth_subscribe').length >= 3);
    node.behindAnswer = null;
    await until(() => {
      node.tell('newPendingTransactions', '0x1');
      return pending.results().length > 0;
    }, 20_000);
  });

  it('answers a subscription too late: it does not go on upstream', async () => {
    const [slow, good] = [await nodeOf(new BlockChain(5)), await nodeOf(new BlockChain(5))];
    slow.subscribeAfterMs = 2500;
    const test = hubOf([both(slow, 'slow'), both(good, 'good')]);
    test.open(0, 1);
    // A second one keeps the socket open.
    const first = test.subscribe(0, 1, 'custom');
    const second = test.subscribe(0, 1, 'newHeads');
    expect([(await first).type, (await second).type]).toEqual(['subscribed', 'subscribed']);
    await until(() => slow.subscriptions() === 0);
  });

  it('takes back what it took: whoever listens is told', async () => {
    const node = await nodeOf(new BlockChain(5));
    const test = hubOf([both(node, 'one')]);
    test.open(0, 1);
    const custom = await listen(test, 'custom');
    node.refusal = { code: -32601, message: 'no more' };
    await node.kill();
    await node.revive();
    await until(() => test.said.some(({ message }) => message.type === 'feed-ended'), 25_000);
    expect(test.said.at(-1)!.message).toMatchObject({ type: 'feed-ended', feed: custom.feed });
    expect(node.asked.filter((method) => method === 'eth_subscribe').length).toBeLessThan(10);
  });

  it('tells a head beyond all measure: it alone is left', async () => {
    const chain = new BlockChain(9);
    const [liar, good] = [await nodeOf(chain), await nodeOf(chain)];
    const test = hubOf([both(liar, 'liar'), both(good, 'good')]);
    test.heads.publish(8, 0);
    test.open(0, 1);
    const heads = await listen(test, 'newHeads');
    liar.tell('newHeads', {
      number: '0xffffff',
      hash: `0x${'1'.repeat(64)}`,
      parentHash: `0x${'2'.repeat(64)}`,
    });
    await until(() => test.hub.state().feeds[0]!.source.upstream === 'good');
    chain.grow(1);
    good.announce();
    await until(() => heads.results().length === 1);
  });

  it('stands for several of different heights and branches: nobody is told of it', async () => {
    const chain = new BlockChain(20);
    const node = await nodeOf(chain);
    const test = hubOf([{ name: 'one', url: node.url }]);
    test.open(0, 1);
    const heads = await listen(test, 'newHeads');
    const logs = await listen(test, 'logs');
    const other = new BlockChain(17);
    other.fork(3, 3);
    for (let k = 0; k < 8; k++) {
      node.chain = k % 2 === 0 ? other : chain;
      node.lag = k % 3;
      await sleep(60);
    }
    node.chain = chain;
    node.lag = 0;
    chain.grow(2);
    await until(() => heads.results().length === 2);
    expect(logs.results().filter((text) => text.includes('"removed":true'))).toEqual([]);
    expect(test.events.filter(({ type }) => type === 'chain.reorg')).toEqual([]);
  });

  it('begins its chain anew: whoever listens is told that it is another one', async () => {
    const node = await nodeOf(new BlockChain(50));
    const test = hubOf([{ name: 'one', url: node.url }]);
    test.open(0, 1);
    await listen(test, 'newHeads');
    node.chain = new BlockChain(1);
    node.chain.fork(0, 3);
    await until(() => test.said.some(({ message }) => message.type === 'feed-ended'), 20_000);
    expect(test.said.at(-1)!.message).toMatchObject({ reason: 'the chain was replaced by another one' });
  });
});

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

describe('other kinds', () => {
  it('are passed on as they are: pending transactions and syncing shared, unknown ones not', async () => {
    const node = await nodeOf(new BlockChain(5));
    const test = hubOf([both(node, 'one')]);
    test.open(0, 1);
    const kinds = [
      await listen(test, 'newPendingTransactions'),
      await listen(test, 'newPendingTransactions', 'false'),
      await listen(test, 'syncing'),
      await listen(test, 'syncing'),
      await listen(test, 'custom', '{"a":1.0}'),
      await listen(test, 'custom', '{"a":1.0}'),
    ];
    expect(node.subscriptions()).toBe(4);
    expect(node.sockets()).toBe(1);
    node.tell('newPendingTransactions', '0xhash');
    node.tell('custom', { any: [1, 'é'] });
    await until(() => kinds[5]!.results().length === 1);
    expect(kinds[0]!.results()).toEqual(['"0xhash"']);
    expect(kinds[4]!.results()).toEqual(['{"any":[1,"é"]}']);
    test.close(0, 1);
    await until(() => node.subscriptions() === 0 && node.sockets() === 0);
  });

  it('get the node’s own refusal', async () => {
    const node = await nodeOf(new BlockChain(5));
    node.refusal = { code: -32601, message: 'no "custom" subscription' };
    const test = hubOf([both(node, 'one')]);
    test.open(0, 1);
    expect(await test.subscribe(0, 1, 'custom')).toMatchObject({
      fault: { why: 'node_error', error: '{"code":-32601,"message":"no \\"custom\\" subscription"}' },
    });
    await until(() => node.sockets() === 0);
  });

  it('need an upstream with WebSocket', async () => {
    const node = await nodeOf(new BlockChain(5));
    const test = hubOf([{ url: node.url }]);
    test.open(0, 1);
    expect(await test.subscribe(0, 1, 'newPendingTransactions')).toMatchObject({
      fault: { why: 'unsupported' },
    });
  });

  it('are subscribed to elsewhere where their upstream dies', async () => {
    const chain = new BlockChain(5);
    const [one, other] = [await nodeOf(chain), await nodeOf(chain)];
    const test = hubOf([both(one, 'one'), both(other, 'other')]);
    test.open(0, 1);
    const pending = await listen(test, 'newPendingTransactions');
    await one.kill();
    await until(() => other.subscriptions() === 1);
    other.tell('newPendingTransactions', '0x1');
    await until(() => pending.results().length === 1);
  });
});

describe('bounds', () => {
  it('of subscriptions hold over all workers, and a worker that dies leaves nothing behind', async () => {
    const node = await nodeOf(new BlockChain(5));
    const test = hubOf([both(node, 'one')]);
    test.open(0, 1);
    test.open(1, 1);
    expect((await test.subscribe(0, 1, 'newHeads', '', 2)).type).toBe('subscribed');
    expect((await test.subscribe(1, 1, 'newHeads', '', 2)).type).toBe('subscribed');
    expect(await test.subscribe(0, 1, 'logs', '', 2)).toMatchObject({ fault: { why: 'too_many', limit: 2 } });
    test.hub.dropWorker(1);
    expect((await test.subscribe(0, 1, 'logs', '', 2)).type).toBe('subscribed');
    test.hub.dropWorker(0);
    await until(() => node.subscriptions() === 0 && node.sockets() === 0);
    expect(test.hub.state()).toEqual({ sockets: [], feeds: [] });
    expect(test.events.at(-1)).toEqual({ type: 'sockets.lost', worker: 0, count: 1 });
  });

  it('2,000 that come and go leave no subscription upstream', async () => {
    const node = await nodeOf(new BlockChain(5));
    const test = hubOf([both(node, 'one')]);
    const kinds = ['newHeads', 'logs', 'syncing', 'custom'];
    await Promise.all(
      Array.from({ length: 2000 }, async (_, socket) => {
        const worker = socket % 2;
        test.open(worker, socket);
        const asked = test.subscribe(worker, socket, kinds[socket % 4]!);
        if (socket % 3 === 0) return test.close(worker, socket);
        const answer = await asked;
        if (socket % 3 === 1 && answer.type === 'subscribed') test.unsubscribe(worker, socket, answer.ask);
        test.close(worker, socket);
      }),
    );
    await until(() => node.subscriptions() === 0 && node.sockets() === 0);
    expect(test.hub.state()).toEqual({ sockets: [], feeds: [] });
  });

  it('a network that is no longer served ends its feeds', async () => {
    const node = await nodeOf(new BlockChain(5));
    const test = hubOf([both(node, 'one')]);
    test.open(0, 1);
    const heads = await listen(test, 'newHeads');
    test.update({ ...quiet, networks: { other: { path: '/other', upstreams: [{ url: node.url }] } } });
    expect(test.said.at(-1)!.message).toMatchObject({ type: 'feed-ended', feed: heads.feed });
    await until(() => node.sockets() === 0);
  });
});
