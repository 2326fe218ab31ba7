import { describe, expect, it } from 'vitest';
import { createBoardMemory, createHeads } from '../board.ts';
import { type Behaviour, says, startNodes } from '../testing/node-set.ts';
import { RetryBudget } from './retry-budget.ts';
import { transactionHash } from './transaction.ts';

const fine = says.result('"fine"');

/** Answers each method in its own way, others as geth does that has none such. */
const byMethod =
  (methods: Record<string, Behaviour>): Behaviour =>
  (x) => {
    const { method } = JSON.parse(x.body) as { method: string };
    const known = methods[method];
    if (known !== undefined) return known(x);
    says.error(-32601, `the method ${method} does not exist/is not available`)(x);
  };

describe('one caller', () => {
  it('stops no upstream by a method’s name', async () => {
    const set = await startNodes([byMethod({ eth_call: fine }), byMethod({ eth_call: fine })]);
    for (const method of ['x_throttle', 'rate_limit', 'too many requests'])
      expect(await set.call({ method }).settled).toContain('-32601');
    for (const { passedOver } of set.pool.foresee('eth_call'))
      expect(passedOver).not.toBe('paused by its 429');
    const before = performance.now();
    expect(await set.call().settled).toBe('result "fine"');
    expect(performance.now() - before).toBeLessThan(200);
  });

  it('who asks for too much gets it refused once, and nobody else does', async () => {
    const large = byMethod({ eth_getLogs: says.result(`"${'a'.repeat(300_000)}"`), eth_call: fine });
    const set = await startNodes([large, large]);
    for (let k = 0; k < 8; k++) {
      const call = set.call({ method: 'eth_getLogs' });
      expect(await call.settled).toBe('upstream_invalid: oversized');
      expect(call.trace?.attempts.length ?? 1).toBe(1);
    }
    expect(await set.call().settled).toBe('result "fine"');
    expect(set.pool.stats().map(({ breaker }) => breaker)).toEqual(['closed', 'closed']);
  });

  it('of one method that fails keeps nobody from the others', async () => {
    const half = byMethod({ trace_x: says.status('500 Oops'), eth_call: fine });
    const set = await startNodes([half], {
      retry: { attempts: 1, backoffMs: 1, backoffMaxMs: 1, budget: 0 },
    });
    for (let k = 0; k < 12; k++) {
      await set.call({ method: 'trace_x' }).settled;
      if (k % 3 === 0) expect(await set.call().settled).toBe('result "fine"');
    }
    expect(await set.call({ method: 'trace_x' }).settled).toBe('no_upstream: n0: breaker open');
    expect(await set.call().settled).toBe('result "fine"');
    expect(set.pool.stats()[0]).toMatchObject({ breaker: 'closed' });
  });

  it('does not use up what is there for nodes that fail', async () => {
    const breaker = { windowMs: 1000, failures: 1000, failureRate: 1, openMs: 1000, trials: 1 };
    const retry = { attempts: 3, backoffMs: 5, backoffMaxMs: 50, budget: 0 };
    const set = await startNodes([byMethod({ eth_call: says.reset() }), byMethod({ eth_call: fine })], {
      breaker,
      retry,
    });
    for (let k = 0; k < 40; k++) expect(await set.call({ method: `x${k}` }).settled).toContain('-32601');
    const { overBudget, retries } = set.pool.totals();
    expect(retries).toBeLessThanOrEqual(12);
    expect(overBudget).toBeGreaterThanOrEqual(28);
    for (let k = 0; k < 8; k++) expect(await set.call().settled).toBe('result "fine"');
  });

  it('asks for a method that nobody is known to have at two upstreams at most', async () => {
    const set = await startNodes([byMethod({}), byMethod({}), byMethod({})]);
    expect(await set.call({ method: 'x' }).settled).toContain('-32601');
    expect(set.received()).toEqual([1, 1, 0]);
  });

  it('asks for a usual method that nobody has at all of them, and from then on at one', async () => {
    const set = await startNodes([byMethod({}), byMethod({}), byMethod({})]);
    const sum = (): number => set.received().reduce((all, each) => all + each, 0);
    expect(await set.call({ method: 'eth_getProof' }).settled).toContain('-32601');
    expect(set.received()).toEqual([1, 1, 1]);
    for (let k = 0; k < 20; k++) await set.call({ method: 'eth_getProof' }).settled;
    expect(sum()).toBe(23);
  });

  it('gets a method where it is known to be, however many are without', async () => {
    const set = await startNodes([byMethod({}), byMethod({}), byMethod({ trace_x: fine })], {}, {}, [
      { weight: 1 },
      { weight: 1 },
      { weight: 1 },
    ]);
    let told = '';
    for (let k = 0; k < 3 && told !== 'result "fine"'; k++)
      told = await set.call({ method: 'trace_x' }).settled;
    for (let k = 0; k < 20; k++) expect(await set.call({ method: 'trace_x' }).settled).toBe('result "fine"');
  });
});

