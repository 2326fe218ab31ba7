import { describe, expect, test } from 'vitest';
import { cachePolicy, createFixture, type Fixture, networkPolicy } from './testing/fixture.ts';
import { Caller, callText } from './testing/caller.ts';

const hash = `0x${'ab'.repeat(32)}`;

/** Does a second call of the kind, after one that was answered so, come from the cache? */
function isKept(
  fixture: Fixture,
  method: string,
  params: string | undefined,
  result: string,
  via?: number,
): boolean {
  fixture.fill(method, params, result, via);
  return fromCache(fixture, method, params);
}

function fromCache(fixture: Fixture, method: string, params?: string): boolean {
  const caller = fixture.call(method, params);
  for (const open of fixture.pool.open) open.fail();
  return caller.source === 'cache';
}

test('a hit is the answer of the upstream with the id of the caller, byte for byte', () => {
  const fixture = createFixture();
  const first = fixture.fill('eth_chainId', undefined, '"0x1"');
  expect(first.outcome.text).toBe('{"jsonrpc":"2.0","id":1,"result":"0x1"}');
  for (const id of ['9007199254740993', '1.0', '1e400', String.raw`"\u0000\""`, 'null', '"\xc3\xbc"']) {
    const caller = fixture.call('eth_chainId', undefined, id);
    expect(caller.outcome).toMatchObject({
      text: `{"jsonrpc":"2.0","id":${id},"result":"0x1"}`,
      isError: false,
    });
    expect(caller.source).toBe('cache');
  }
  expect(fixture.pool.sent).toHaveLength(1);
  expect(fixture.room.stats()).toMatchObject({ hits: 6, misses: 1, joined: 0, stores: 1, entries: 1 });
});

test('a large answer too', () => {
  const fixture = createFixture();
  const result = `{"number":"0x5","data":"${'f'.repeat(50_000)}"}`;
  fixture.fill('eth_getBlockByNumber', '["0x5",true]', result);
  const caller = fixture.call('eth_getBlockByNumber', '["0x5", true]', '"mine"');
  expect(caller.outcome.text).toBe(`{"jsonrpc":"2.0","id":"mine","result":${result}}`);
});

test('errors, null and results of what is still to come are not kept', () => {
  const fixture = createFixture();
  fixture.call('eth_chainId');
  fixture.pool.open[0]!.error('{"code":-32000,"message":"no"}');
  expect(fromCache(fixture, 'eth_chainId')).toBe(false);
  const by = (method: string, result: string) => isKept(createFixture(), method, `["${hash}"]`, result);
  expect(by('eth_getTransactionReceipt', 'null')).toBe(false);
  expect(by('eth_getTransactionByHash', '{"blockNumber":null}')).toBe(false);
  expect(by('eth_getTransactionByHash', '{"hash":"0x1"}')).toBe(false);
  expect(by('eth_getTransactionReceipt', '{"logs":[{"blockNumber":"0x1"}],"blockNumber":"0x65"}')).toBe(
    false,
  );
  expect(by('eth_getBlockByHash', 'null')).toBe(false);
  expect(by('eth_getBlockReceipts', '[]')).toBe(false);
  expect(by('eth_getBlockReceipts', '[{"blockNumber":"0x5"}]')).toBe(true);
  expect(isKept(fixture, 'eth_getBlockByNumber', '["0x1",false]', 'null')).toBe(false);
  expect(isKept(fixture, 'eth_getBlockByNumber', '["0x65",false]', '{"number":"0x65"}')).toBe(false);
  expect(isKept(fixture, 'eth_getBalance', '["0x1","pending"]', '"0x1"')).toBe(false);
});

