import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Caller } from './testing/caller.ts';
import { cachePolicy, createFixture } from './testing/fixture.ts';
import { refused } from './testing/pool.ts';

const noCache = { cache: null };

test('identical calls share one, each with its own id', () => {
  const { call, pool, room } = createFixture(noCache);
  const callers = Array.from({ length: 64 }, (_, index) =>
    call('eth_gasPrice', index % 2 ? '[]' : ' [ ] ', `"${index}"`),
  );
  expect(pool.sent).toHaveLength(1);
  pool.open[0]!.answer('"0x5"', 2);
  for (const [index, caller] of callers.entries()) {
    expect(caller.outcome.text).toBe(`{"jsonrpc":"2.0","id":"${index}","result":"0x5"}`);
    expect([caller.via, caller.trace]).toEqual([2, 'via 2']);
    expect(caller.source).toBe(index === 0 ? 'upstream' : 'joined');
  }
  expect(room.stats()).toMatchObject({ misses: 1, joined: 63 });
});

test('also an error, and a large answer', () => {
  const { call, pool } = createFixture();
  const callers = [call('eth_gasPrice'), call('eth_gasPrice')];
  pool.open[0]!.error('{"code":3,"message":"reverted"}');
  for (const caller of callers) expect(caller.outcome).toMatchObject({ isError: true });
  const large = `"${'x'.repeat(50_000)}"`;
  const more = [call('eth_getCode', '["0x1","0x1"]', '"a"'), call('eth_getCode', '["0x1","0x1"]', '"b"')];
  pool.open[0]!.answer(large);
  expect(more.map(({ outcome }) => outcome.text)).toEqual(
    ['a', 'b'].map((id) => `{"jsonrpc":"2.0","id":"${id}","result":${large}}`),
  );
});

describe('a flight under another head is not joined', () => {
  test('where the answer depends on it', () => {
    const { call, chain, pool } = createFixture(noCache);
    const before = call('eth_gasPrice');
    chain.move(101, 90);
    const after = call('eth_gasPrice');
    expect(pool.sent).toHaveLength(2);
    const joined = call('eth_gasPrice');
    pool.sent[0]!.answer('"old"');
    const later = call('eth_gasPrice');
    pool.sent[1]!.answer('"new"');
    expect(before.outcome.text).toContain('"old"');
    for (const caller of [after, joined, later]) expect(caller.outcome.text).toContain('"new"');
    expect(pool.sent).toHaveLength(2);
  });

  test('but what is final is, unless there was a reorg', () => {
    const { call, chain, pool } = createFixture(noCache);
    const ask = () => call('eth_getBalance', '["0x1","0x5"]');
    ask();
    chain.move(101, 91);
    ask();
    expect(pool.sent).toHaveLength(1);
    chain.reorg(101, 101, 91);
    ask();
    expect(pool.sent).toHaveLength(2);
  });
});

describe('a failure', () => {
  test('is told to the one that led, and the others share one more call', () => {
    const { call, pool } = createFixture(noCache);
    const callers = ['1', '2', '3'].map((id) => call('eth_gasPrice', undefined, id));
    pool.open[0]!.fail();
    expect(callers[0]!.outcome.failure).toBe(refused);
    expect(pool.sent).toHaveLength(2);
    expect(pool.sent[1]!.text).toBe('{"jsonrpc":"2.0","id":2,"method":"eth_gasPrice"}');
    callers.push(call('eth_gasPrice', undefined, '4'));
    expect(pool.sent).toHaveLength(2);
    pool.open[0]!.answer('"0x5"');
    for (const caller of callers.slice(1)) {
      expect(caller.outcome.text).toBe(`{"jsonrpc":"2.0","id":${caller.id},"result":"0x5"}`);
    }
    expect(callers.map(({ source }) => source)).toEqual(['upstream', 'upstream', 'joined', 'joined']);
  });

  test('of that too is told to all', () => {
    const { call, pool, clock } = createFixture(noCache);
    const callers = [call('eth_gasPrice'), call('eth_gasPrice'), call('eth_gasPrice')];
    pool.open[0]!.fail();
    pool.open[0]!.fail();
    for (const caller of callers) expect(caller.outcome.failure).toBe(refused);
    expect([pool.sent.length, clock.waiting]).toEqual([2, 0]);
  });

  test('of a call alone is not tried again', () => {
    const { call, pool } = createFixture(noCache);
    call('eth_gasPrice');
    pool.open[0]!.fail();
    expect(pool.sent).toHaveLength(1);
  });

  test('leaves each of the others its own deadline', () => {
    const { call, pool, clock } = createFixture({ ...noCache, timeoutMs: 1000 });
    const first = call('eth_gasPrice');
    const second = call('eth_gasPrice');
    clock.pass(600);
    const third = call('eth_gasPrice');
    clock.pass(300);
    pool.open[0]!.fail();
    const fourth = call('eth_gasPrice');
    clock.pass(99);
    expect([first, second, third, fourth].map(({ ended }) => ended.length)).toEqual([1, 0, 0, 0]);
    clock.pass(1);
    expect(second.outcome.failure).toMatchObject({ code: 'upstream_timeout' });
    clock.pass(600);
    expect(third.outcome.failure).toMatchObject({ code: 'upstream_timeout' });
    pool.open[0]!.answer('"0x5"');
    expect(fourth.outcome.text).toContain('"0x5"');
    expect([second, third].map(({ ended }) => ended.length)).toEqual([1, 1]);
    expect([pool.sent.length, clock.waiting]).toEqual([2, 0]);
  });

  test('after which all deadlines passed leaves nobody to join', () => {
    const { call, pool, clock } = createFixture({ ...noCache, timeoutMs: 1000 });
    call('eth_gasPrice');
    call('eth_gasPrice');
    pool.open[0]!.fail();
    clock.pass(1000);
    const late = call('eth_gasPrice');
    expect(pool.sent).toHaveLength(3);
    pool.open[0]!.answer('"dropped"');
    pool.open[0]!.answer('"0x5"');
    expect(late.outcome.text).toContain('"0x5"');
  });
});

