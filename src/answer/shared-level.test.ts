import { describe, expect, test } from 'vitest';
import { AGAIN_MS, HEARD_MS, HOLD_MS, LOOK_MS } from './shared-chain.ts';
import type { Caller } from './testing/caller.ts';
import { cachePolicy, createFixture, FakeClock, type Fixture, networkPolicy } from './testing/fixture.ts';
import { SharedStoreModel } from './testing/shared-store-model.ts';

const cache = {
  ...cachePolicy,
  methods: [{ pattern: 'my_time', ttlMs: 5000 }],
  shared: { ttlMs: 60_000, maxValueBytes: 100_000 },
};

/** Rooms of as many instances before one store; each with a node of its own, which knows the blocks of `chain`. */
function instances(count: number, over: Parameters<typeof createFixture>[0][] = []) {
  const clock = new FakeClock();
  const model = new SharedStoreModel(() => 1.7e12 + clock.micros / 1000);
  const chains = Array.from({ length: count }, () => 'a');
  const rooms = Array.from({ length: count }, (_, index) =>
    createFixture({ cache, ...over[index] }, { shared: model.store, clock }),
  );

  /** Tells those that ask for the agreed block, and whatever follows. */
  function agree(): void {
    for (let rounds = 0; rounds < 4; rounds++) {
      model.deliver();
      for (const [index, { pool }] of rooms.entries())
        for (const open of pool.open)
          if (open.method === 'eth_getBlockByNumber' && open.text.includes('"0x5a"'))
            open.answer(chains[index] === '' ? 'null' : `{"hash":"${chains[index]}"}`);
    }
  }

  function ask(room: Fixture, method: string, params: string): Caller {
    const caller = room.call(method, params);
    agree();
    return caller;
  }

  /** What is kept nowhere yet. */
  let fresh = 0;
  function join(): void {
    clock.pass(LOOK_MS + 1);
    for (const room of rooms) {
      ask(room, 'my_time', `["fresh ${fresh++}"]`);
      for (const { answer } of room.pool.open) answer('"0x0"');
    }
    agree();
  }

  const answer = (room: Fixture, result = '"0x1"'): void => {
    for (const open of room.pool.open) open.answer(result);
    agree();
  };
  join();
  join();
  return { clock, model, chains, rooms, ask, answer, join };
}

const final = '["0x1","0x5"]';

/** Does the second have what the first was answered? */
function shares(
  set: ReturnType<typeof instances>,
  method: string,
  params: string,
  result?: string,
): Caller['source'] {
  const [one, other] = set.rooms as [Fixture, Fixture];
  set.ask(one, method, params);
  set.answer(one, result);
  const caller = set.ask(other, method, params);
  set.answer(other, result);
  expect(JSON.parse(caller.outcome.text).id).toBe(Number(caller.id));
  return caller.source;
}

describe('what one instance kept', () => {
  test.each<[string, string, string | undefined, Caller['source']]>([
    ['eth_getBalance', final, '"0x1"', 'shared'],
    ['eth_chainId', '[]', '"0x1"', 'shared'],
    ['eth_getTransactionReceipt', '["0x1"]', '{"blockNumber":"0x5"}', 'shared'],
    ['eth_getBlockByHash', `["0x${'a'.repeat(64)}"]`, '{"number":"0x5"}', 'shared'],
    ['my_time', '[1]', '"0x1"', 'shared'],
    // Not final yet, though by its hash it is kept.
    ['eth_getBlockByHash', `["0x${'b'.repeat(64)}"]`, '{"number":"0x5f"}', 'upstream'],
    ['eth_getBalance', '["0x1","0x5f"]', '"0x1"', 'upstream'],
    ['eth_getBalance', '["0x1","latest"]', '"0x1"', 'upstream'],
    ['eth_gasPrice', '[]', '"0x1"', 'upstream'],
    ['eth_getTransactionReceipt', '["0x2"]', 'null', 'upstream'],
  ])('%s %s, answered %s: the other has it from %4$s', (method, params, result, from) => {
    expect(shares(instances(2), method, params, result)).toBe(from);
  });

  test('a large answer is given byte for byte', () => {
    const set = instances(2);
    const result = JSON.stringify({ number: '0x5', data: 'f'.repeat(50_000) });
    expect(shares(set, 'eth_getBlockByNumber', '["0x5",true]', result)).toBe('shared');
    const last = set.rooms[1]!.call('eth_getBlockByNumber', '["0x5",true]', '"mine"');
    expect(last).toMatchObject({ source: 'cache' });
    expect(last.outcome.text).toBe(`{"jsonrpc":"2.0","id":"mine","result":${result}}`);
  });

  test('one that is longer than the bound stays where it is', () => {
    expect(shares(instances(2), 'my_time', '[1]', `"${'f'.repeat(100_000)}"`)).toBe('upstream');
  });

  test('networks of another name, chain, node or rule share nothing', () => {
    for (const differs of [
      { name: 'other' },
      { chainId: 2 },
      { kind: 'generic' as const },
      { upstreams: networkPolicy().upstreams.slice(1) },
      { cache: { ...cache, finalityDepth: 1 } },
      { cache: { ...cache, methods: [{ pattern: 'my_time', ttlMs: 6000 }] } },
    ])
      expect(shares(instances(2, [{}, differs]), 'my_time', '[1]')).toBe('upstream');
    const sizes = { cache: { ...cache, maxBytes: 1 << 19, shared: { ttlMs: 1000, maxValueBytes: 500 } } };
    expect(shares(instances(2, [{}, sizes]), 'my_time', '[1]')).toBe('shared');
  });

  test('is not given where its block is not final', () => {
    const set = instances(2);
    set.rooms[1]!.chain.finalized = 4;
    set.rooms[1]!.chain.epoch++;
    expect(shares(set, 'eth_getBalance', final)).toBe('upstream');
  });
});