describe('an answer at the head', () => {
  const latest = '["0x1","latest"]';
  const kept = (via?: number, fixture = createFixture()): [boolean, Fixture] => [
    isKept(fixture, 'eth_getBalance', latest, '"0x1"', via),
    fixture,
  ];

  test.each<[string, (fixture: Fixture) => void]>([
    ['the head moves', ({ chain }) => chain.move(101, 90)],
    ['a transaction passes', ({ chain }) => chain.epoch++],
    [
      'somebody is told a higher block',
      ({ chain }) => {
        chain.served = 101;
      },
    ],
    ['a reorg', ({ chain }) => chain.reorg(100, 100, 90)],
    ['headTtlMs is over', ({ clock }) => clock.pass(2000)],
  ])('is kept until %s', (_, happens) => {
    const [isThere, fixture] = kept();
    expect(isThere).toBe(true);
    happens(fixture);
    expect(fromCache(fixture, 'eth_getBalance', latest)).toBe(false);
  });

  test('counts its time from when the call was sent', () => {
    const fixture = createFixture();
    fixture.call('eth_blockNumber');
    fixture.clock.pass(1500);
    fixture.pool.open[0]!.answer('"0x64"');
    fixture.clock.pass(400);
    expect(fromCache(fixture, 'eth_blockNumber')).toBe(true);
    fixture.clock.pass(100);
    expect(fromCache(fixture, 'eth_blockNumber')).toBe(false);
  });

  test('is not kept where the head moved on the way', () => {
    const fixture = createFixture();
    fixture.call('eth_blockNumber');
    fixture.chain.epoch++;
    fixture.pool.open[0]!.answer('"0x64"');
    expect(fromCache(fixture, 'eth_blockNumber')).toBe(false);
  });

  test('is not kept from an upstream that is behind it, or was never checked', () => {
    const fixture = createFixture();
    fixture.heads.set(1, 99).set(2, -1);
    expect(kept(1, fixture)[0]).toBe(false);
    expect(kept(2, fixture)[0]).toBe(false);
    fixture.chain.served = 101;
    expect(kept(0, fixture)[0]).toBe(false);
    expect(isKept(fixture, 'eth_chainId', undefined, '"0x1"', 2)).toBe(false);
    expect(isKept(fixture, 'eth_getBalance', '["0x1","0x5"]', '"0x1"', 1)).toBe(true);
  });

  test('is not kept from one that has only now caught up, but the next is', () => {
    const fixture = createFixture();
    fixture.heads.set(1, 99);
    fixture.chain.epoch++;
    fixture.call('eth_getBalance', latest);
    fixture.heads.set(1, 100);
    fixture.pool.open[0]!.answer('"0x1"', 1);
    expect(fromCache(fixture, 'eth_getBalance', latest)).toBe(false);
    expect(kept(1, fixture)[0]).toBe(true);
  });

  test('that is a block number is kept from the highest told on', () => {
    const fixture = createFixture();
    fixture.chain.served = 101;
    expect(isKept(fixture, 'eth_blockNumber', undefined, '"0x64"')).toBe(false);
    fixture.call('eth_blockNumber');
    fixture.chain.served = 102;
    fixture.pool.open[0]!.answer('"0x66"');
    expect(fromCache(fixture, 'eth_blockNumber')).toBe(true);
    fixture.chain.move(103, 90);
    expect(isKept(fixture, 'eth_blockNumber', undefined, '"0x66"')).toBe(false);
  });

  test('is not kept without a head, or with headTtlMs 0', () => {
    const blind = createFixture();
    blind.chain.move(-1, -1);
    blind.heads.set(0, 100);
    expect(kept(0, blind)[0]).toBe(false);
    expect(kept(0, createFixture({ cache: { ...cachePolicy, headTtlMs: 0 } }))[0]).toBe(false);
  });
});