describe('the allowance for doubtful attempts', () => {
  it('is ten at once and one a second, and takes nothing from the budget', () => {
    const budget = new RetryBudget();
    const taken = (nowMs: number): number => {
      let count = 0;
      while (budget.takeDoubtful(nowMs)) count++;
      return count;
    };
    expect(taken(5000)).toBe(10);
    expect(taken(5999)).toBe(0);
    expect(taken(8000)).toBe(3);
    expect(taken(60_000)).toBe(10);
    let ordinary = 0;
    while (budget.take(60_000, 0)) ordinary++;
    expect(ordinary).toBe(10);
  });
});

describe('a node that cannot', () => {
  it('and says so at once is not taken for the fastest', async () => {
    const even = { weight: 1 };
    const busy = says.error(-32603, 'service unavailable');
    const slow = says.after(3, fine);
    const set = await startNodes([busy, slow, slow], {}, {}, [even, even, even]);
    for (let k = 0; k < 60; k++) expect(await set.call().settled).toBe('result "fine"');
    expect(set.received()[0]).toBeLessThan(15);
    expect(set.pool.stats()[0]).toMatchObject({ breaker: 'open' });
  });

  it('for want of old state is asked last: by config at once, else from the second time on', async () => {
    const even = { weight: 1 };
    const board = createBoardMemory(1);
    const heads = createHeads(board, 0);
    const lost = says.error(-32000, 'missing trie node 12');
    const late = { archive: false };
    const byConfig = await startNodes([fine, fine], {}, { board }, [late, {}]);
    heads.publish(1000, -1);
    const at = (number: number): { params: string } => ({ params: `[{},"0x${number.toString(16)}"]` });
    for (let k = 0; k < 5; k++) await byConfig.call(at(871)).settled;
    expect(byConfig.received()).toEqual([0, 5]);
    for (const each of [at(872), { params: '[{},"latest"]' }]) await byConfig.call(each).settled;
    await byConfig.call({ method: 'eth_getStorageAt', params: '["0xab","0x0","latest"]' }).settled;
    await byConfig.call({ method: 'eth_getLogs', params: '[{"toBlock":"0x1"}]' }).settled;
    expect(byConfig.received()).toEqual([4, 5]);
    expect(byConfig.pool.totals().retries).toBe(0);

    const byWord = await startNodes([lost, says.after(2, fine)], {}, {}, [even, even]);
    for (let k = 0; k < 60; k++) expect(await byWord.call(at(5)).settled).toBe('result "fine"');
    expect(byWord.received()[0]).toBeLessThanOrEqual(1);
    expect(byWord.pool.totals().overBudget).toBe(0);
    // Of later blocks nothing is known; nor of other methods.
    byWord.nodes[0]!.behave({ request: fine });
    for (let k = 0; k < 10; k++) await byWord.call(at(6)).settled;
    expect(byWord.received()[0]).toBeGreaterThan(1);
  });

  it('and does not say why is passed over once, and to blame if another can', async () => {
    const internal = says.error(-32603, 'Internal error');
    const set = await startNodes([internal, fine]);
    for (let k = 0; k < 8; k++) expect(await set.call().settled).toBe('result "fine"');
    expect(set.received()[0]).toBe(5);
    const all = await startNodes([internal, says.error(-32603, 'internal error'), fine]);
    expect(await all.call().settled).toBe('error {"code":-32603,"message":"internal error"}');
    expect(all.received()).toEqual([1, 1, 0]);
    for (let k = 0; k < 40; k++) await all.call().settled;
    // Where all say so it may be the call.
    expect(all.pool.foresee('eth_call').map(({ passedOver }) => passedOver)).not.toContain('breaker open');
    const once = await startNodes([internal, fine]);
    const unsafe = { retry: 'never', safe: false, method: 'eth_newFilter' } as const;
    expect(await once.call(unsafe).settled).toBe('error {"code":-32603,"message":"Internal error"}');
  });
});

