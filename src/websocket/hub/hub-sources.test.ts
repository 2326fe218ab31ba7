import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { health, type UpstreamBoard } from '../../upstream/index.ts';
import { BlockChain } from './testing/block-chain.ts';
import { both, closeHubs, hashesOf, hubOf, listen, nodeOf, quiet, until } from './testing/hubs.ts';

afterEach(closeHubs);

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
