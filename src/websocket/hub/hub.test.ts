import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { BlockChain } from './testing/block-chain.ts';
import { both, closeHubs, hashesOf, hubOf, listen, nodeOf, quiet, until } from './testing/hubs.ts';

afterEach(closeHubs);

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