test('identical calls look once, and whoever joined one that found nothing is answered with it', () => {
  const set = instances(2);
  const [one, other] = set.rooms as [Fixture, Fixture];
  set.ask(one, 'eth_getBalance', final);
  set.answer(one);
  const { reads } = set.model.count;
  const sent = other.pool.sent.length;
  const callers = Array.from({ length: 64 }, () => other.call('eth_getBalance', final));
  set.model.deliver();
  expect(set.model.count.reads).toBe(reads + 1);
  expect(other.pool.sent.length).toBe(sent);
  expect(callers.map(({ source }) => source)).toEqual([
    'shared',
    ...Array.from({ length: 63 }, () => 'joined'),
  ]);
  for (const { outcome, id } of callers)
    expect(JSON.parse(outcome.text)).toMatchObject({ id: Number(id), result: '0x1' });

  const missed = Array.from({ length: 3 }, () => other.call('my_time', '[7]'));
  set.model.deliver();
  expect(other.pool.open.map(({ text }) => JSON.parse(text).params)).toEqual([[7]]);
  set.answer(other, '"0x7"');
  for (const { outcome } of missed) expect(JSON.parse(outcome.text).result).toBe('0x7');
});

test('the rest of a time is no new time', () => {
  const set = instances(2);
  const [one, other] = set.rooms as [Fixture, Fixture];
  set.ask(one, 'my_time', '[1]');
  set.answer(one);
  set.clock.pass(HEARD_MS);
  expect(set.ask(other, 'my_time', '[1]').source).toBe('shared');
  set.clock.pass(4990 - HEARD_MS);
  expect(other.call('my_time', '[1]').source).toBe('cache');
  set.clock.pass(10);
  expect(other.call('my_time', '[1]').source).toBe('upstream');
});

test('a policy that changes meanwhile: the call goes to the upstream, and its answer is not kept', () => {
  const set = instances(2);
  const [one, other] = set.rooms as [Fixture, Fixture];
  set.ask(one, 'my_time', '[1]');
  set.answer(one);
  const caller = other.call('my_time', '[1]');
  other.room.update(networkPolicy({ cache, chainId: 7 }));
  set.model.deliver();
  expect(caller.ended).toEqual([]);
  set.answer(other, '"0x7"');
  expect(JSON.parse(caller.outcome.text).result).toBe('0x7');
  expect(other.room.stats()).toMatchObject({ entries: 0 });
  // And without anything shared.
  other.room.update(networkPolicy({ cache: { ...cache, shared: null } }));
  const { reads } = set.model.count;
  other.call('my_time', '[1]');
  expect(set.model.count.reads).toBe(reads);
});

describe('the chain that instances agree on', () => {
  test('a store that is away, or was not heard for long, holds nothing', () => {
    const set = instances(2);
    set.model.there = false;
    expect(shares(set, 'eth_getBalance', final)).toBe('upstream');
    set.model.there = true;
    set.join();
    expect(shares(set, 'eth_getBalance', '["0x2","0x5"]')).toBe('shared');
    // After a pause it is heard with the same turn.
    set.clock.pass(HEARD_MS + LOOK_MS);
    expect(shares(set, 'eth_getBalance', '["0x3","0x5"]')).toBe('shared');
  });

  test('an instance whose nodes have another block there: nobody shares for a minute, and then not with it', () => {
    const set = instances(3);
    expect(shares(set, 'eth_getBalance', final)).toBe('shared');
    set.chains[2] = 'b';
    // It has to look anew: as after a restart.
    set.rooms[2]!.room.update(networkPolicy({ cache: { ...cache, shared: null } }));
    set.rooms[2]!.room.update(networkPolicy({ cache }));
    set.join();
    expect([...set.model.kept].find(([name]) => name.startsWith('chain:'))![1].value.toString()).toBe('hold');
    set.join();
    expect(shares(set, 'eth_getBalance', '["0x2","0x5"]')).toBe('upstream');
    set.chains[2] = 'a';
    set.clock.pass(HOLD_MS);
    set.join();
    set.join();
    expect(shares(set, 'eth_getBalance', '["0x3","0x5"]')).toBe('shared');
    // What was shared before is not found again.
    expect(set.ask(set.rooms[2]!, 'eth_getBalance', final).source).toBe('upstream');
  });

  test('an instance whose nodes do not have the block yet stays out, and the others go on', () => {
    const set = instances(3);
    set.chains[2] = '';
    set.rooms[2]!.room.update(networkPolicy({ cache: { ...cache, shared: null } }));
    set.rooms[2]!.room.update(networkPolicy({ cache }));
    set.join();
    set.join();
    expect(shares(set, 'eth_getBalance', final)).toBe('shared');
    expect(set.ask(set.rooms[2]!, 'eth_getBalance', final).source).toBe('upstream');
    set.answer(set.rooms[2]!);
    set.chains[2] = 'a';
    set.clock.pass(AGAIN_MS);
    set.join();
    set.ask(set.rooms[0]!, 'eth_getBalance', '["0x2","0x5"]');
    set.answer(set.rooms[0]!);
    expect(set.ask(set.rooms[2]!, 'eth_getBalance', '["0x2","0x5"]').source).toBe('shared');
  });

  test('final blocks that are replaced', () => {
    const set = instances(2);
    expect(shares(set, 'eth_getBalance', final)).toBe('shared');
    set.rooms[0]!.chain.reorg(80, 100, 79);
    set.join();
    expect([...set.model.kept].find(([name]) => name.startsWith('chain:'))![1].value.toString()).toBe('hold');
    set.join();
    expect(shares(set, 'eth_getBalance', '["0x2","0x5"]')).toBe('upstream');
  });
});
