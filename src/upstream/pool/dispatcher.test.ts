import { describe, expect, it, onTestFinished } from 'vitest';
import { startFakeUpstream } from '../../../test/fakes/upstream.ts';
import { createBoardMemory, createHeads, createUpstreamBoard, health, healthReasons } from '../board.ts';
import { sleep } from '../testing/caller.ts';
import { says, startNodes, type TestCall } from '../testing/node-set.ts';
import { transactionHash } from './transaction.ts';

const fine = says.result('"fine"');
const mine = says.result('"mine"');
const RAW = `0x02${'ab'.repeat(100)}`;
const transaction = {
  method: 'eth_sendRawTransaction',
  params: `["${RAW}"]`,
  retry: 'transaction',
  safe: false,
} as const;

describe('a call that may be sent again', () => {
  it.each([
    ['a reset', says.reset()],
    ['no answer', says.nothing()],
    ['a status', says.status('502 Bad Gateway')],
    ['nonsense', (x) => x.send(x.http('nonsense'))],
    ['429', says.status('429 Too Many Requests')],
    ['a missing state', says.error(-32000, 'missing trie node 12')],
    ['a missing method', says.error(-32601, 'the method eth_call does not exist')],
    ['a rate limit', says.error(-32005, 'rate limit')],
  ] satisfies [string, Parameters<typeof startNodes>[0][number]][])(
    'goes to another upstream after %s',
    async (_, vice) => {
      const set = await startNodes([vice, fine]);
      const call = set.call();
      expect(await call.settled).toBe('result "fine"');
      expect(set.received()[1]).toBe(1);
      expect(call.via).toBe(1);
      expect(call.attempts).toBeGreaterThanOrEqual(2);
      expect(
        call.trace?.attempts.map(({ upstream, why, failure }) => [upstream, why, failure === null]),
      ).toEqual([
        ['n0', 'least loaded', false],
        ['n1', 'retry', true],
      ]);
      expect(set.pool.totals()).toMatchObject({ retries: 1, failovers: 1 });
      await sleep(5);
      expect(call.told).toHaveLength(1);
    },
  );

  it('is told the first node’s answer if the call itself is wrong', async () => {
    const set = await startNodes([says.error(3, 'execution reverted'), fine]);
    expect(await set.call().settled).toBe('error {"code":3,"message":"execution reverted"}');
    expect(set.received()).toEqual([1, 0]);
  });

  it('is told the last node’s own answer if none can', async () => {
    const set = await startNodes([says.error(-32601, 'not here'), says.error(-32601, 'nor here')]);
    const answer = 'error {"code":-32601,"message":"nor here"}';
    expect(await set.call().settled).toBe(answer);
    expect(set.pool.stats().map((stats) => stats.missingMethods)).toEqual([1, 1]);
    // Nor is it refused by us now that this is known.
    expect(await set.call().settled).toMatch(/error.*here/);
  });

  it('looks for a lost state where all are kept, then elsewhere', async () => {
    const lost = says.error(-32000, 'missing trie node 12');
    const late = { archive: false };
    const set = await startNodes([lost, mine, fine], {}, {}, [late, late]);
    expect(await set.call().settled).toBe('result "fine"');
    expect(set.received()).toEqual([1, 0, 1]);
    await set.nodes[2]!.close();
    expect(await set.call().settled).toBe('result "mine"');
  });

  it('comes back to the only upstream after a wait', async () => {
    let times = 0;
    const set = await startNodes([(x) => (++times < 3 ? says.status('500 Oops') : fine)(x)]);
    const call = set.call();
    expect(await call.settled).toBe('result "fine"');
    expect(set.received()).toEqual([3]);
  });

  it('ends with the failure once its attempts are used up', async () => {
    const set = await startNodes([says.status('500 Oops'), says.status('500 Oops')]);
    const call = set.call();
    expect(await call.settled).toBe('upstream_invalid: HTTP 500');
    expect(call.attempts).toBe(3);
  });

  it('ends inside the network’s time, whatever its upstreams do', async () => {
    const set = await startNodes([says.nothing(), says.nothing()], { timeoutMs: 450 });
    const before = performance.now();
    const call = set.call();
    expect(await call.settled).toMatch(/upstream_timeout/);
    expect(performance.now() - before).toBeLessThan(500);
    expect(call.trace?.attempts).toHaveLength(2);
  });

  it('is not sent again beyond the budget', async () => {
    const set = await startNodes([says.error(-32000, 'missing trie node'), fine], {
      breaker: { windowMs: 1000, failures: 1000, failureRate: 1, openMs: 1000, trials: 1 },
    });
    const calls: TestCall[] = [];
    for (let k = 0; k < 30; k++) calls.push(set.call());
    const told = await Promise.all(calls.map((call) => call.settled));
    const failedOver = told.filter((each) => each === 'result "fine"').length - set.pool.totals().failovers;
    expect(failedOver).toBeGreaterThanOrEqual(0);
    expect(set.pool.totals().failovers).toBeLessThanOrEqual(13);
    expect(set.pool.totals().overBudget).toBeGreaterThan(0);
  });
});