describe('a reorg', () => {
  const at = (height: number) => `["0x1","0x${height.toString(16)}"]`;
  const filled = (): Fixture => {
    const fixture = createFixture();
    fixture.fill('eth_chainId', undefined, '"0x1"');
    for (const height of [50, 60, 70]) fixture.fill('eth_getBalance', at(height), `"${height}"`);
    fixture.fill('eth_getBlockByHash', `["${hash}",true]`, '{"number":"0x3c"}');
    return fixture;
  };

  test('drops what is of its blocks, final or not, and nothing else', () => {
    const fixture = filled();
    fixture.chain.reorg(60, 100, 90);
    expect(fromCache(fixture, 'eth_chainId')).toBe(true);
    expect([50, 60, 70].map((height) => fromCache(fixture, 'eth_getBalance', at(height)))).toEqual([
      true,
      false,
      false,
    ]);
    expect(fromCache(fixture, 'eth_getBlockByHash', `["${hash}",true]`)).toBe(false);
    expect(fixture.room.stats().reorgDrops).toBe(3);
  });

  test('that was one of several drops everything, and so does one from the first block on', () => {
    const fixture = filled();
    fixture.chain.reorg(40, 100, 90);
    fixture.chain.reorg(95, 100, 90);
    expect(fromCache(fixture, 'eth_getBalance', at(50))).toBe(false);
    expect(fromCache(fixture, 'eth_chainId')).toBe(false);
    const other = filled();
    other.chain.reorg(1, 100, 90);
    expect(fromCache(other, 'eth_chainId')).toBe(true);
    other.chain.reorg(0, 100, 90);
    expect(fromCache(other, 'eth_chainId')).toBe(false);
  });

  test('on the way of a call: its answer is not kept', () => {
    const fixture = createFixture();
    fixture.call('eth_getBalance', at(50));
    fixture.chain.reorg(100, 100, 90);
    fixture.pool.open[0]!.answer('"0x1"');
    expect(fromCache(fixture, 'eth_getBalance', at(50))).toBe(false);
  });
});

describe('what a config says', () => {
  const withMethods = (methods: [string, number][], over = {}): Fixture =>
    createFixture({
      cache: { ...cachePolicy, methods: methods.map(([pattern, ttlMs]) => ({ pattern, ttlMs })) },
      ...over,
    });

  test('comes before what is known: a time, never, for ever', () => {
    const fixture = withMethods([
      ['eth_get*', 5000],
      ['eth_getCode', 0],
      ['foo_*', Number.POSITIVE_INFINITY],
    ]);
    expect(isKept(fixture, 'eth_getBalance', '["0x1","pending"]', '"0x1"')).toBe(true);
    fixture.chain.move(101, 90);
    expect(fromCache(fixture, 'eth_getBalance', '["0x1","pending"]')).toBe(true);
    fixture.clock.pass(5000);
    expect(fromCache(fixture, 'eth_getBalance', '["0x1","pending"]')).toBe(false);
    expect(isKept(fixture, 'eth_getCode', '["0x1","0x1"]', '"0x1"')).toBe(false);
    expect(isKept(fixture, 'foo_bar', undefined, '1')).toBe(true);
    fixture.chain.reorg(1, 101, 90);
    fixture.clock.pass(1e9);
    expect(fromCache(fixture, 'foo_bar')).toBe(true);
  });

  test('never lets a block by tag outlive its head either', () => {
    const fixture = withMethods([['eth_get*', 60_000]]);
    expect(isKept(fixture, 'eth_getBlockByNumber', '["latest",false]', '{"number":"0x64"}')).toBe(true);
    fixture.chain.move(101, 90);
    expect(fromCache(fixture, 'eth_getBlockByNumber', '["latest",false]')).toBe(false);
  });

  test('never lets a block number outlive its head', () => {
    const fixture = withMethods([['*', 60_000]]);
    expect(isKept(fixture, 'eth_blockNumber', undefined, '"0x64"')).toBe(true);
    fixture.clock.pass(30_000);
    expect(fromCache(fixture, 'eth_blockNumber')).toBe(true);
    fixture.chain.move(101, 90);
    expect(fromCache(fixture, 'eth_blockNumber')).toBe(false);
  });

  test('is all there is on other chains', () => {
    const fixture = withMethods([['get*', 1000]], { kind: 'generic' });
    expect(isKept(fixture, 'eth_chainId', undefined, '"0x1"')).toBe(false);
    expect(isKept(fixture, 'getSlot', undefined, '1')).toBe(true);
  });

  test('of a method named like a member of all objects', () => {
    expect(isKept(createFixture(), 'constructor', undefined, '1')).toBe(false);
  });
});

