import { describe, expect, it } from 'vitest';
import { says, startNodes, TestCall } from '../testing/node-set.ts';
import { sleep } from '../testing/caller.ts';
import { Delivery } from './delivery.ts';
import { WaitingCalls } from './waiting-calls.ts';

const fine = says.result('"fine"');
const shed = { queue: 100, queueTimeoutMs: 600, reserve: 0, maxInFlightPerCaller: 0 };
const only = (...allowed: string[]) => ({ methods: { allowed, denied: [] } });
const slow = { timeoutMs: 3000, firstByteTimeoutMs: 3000 };

describe('calls that wait', () => {
  it('are not held up by others that wait for another upstream', async () => {
    const set = await startNodes([says.nothing(), says.after(20, fine)], { shed }, {}, [
      { maxInFlight: 1, ...only('debug_*'), ...slow },
      { maxInFlight: 1, ...only('eth_call') },
    ]);
    for (let k = 0; k < 20; k++) set.call({ method: 'debug_x' });
    for (let k = 0; k < 20; k++) set.call({ method: `debug_${k}` });
    const first = set.call();
    const second = set.call();
    const third = set.call();
    const order: number[] = [];
    for (const [k, call] of [first, second, third].entries()) void call.settled.then(() => order.push(k));
    const before = performance.now();
    expect(await Promise.all([first.settled, second.settled, third.settled])).toEqual(
      Array.from({ length: 3 }, () => 'result "fine"'),
    );
    expect(performance.now() - before).toBeLessThan(300);
    expect(order).toEqual([0, 1, 2]);
  });

  it('are not overtaken by later ones of their kind', async () => {
    const set = await startNodes([says.nothing(), says.after(10, fine)], { shed }, {}, [
      { maxInFlight: 1, ...only('debug_*'), ...slow },
      { maxInFlight: 1, ...only('eth_call') },
    ]);
    for (let k = 0; k < 40; k++) set.call({ method: `debug_${k}` });
    set.call();
    let served = 0;
    const waits = set.call();
    const servedBefore = waits.settled.then(() => served);
    for (let k = 0; k < 8; k++) {
      void set.call().settled.then(() => served++);
      await sleep(8);
    }
    expect(await waits.settled).toBe('result "fine"');
    expect(await servedBefore).toBe(0);
  });

  it('go by arrival over all kinds, and a look tries few of them', () => {
    const waiting = new WaitingCalls();
    const methods = ['a', 'b', 'a', 'c', 'b'];
    const calls = methods.map((method) => new Delivery(new TestCall({ method }), 0));
    for (const each of calls) waiting.add(each, shed, 0);
    const gone: Delivery[] = [];
    waiting.release((each) => each.call.method !== 'b' && gone.push(each) > 0);
    expect(gone).toEqual([calls[0], calls[2], calls[3]]);
    expect(waiting.length).toBe(2);
    waiting.release((each) => gone.push(each) > 0);
    expect(gone.slice(3)).toEqual([calls[1], calls[4]]);
    const many = { ...shed, queue: 5000 };
    for (let k = 0; k < 1000; k++) {
      waiting.add(new Delivery(new TestCall({ method: `m${k % 200}` }), 0), many, 0);
    }
    const tried = new Set<string>();
    for (let look = 0; look < 20; look++) {
      let looks = 0;
      waiting.release((each) => {
        looks++;
        tried.add(each.call.method);
        return false;
      });
      expect(looks).toBeLessThanOrEqual(16);
    }
    expect(tried.size).toBe(200);
    expect(waiting.expire(700)).toHaveLength(1000);
    expect(waiting.length).toBe(0);
  });
});

describe('a wait that is known', () => {
  it('to be too long is not waited for; else the call is told how long there is still none', async () => {
    const long = says.status('429 Too Many Requests', 'Retry-After: 20\r\n');
    const set = await startNodes([long], { shed: { ...shed, queueTimeoutMs: 200 } });
    await set.call().settled;
    const before = performance.now();
    const call = set.call();
    expect(await call.settled).toMatch(/^overloaded/);
    expect(performance.now() - before).toBeLessThan(100);
    expect(call.failure?.retryAfterMs).toBeGreaterThan(18_000);
    expect(call.failure?.retryAfterMs).toBeLessThanOrEqual(20_000);
  });

  it('is told, too, to a call whose node said only that it is asked too much', async () => {
    const set = await startNodes([says.status('429 Too Many Requests')], {
      shed: { ...shed, queueTimeoutMs: 200 },
    });
    const call = set.call();
    expect(await call.settled).toBe('overloaded: HTTP 429');
    expect(call.failure?.retryAfterMs).toBeGreaterThan(900);
  });

  it('is told anew where it turned out longer while the call waited', async () => {
    const long = says.status('429 Too Many Requests', 'Retry-After: 20\r\n');
    const set = await startNodes([says.after(30, long)], { shed: { ...shed, queueTimeoutMs: 100 } }, {}, [
      { maxInFlight: 1 },
    ]);
    void set.call();
    const call = set.call();
    expect(await call.settled).toMatch(/^overloaded/);
    expect(call.failure?.retryAfterMs).toBeGreaterThan(18_000);
  });

  it('is not known where one upstream is only full', async () => {
    const long = says.status('429 Too Many Requests', 'Retry-After: 20\r\n');
    const set = await startNodes([long, says.after(60, fine)], { shed }, {}, [{}, { maxInFlight: 1 }]);
    const calls = [set.call(), set.call(), set.call()];
    for (const call of calls) expect(await call.settled).toBe('result "fine"');
  });
});