describe('a call that may not', () => {
  it('is sent again only where not one byte was written', async () => {
    const set = await startNodes([says.reset(), fine]);
    const call = set.call({ retry: 'never', safe: false, method: 'eth_newFilter' });
    expect(await call.settled).toMatch(/upstream_invalid/);
    expect(set.received()).toEqual([1, 0]);
    await set.nodes[0]!.close();
    expect(await set.call({ retry: 'never', safe: false }).settled).toBe('result "fine"');
  });
});

describe('a transaction', () => {
  it('goes to another node, never to the same twice, and known there is its hash', async () => {
    const set = await startNodes([says.reset(), says.error(-32000, 'already known')]);
    const call = set.call(transaction);
    expect(await call.settled).toBe(`result "${transactionHash(call.text)}"`);
    expect(set.received()).toEqual([1, 1]);
  });

  it('that was not ours before gets the node’s own error', async () => {
    const set = await startNodes([says.error(-32000, 'already known'), fine]);
    expect(await set.call(transaction).settled).toBe('error {"code":-32000,"message":"already known"}');
    const refused = await startNodes([fine, says.error(-32000, 'nonce too low')]);
    await refused.nodes[0]!.close();
    expect(await refused.call(transaction).settled).toBe('error {"code":-32000,"message":"nonce too low"}');
  });

  it('ends where no other node is left', async () => {
    const set = await startNodes([says.reset()]);
    expect(await set.call(transaction).settled).toMatch(/upstream_invalid/);
    await sleep(60);
    expect(set.received()).toEqual([1]);
  });
});

describe('a hedge', () => {
  const hedge = { quantile: 0.95, minDelayMs: 20, maxDelayMs: 20 };
  it('takes over from a slow node, and only one answer is told', async () => {
    const set = await startNodes([says.after(100, fine), mine], { hedge });
    const call = set.call();
    expect(await call.settled).toBe('result "mine"');
    expect(call.via).toBe(1);
    await sleep(120);
    expect(call.told).toHaveLength(1);
    expect(set.pool.totals()).toMatchObject({ hedges: 1, hedgesWon: 1 });
    expect(set.pool.stats()[0]).toMatchObject({ cancelled: 1 });
    expect(call.trace?.attempts.map(({ failure }) => failure)).toEqual(['another was faster', null]);
  });

  it('is not for what may not be sent twice, nor where the first answers in time', async () => {
    const patient = { ...hedge, minDelayMs: 150, maxDelayMs: 150 };
    const set = await startNodes([says.after(5, fine), mine], { hedge: patient });
    expect(await set.call().settled).toBe('result "fine"');
    await sleep(200);
    expect(set.received()).toEqual([1, 0]);
    const slow = await startNodes([says.after(60, fine), mine], { hedge });
    expect(await slow.call(transaction).settled).toBe('result "fine"');
    expect(slow.received()).toEqual([1, 0]);
  });
});