test('unsafe calls and notifications go to the pool as they are', () => {
  const { room, pool } = createFixture();
  const unsafe = new Caller(callText('1', 'eth_chainId'));
  unsafe.safe = false;
  const notification = new Caller('{"jsonrpc":"2.0","method":"eth_chainId"}');
  for (const caller of [unsafe, notification, unsafe]) room.send(caller);
  expect(pool.sent).toHaveLength(3);
  expect(room.stats()).toMatchObject({ misses: 0, joined: 0 });
});

test('holds: would it ask no upstream?', () => {
  const { room, fill, call } = createFixture();
  const caller = (method: string) => new Caller(callText('7', method));
  expect(room.holds(caller('eth_chainId'))).toBe(false);
  fill('eth_chainId', undefined, '"0x1"');
  call('eth_gasPrice');
  expect(['eth_chainId', 'eth_gasPrice', 'eth_syncing'].map((each) => room.holds(caller(each)))).toEqual([
    true,
    true,
    false,
  ]);
  const held = caller('eth_chainId');
  expect(room.holds(held)).toBe(true);
  room.send(held);
  expect(held.outcome.text).toBe('{"jsonrpc":"2.0","id":7,"result":"0x1"}');
  const between = caller('eth_gasPrice');
  room.holds(between);
  expect(call('eth_chainId').outcome.text).toContain('"0x1"');
  room.send(between);
  expect(between.source).toBe('joined');
});

test('what was held before the head moved is not given to a call that waited in between', () => {
  const { room, pool, chain, fill } = createFixture();
  fill('eth_gasPrice', undefined, '"0x1"');
  const caller = new Caller(callText('7', 'eth_gasPrice'));
  expect(room.holds(caller)).toBe(true);
  chain.move(101, 91);
  room.send(caller);
  expect(caller.ended).toEqual([]);
  expect(pool.open).toHaveLength(1);
});

test('an update keeps what still holds, and nothing of other upstreams or another chain', () => {
  const upstreams = [{ host: 'd', port: 1, path: '/', tls: false }] as never;
  const next: [object, boolean][] = [
    [{ timeoutMs: 1 }, true],
    [{ cache: { ...cachePolicy, maxEntryBytes: 1000 } }, true],
    [{ cache: { ...cachePolicy, maxBytes: 10 } }, false],
    [{ cache: null }, false],
    [{ chainId: 2 }, false],
    [{ upstreams }, false],
    [{ cache: { ...cachePolicy, methods: [{ pattern: 'x', ttlMs: Number.POSITIVE_INFINITY }] } }, false],
  ];
  for (const [over, stays] of next) {
    const fixture = createFixture();
    fixture.fill('eth_chainId', undefined, '"0x1"');
    fixture.room.update(networkPolicy(over));
    expect(fromCache(fixture, 'eth_chainId'), JSON.stringify(over)).toBe(stays);
  }
});

test('without cache and joining every call goes to the pool', () => {
  const { call, pool, room } = createFixture({ cache: null, coalesce: false });
  call('eth_chainId');
  call('eth_chainId');
  expect(pool.sent).toHaveLength(2);
  expect(room.stats().misses).toBe(0);
});

describe('a reload', () => {
  const call = (fixture: Fixture): unknown => fixture.call('eth_chainId', '[]');

  test('to another chain: calls under way are joined and kept by nobody', () => {
    const fixture = createFixture();
    call(fixture);
    fixture.room.update(networkPolicy({ chainId: 100 }));
    call(fixture);
    expect(fixture.pool.open).toHaveLength(2);
    fixture.pool.open[0]!.answer('"0x1"');
    expect(fromCache(fixture, 'eth_chainId', '[]')).toBe(false);
  });

  test('that changes nothing about answers leaves them and calls under way as they are', () => {
    const fixture = createFixture();
    call(fixture);
    fixture.room.update(networkPolicy({ timeoutMs: 12_345 }));
    call(fixture);
    expect(fixture.pool.open).toHaveLength(1);
    fixture.pool.open[0]!.answer('"0x1"');
    expect(fromCache(fixture, 'eth_chainId', '[]')).toBe(true);
  });
});
