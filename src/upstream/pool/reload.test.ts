import { afterEach, describe, expect, it } from 'vitest';
import { type FakeUpstream, startFakeUpstream } from '../../../test/fakes/upstream.ts';
import type { NetworkPolicy, UpstreamPolicy } from '../../config/index.ts';
import { createBoardMemory, createUpstreamBoard } from '../board.ts';
import { createUpstreamPool, type UpstreamPool } from '../pool.ts';
import { policyFor, sleep } from '../testing/caller.ts';
import { networkOf, poolDeps } from '../testing/network.ts';
import { type Behaviour, says, TestCall } from '../testing/node-set.ts';

const fine = says.result('"fine"');
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});
async function node(request: Behaviour): Promise<FakeUpstream> {
  const made = await startFakeUpstream({ vice: { request } });
  closers.push(() => made.close());
  return made;
}
function poolOf(...given: Parameters<typeof createUpstreamPool>): UpstreamPool {
  const pool = createUpstreamPool(...given);
  closers.unshift(() => pool.close(0));
  return pool;
}
function send(pool: UpstreamPool, over: Partial<TestCall> = {}): TestCall {
  const call = new TestCall(over);
  pool.send(call);
  return call;
}
const transaction = {
  method: 'eth_sendRawTransaction',
  params: `["0x02${'ab'.repeat(100)}"]`,
  retry: 'transaction',
  safe: false,
} as const;

describe('a transaction goes to one node once', () => {
  it('whatever the node is named by now', async () => {
    const hung = await node(says.nothing());
    const named = (name: string): NetworkPolicy => networkOf([policyFor(hung.port, { name })]);
    const pool = poolOf(named('old'), poolDeps());
    const call = send(pool, transaction);
    await sleep(30);
    pool.update(named('new'), 2000);
    expect(await call.settled).toMatch(/^upstream_timeout/);
    expect(hung.bodies).toHaveLength(1);
  });

  it('where two upstreams are one address', async () => {
    const [bad, good] = [await node(says.reset()), await node(fine)];
    const same = [policyFor(bad.port, { name: 'a' }), policyFor(bad.port, { name: 'b' })];
    const pool = poolOf(networkOf(same), poolDeps());
    expect(await send(pool, transaction).settled).toMatch(/^upstream_invalid/);
    expect(bad.bodies).toHaveLength(1);
    pool.update(networkOf([...same, policyFor(good.port, { name: 'c', tier: 'fallback' })]), 0);
    expect(await send(pool, transaction).settled).toBe('result "fine"');
    expect(bad.bodies).toHaveLength(2);
  });
});

it('closed, a pool tells calls at once that wait to be sent again', async () => {
  const bad = await node(says.reset());
  const retry = { attempts: 3, backoffMs: 1000, backoffMaxMs: 1000, budget: 1 };
  const pool = poolOf(networkOf([policyFor(bad.port)], { retry }), poolDeps({ random: () => 0.99 }));
  const call = send(pool);
  await sleep(50);
  expect(call.told).toEqual([]);
  await pool.close(100);
  expect(call.told).toHaveLength(1);
  expect(call.told[0]).toMatch(/^upstream_invalid/);
});

describe('an upstream of the same name begins anew', () => {
  const ways: [string, (port: number, other: number) => Partial<UpstreamPolicy>][] = [
    ['at another address', (_, port) => ({ port, hostHeader: `127.0.0.1:${port}` })],
    ['with other credentials', () => ({ authorization: 'Bearer new' })],
    ['with another header', () => ({ headers: [['x-key', 'new']] })],
  ];
  it.each(ways)('%s', async (_, change) => {
    let says429: Behaviour = says.status('429 Too Many Requests', 'Retry-After: 60\r\n');
    const [bad, good] = [await node((x) => says429(x)), await node(fine)];
    const board = createBoardMemory(1);
    const pool = poolOf(networkOf([policyFor(bad.port, { name: 'a' })]), poolDeps({ board }));
    await send(pool).settled;
    expect(await send(pool).settled).toMatch(/^overloaded/);
    says429 = fine;
    pool.update(networkOf([policyFor(bad.port, { name: 'a', weight: 2 })]), 1000);
    expect(await send(pool).settled).toMatch(/^overloaded/);
    pool.update(networkOf([policyFor(bad.port, { name: 'a', ...change(bad.port, good.port) })]), 1000);
    expect(await send(pool).settled).toBe('result "fine"');
  });

  it('and neither its breaker nor what it said it lacks holds, whatever calls still under way tell', async () => {
    let late: () => void = () => {};
    const bad = await node((x) => {
      const { id, method } = JSON.parse(x.body) as { id: number; method: string };
      if (method === 'late') late = () => says.status('429 Too Many Requests', 'Retry-After: 60\r\n')(x);
      else if (method === 'eth_call') x.socket.resetAndDestroy();
      else x.send(x.http(`{"jsonrpc":"2.0","id":${id},"error":{"code":-32601,"message":"no"}}`));
    });
    const good = await node(fine);
    const board = createBoardMemory(1);
    const breaker = { windowMs: 10_000, failures: 3, failureRate: 0.1, openMs: 60_000, trials: 1 };
    const retry = { attempts: 1, backoffMs: 1, backoffMaxMs: 1, budget: 0 };
    const over = { breaker, retry };
    const pool = poolOf(networkOf([policyFor(bad.port, { name: 'a' })], over), poolDeps({ board }));
    const waits = send(pool, { method: 'late' });
    await send(pool, { method: 'eth_lacking' }).settled;
    for (let k = 0; k < 3; k++) await send(pool).settled;
    expect(createUpstreamBoard(board).breaker(0).state).toBe('open');
    expect(pool.stats()[0]).toMatchObject({ missingMethods: 1, breaker: 'open' });
    pool.update(networkOf([policyFor(good.port, { name: 'a' })], over), 1000);
    expect(pool.stats()[0]).toMatchObject({ missingMethods: 0, breaker: 'closed' });
    expect(await send(pool).settled).toBe('result "fine"');
    late();
    expect(await waits.settled).toMatch(/429/);
    expect(await send(pool).settled).toBe('result "fine"');
    expect(pool.stats()[0]!.failed).toBeGreaterThan(0);
  });
});