describe('too many calls', () => {
  const shed = { queue: 2, queueTimeoutMs: 80, reserve: 0, maxInFlightPerCaller: 0 };
  it('wait in order for room, up to a bound and a time, and are told when to come back', async () => {
    const set = await startNodes([says.after(20, fine)], { shed }, {}, [{ maxInFlight: 1 }]);
    const calls = [1, 2, 3, 4].map(() => set.call({ traced: true }));
    const told = await Promise.all(calls.map((call) => call.settled));
    expect(told.slice(0, 3)).toEqual(['result "fine"', 'result "fine"', 'result "fine"']);
    expect(told[3]).toMatch(/^overloaded/);
    expect(calls[3]!.failure?.retryAfterMs).toBeGreaterThan(0);
    expect(calls[1]!.trace?.attempts[0]!.why).toBe('after waiting');
    const slow = await startNodes([says.after(300, fine)], { shed }, {}, [{ maxInFlight: 1 }]);
    slow.call();
    const before = performance.now();
    expect(await slow.call().settled).toMatch(/^overloaded/);
    expect(performance.now() - before).toBeLessThan(150);
    expect(slow.pool.totals()).toMatchObject({ shed: 1, waiting: 0 });
  });

  it('leave the reserve to those marked critical', async () => {
    const half = { ...shed, queue: 0, reserve: 0.5 };
    const set = await startNodes([says.after(20, fine)], { shed: half }, {}, [{ maxInFlight: 2 }]);
    const calls = [set.call(), set.call(), set.call({ critical: true }), set.call({ critical: true })];
    const told = await Promise.all(calls.map((call) => call.settled));
    expect(told.map((each) => each.split(':')[0])).toEqual([
      'result "fine"',
      'overloaded',
      'result "fine"',
      'overloaded',
    ]);
  });

  it('of one caller do not take from others', async () => {
    const set = await startNodes([says.after(20, fine)], { shed: { ...shed, maxInFlightPerCaller: 1 } });
    const calls = [set.call({ caller: 7 }), set.call({ caller: 7 }), set.call({ caller: 8 }), set.call()];
    const told = await Promise.all(calls.map((call) => call.settled));
    expect(told.map((each) => each.split(':')[0])).toEqual([
      'result "fine"',
      'overloaded',
      'result "fine"',
      'result "fine"',
    ]);
    expect(await set.call({ caller: 7 }).settled).toBe('result "fine"');
  });

  it('wait while the only node is paused by its own 429', async () => {
    let times = 0;
    const once = says.status('429 Too Many Requests', 'Retry-After: 0\r\n');
    const paused = await startNodes([(x) => (times++ === 0 ? once : fine)(x)], {
      shed: { ...shed, queueTimeoutMs: 1500 },
    });
    expect(await paused.call().settled).toBe('result "fine"');
    const long = says.status('429 Too Many Requests', 'Retry-After: 20\r\n');
    const set = await startNodes([long], { shed });
    expect(await set.call().settled).toBe('overloaded: HTTP 429');
    const next = set.call();
    expect(await next.settled).toMatch(/^overloaded/);
    expect(set.received()).toEqual([1]);
    expect(set.pool.foresee('eth_call')[0]!.passedOver).toBe('paused by its 429');
  });

  it('wait for the budget of a node', async () => {
    const set = await startNodes([fine], { shed: { ...shed, queue: 50, queueTimeoutMs: 1000 } }, {}, [
      { requestsPerSecond: 20 },
    ]);
    const before = performance.now();
    await Promise.all(Array.from({ length: 24 }, () => set.call().settled));
    expect(performance.now() - before).toBeGreaterThan(140);
    expect(set.received()).toEqual([24]);
  });
});

async function startAgain(port: number): Promise<void> {
  const node = await startFakeUpstream({ port, vice: { request: mine } });
  onTestFinished(() => node.close());
}

describe('a node that is not there', () => {
  const over = {
    shed: { queue: 50, queueTimeoutMs: 1000, reserve: 0, maxInFlightPerCaller: 0 },
    breaker: { windowMs: 10_000, failures: 1000, failureRate: 1, openMs: 5000, trials: 3 },
  };

  it('is not asked again and again while another is to have room soon', async () => {
    const set = await startNodes([fine, fine], over, {}, [{}, { requestsPerSecond: 20 }]);
    await set.nodes[0]!.close();
    const calls = Array.from({ length: 26 }, () => set.call());
    const told = await Promise.all(calls.map(({ settled }) => settled));
    expect(new Set(told)).toEqual(new Set(['result "fine"']));
    expect(set.received()[1]).toBe(26);
    expect(Math.max(...calls.map(({ trace }) => trace?.attempts.length ?? 1))).toBe(2);
  });

  it('is asked again where the other has no room for long', async () => {
    const slow = { maxInFlight: 1, firstByteTimeoutMs: 5000, timeoutMs: 5000 };
    const set = await startNodes([fine, says.nothing()], { ...over, timeoutMs: 5000 }, {}, [{}, slow]);
    const { port } = set.nodes[0]!;
    await set.nodes[0]!.close();
    const [hangs, waits] = [set.call(), set.call()];
    await sleep(100);
    await startAgain(port);
    expect(await waits.settled).toBe('result "mine"');
    expect([hangs.told, set.received()[1]]).toEqual([[], 1]);
  });

  it('is asked again as soon as it has answered others', async () => {
    const slow = { maxInFlight: 1, firstByteTimeoutMs: 9000, timeoutMs: 9000 };
    const patient = { shed: { ...over.shed, queueTimeoutMs: 8000 }, breaker: over.breaker, timeoutMs: 9000 };
    const set = await startNodes([fine, says.nothing()], patient, {}, [{}, slow]);
    const { port } = set.nodes[0]!;
    await set.nodes[0]!.close();
    const [, waits] = [set.call(), set.call()];
    await sleep(100);
    await startAgain(port);
    expect(waits.told).toEqual([]);
    const before = performance.now();
    expect(await set.call().settled).toBe('result "mine"');
    expect(await waits.settled).toBe('result "mine"');
    expect(performance.now() - before).toBeLessThan(2000);
  });

  it('and the only one with room is told of inside the call’s time', async () => {
    const set = await startNodes([fine, says.nothing()], { ...over, timeoutMs: 400 }, {}, [
      {},
      { maxInFlight: 1 },
    ]);
    await set.nodes[0]!.close();
    const [, waits] = [set.call(), set.call()];
    expect(await waits.settled).toMatch(/^no_upstream: connect/);
  });
});