describe('a transaction', () => {
  const RAW = `0x02${'ab'.repeat(100)}`;
  const transaction = {
    method: 'eth_sendRawTransaction',
    params: `["${RAW}"]`,
    retry: 'transaction',
    safe: false,
  } as const;
  const hash = transactionHash(`{"params":["${RAW}"]}`)!;
  const used = says.error(-32000, 'nonce too low: next nonce 7, tx nonce 6');
  const own = 'error {"code":-32000,"message":"nonce too low: next nonce 7, tx nonce 6"}';
  const node = (found: Behaviour): Behaviour =>
    byMethod({ eth_sendRawTransaction: used, eth_getTransactionByHash: found });

  it.each([
    ['429', says.status('429 Too Many Requests')],
    ['403', says.status('403 Forbidden')],
    ['a rate limit', says.error(-32005, 'rate limit')],
  ])('that nobody took, after %s, is not told as sent', async (_, refusal) => {
    for (const message of ['nonce too low', 'already known']) {
      const set = await startNodes([refusal, says.error(-32000, message)]);
      expect(await set.call(transaction).settled).toBe(`error {"code":-32000,"message":"${message}"}`);
      expect(set.received()).toEqual([1, 1]);
    }
  });

  it('whose nonce is used up is told as sent only where the node has it', async () => {
    const has = await startNodes([says.reset(), node(says.result(`{"hash":"${hash}","nonce":"0x6"}`))]);
    const call = has.call({ ...transaction, traced: true });
    expect(await call.settled).toBe(`result "${hash}"`);
    expect(has.received()).toEqual([1, 2]);
    expect(call.trace?.attempts.map(({ why }) => why)).toEqual(['least loaded', 'retry', 'does it have it']);
    expect(call.told).toHaveLength(1);
    for (const found of [
      says.result('null'),
      says.result(`{"hash":"0x${'12'.repeat(32)}"}`),
      says.error(-32601, 'no such method'),
      says.reset(),
      says.status('500 Oops'),
    ]) {
      const set = await startNodes([says.reset(), node(found)]);
      expect(await set.call(transaction).settled).toBe(own);
      expect(set.received()[0]).toBe(1);
    }
  });

  it('is told the node’s own error where that does not say in time', async () => {
    const set = await startNodes([says.reset(), node(says.nothing())], { timeoutMs: 250 });
    const before = performance.now();
    expect(await set.call(transaction).settled).toBe(own);
    expect(performance.now() - before).toBeLessThan(350);
    const denied = await startNodes([says.reset(), node(says.result(`{"hash":"${hash}"}`))], {}, {}, [
      {},
      { methods: { allowed: [], denied: ['eth_getTransaction*'] } },
    ]);
    expect(await denied.call(transaction).settled).toBe(own);
    expect(denied.received()).toEqual([1, 1]);
  });
});