test('a flight that is full goes on, and another begins', () => {
  const { call, pool } = createFixture(noCache);
  const callers = Array.from({ length: 10_003 }, () => call('eth_gasPrice'));
  expect(pool.sent).toHaveLength(2);
  for (const open of pool.open) open.answer('1');
  for (const caller of callers) expect(caller.outcome.failure).toBe(null);
});

test('whatever happens: each call told once, in its time, its own answer; never more than two for one', () => {
  const kinds = ['eth_gasPrice', 'eth_getBalance', 'eth_getBalance', 'eth_call'] as const;
  const params = ['[]', '["0x1","latest"]', '["0x1","0x5"]', '[{"to":"0x2"},"0x64"]'] as const;
  const timeoutMs = 1000;
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.nat(3) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        end: fc.nat(5),
        how: fc.constantFrom('answer' as const, 'error' as const, 'fail' as const),
      }),
    },
    { weight: 1, arbitrary: fc.constant('move' as const) },
    { weight: 1, arbitrary: fc.constant('reorg' as const) },
    { weight: 2, arbitrary: fc.record({ pass: fc.integer({ min: 1, max: 700 }) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.boolean(), (steps, cached) => {
      const { call, chain, clock, pool, room } = createFixture({
        timeoutMs,
        cache: cached ? cachePolicy : null,
      });
      const callers: Caller[] = [];
      /** The pool's own deadline. */
      const watched = new Set<unknown>();
      const watch = (): void => {
        for (const taken of pool.open) {
          if (watched.has(taken)) continue;
          watched.add(taken);
          clock.later(timeoutMs, () => {
            if (!taken.done) taken.fail({ ...refused, code: 'upstream_timeout' });
            watch();
          });
        }
      };
      for (const each of steps) {
        if (each === 'move') chain.move(chain.head + 1, chain.finalized + 1);
        else if (each === 'reorg') chain.reorg(chain.head, chain.head, chain.finalized);
        else if ('kind' in each)
          callers.push(call(kinds[each.kind]!, params[each.kind], `"${callers.length}"`));
        else if ('pass' in each) clock.pass(each.pass);
        else if (pool.open.length > 0) {
          const taken = pool.open[each.end % pool.open.length]!;
          const said = /"method".*(?=}$)/.exec(taken.text)![0];
          if (each.how === 'fail') taken.fail();
          else taken[each.how](JSON.stringify({ said }));
        }
        watch();
      }
      clock.pass(3 * timeoutMs);
      expect(pool.open).toEqual([]);
      for (const [index, caller] of callers.entries()) {
        const { text, failure, at } = caller.outcome;
        expect(at - caller.startedAt).toBeLessThanOrEqual(timeoutMs * 1000);
        if (failure !== null) continue;
        const { id, result, error } = JSON.parse(text);
        expect(id).toBe(`${index}`);
        const { method, params } = JSON.parse(`{${(result ?? error).said}}`);
        expect([method, params]).toEqual([caller.method, JSON.parse(caller.sentParams)]);
      }
      const { hits, misses, joined } = room.stats();
      expect(hits + misses + joined).toBe(callers.length);
      expect(pool.sent.length).toBeLessThanOrEqual(2 * misses);
      expect(callers.filter(({ source }) => source === 'upstream')).toHaveLength(pool.sent.length);
    }),
    { numRuns: 300 },
  );
});