describe('a node that fails', () => {
  it('is asked no more until a trial goes well', async () => {
    const set = await startNodes([says.status('500 Oops'), fine]);
    for (let k = 0; k < 8; k++) expect(await set.call().settled).toBe('result "fine"');
    expect(set.received()[0]).toBe(5);
    expect(set.pool.stats()[0]).toMatchObject({ breaker: 'open' });
    expect(set.pool.foresee('eth_call')[0]).toMatchObject({ upstream: 'n0', passedOver: 'breaker open' });
    set.nodes[0]!.behave({ request: mine });
    await sleep(260);
    expect(await set.call().settled).toBe('result "mine"');
    expect(await set.call().settled).toBe('result "mine"');
    expect(set.pool.stats()[0]).toMatchObject({ breaker: 'closed' });
  });

  it('and is the only one is refused at once, with the time to come back', async () => {
    const set = await startNodes([says.status('500 Oops')], {
      retry: { attempts: 1, backoffMs: 1, backoffMaxMs: 1, budget: 0 },
    });
    for (let k = 0; k < 5; k++) await set.call().settled;
    const call = set.call();
    expect(await call.settled).toBe('no_upstream: n0: breaker open');
    expect(call.failure?.retryAfterMs).toBeGreaterThan(0);
    expect(call.failure?.retryAfterMs).toBeLessThanOrEqual(241);
    expect(set.received()).toEqual([5]);
  });

  it('holds up no caller while it is tried', async () => {
    const set = await startNodes([says.status('500 Oops'), fine], { timeoutMs: 5000 }, {}, [
      { firstByteTimeoutMs: 4000, timeoutMs: 4000 },
    ]);
    for (let k = 0; k < 8; k++) await set.call().settled;
    set.nodes[0]!.behave({ request: says.nothing() });
    await sleep(260);
    const before = performance.now();
    expect(await set.call().settled).toBe('result "fine"');
    expect(performance.now() - before).toBeGreaterThan(200);
    expect(performance.now() - before).toBeLessThan(500);
  });
});

describe('one of three nodes that dies under load', () => {
  it('costs no call its answer, and is soon left alone', async () => {
    const even = { weight: 1 };
    const breaker = { windowMs: 10_000, failures: 20, failureRate: 0.5, openMs: 5000, trials: 3 };
    const set = await startNodes([fine, fine, fine], { breaker }, {}, [even, even, even]);
    const told = new Set<string>();
    let left = 3000;
    const caller = async (): Promise<void> => {
      while (left-- > 0) {
        if (left === 1500) void set.nodes[1]!.close();
        told.add(await set.call().settled);
      }
    };
    await Promise.all(Array.from({ length: 32 }, caller));
    expect([...told]).toEqual(['result "fine"']);
    expect(set.received()[1]).toBeGreaterThan(200);
    expect(set.pool.stats()[1]!.failed).toBeGreaterThan(0);
    expect(set.pool.stats()[1]!.failed).toBeLessThan(100);
  });
});

describe('what main found', () => {
  it('decides: where one chain will do, who was not checked yet is asked after who was', async () => {
    const board = createBoardMemory(1);
    const set = await startNodes(
      [fine, mine],
      { chainId: 1, health: { intervalMs: 1000, timeoutMs: 500, call: null } },
      { board },
    );
    const upstreams = createUpstreamBoard(board);
    upstreams.setHealth(1, health.up, healthReasons.none);
    for (let k = 0; k < 10; k++) expect(await set.call().settled).toBe('result "mine"');
    upstreams.setHealth(1, health.down, healthReasons.unreachable);
    expect(await set.call().settled).toBe('result "fine"');
  });

  it('decides: a wrong chain is never asked, one that is down only where nothing else is', async () => {
    const board = createBoardMemory(1);
    const set = await startNodes([fine, mine], {}, { board });
    const upstreams = createUpstreamBoard(board);
    upstreams.setHealth(0, health.down, healthReasons.wrongChain);
    upstreams.setHealth(1, health.down, healthReasons.unreachable);
    expect(await set.call().settled).toBe('result "mine"');
    upstreams.setHealth(1, health.down, healthReasons.wrongChain);
    expect(await set.call().settled).toBe('no_upstream: n0: wrong chain; n1: wrong chain');
    expect(set.received()).toEqual([0, 1]);
  });
});

describe('block numbers', () => {
  it('that are final never go back, and nobody keeps one that was passed over', async () => {
    const board = createBoardMemory(1);
    const heads = createHeads(board, 0);
    const set = await startNodes(
      [says.result('{"number":"0x20"}'), says.result('{"number":"0x40"}')],
      {},
      { board },
    );
    heads.publish(100, 0x40);
    const ask = () => set.call({ method: 'eth_getBlockByNumber', params: '["finalized",false]' });
    for (let k = 0; k < 4; k++) expect(await ask().settled).toContain('0x40');
    expect(set.received()[0]).toBeGreaterThan(0);
    void set.nodes[1]!.close();
    const last = ask();
    expect(await last.settled).toContain('0x20');
    expect(last.via).toBe(-1);
  });

  it('that were told are known blocks, before the next check too', async () => {
    const board = createBoardMemory(1);
    const heads = createHeads(board, 0);
    const lacking = says.error(-32000, 'header not found');
    const set = await startNodes([lacking, says.result('"0x1"')], {}, { board });
    heads.publish(100, -1);
    heads.raiseServed(101);
    for (let k = 0; k < 4; k++)
      expect(await set.call({ method: 'eth_getBalance', params: '["0xa","0x65"]' }).settled).toBe(
        'result "0x1"',
      );
    expect(set.received()[0]).toBeGreaterThan(0);
  });

  it('are asked of a node that has the block; one that has it not does not decide', async () => {
    const board = createBoardMemory(1);
    const heads = createHeads(board, 0);
    const upstreams = createUpstreamBoard(board);
    const set = await startNodes([says.result('null'), says.result('{"number":"0x64"}')], {}, { board });
    const ask = (params: string): Promise<string> =>
      set.call({ method: 'eth_getBlockByNumber', params }).settled;
    heads.publish(100, -1);
    // Nothing is known of the nodes' heads.
    for (let k = 0; k < 4; k++) expect(await ask('["0x64",false]')).toContain('0x64');
    expect(set.received()[0]).toBeGreaterThan(0);
    upstreams.setHead(0, 99);
    upstreams.setHead(1, 100);
    const before = set.received()[0];
    for (let k = 0; k < 20; k++) expect(await ask('["0x64",false]')).toContain('0x64');
    expect(set.received()[0]).toBe(before);
    // What the network has not got either is nobody's fault: one node is asked.
    const all = set.received().reduce((sum, each) => sum + each, 0);
    await ask('["0x65",false]');
    expect(set.received().reduce((sum, each) => sum + each, 0)).toBe(all + 1);
  });

  it('never run backwards: asked elsewhere, else answered with what was told', async () => {
    const board = createBoardMemory(1);
    const heads = createHeads(board, 0);
    const set = await startNodes([says.result('"0x64"'), says.result('"0x65"')], {}, { board });
    const number = (): Promise<string> => set.call({ method: 'eth_blockNumber' }).settled;
    heads.publish(101, -1);
    expect(await number()).toBe('result "0x64"');
    heads.raiseServed(101);
    expect(await number()).toBe('result "0x65"');
    set.nodes[1]!.behave({ request: says.result('"0x63"') });
    expect(await number()).toBe('result "0x65"');
    const latest = { method: 'eth_getBlockByNumber', params: '["latest",false]' };
    set.nodes[0]!.behave({ request: says.result('{"hash":"0x1","number":"0x66"}') });
    expect(await set.call(latest).settled).toContain('0x66');
    expect(heads.served).toBe(0x66);
    // A reorg: the chain went back, and so may its number.
    heads.reorg(99, 99, -1);
    set.nodes[0]!.behave({ request: says.result('"0x63"') });
    expect(await number()).toBe('result "0x63"');
  });
});
