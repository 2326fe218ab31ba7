import { afterEach, describe, expect, it } from 'vitest';
import { createTurn } from '../http/index.ts';
import { callText, send } from './testing/client.ts';
import { closeGateways, startTestGateway } from './testing/gateway.ts';
import { createTurnUsage, type UsageRecord } from './usage-turn.ts';

afterEach(closeGateways);

describe('the usage of one turn', () => {
  it('is folded: what is alike becomes one record', () => {
    const commits: UsageRecord[][] = [];
    const usage = createTurnUsage((records) => commits.push(structuredClone([...records])));
    for (let k = 0; k < 64; k++) usage.add(7, 0, 'eth_call', 0, 2, k % 8 === 0);
    usage.add(7, 0, 'eth_call', 1, 2, false);
    usage.add(7, 1, 'eth_call', 0, 2, false);
    usage.add(8, 0, 'eth_call', 0, 2, false);
    usage.add(-1, 0, 'eth_getLogs', 0, 10, false);
    usage.add(7, 0, 'eth_subscription', 0, 2, false);
    for (let k = 0; k < 5; k++) usage.addEvent(7, 0, 2);
    usage.commit();
    const facts = { outcome: 0, calls: 1, cost: 2, errors: 0, event: false };
    const one = { keyNumber: 7, network: 0, method: 'eth_call', ...facts };
    expect(commits).toEqual([
      [
        { ...one, calls: 64, cost: 128, errors: 8 },
        { ...one, outcome: 1 },
        { ...one, network: 1 },
        { ...one, keyNumber: 8 },
        { ...one, keyNumber: -1, method: 'eth_getLogs', cost: 10 },
        // A call that is named like one is no event.
        { ...one, method: 'eth_subscription' },
        { ...one, method: 'eth_subscription', calls: 5, cost: 10, event: true },
      ],
    ]);
  });

  it('loses and doubles nothing, however many kinds there are', () => {
    const totals = new Map<string, number>();
    const usage = createTurnUsage((records) => {
      for (const { method, calls } of records) totals.set(method, (totals.get(method) ?? 0) + calls);
    });
    for (let k = 0; k < 1000; k++) {
      usage.add(1, 0, `m${k % 37}`, 0, 1, false);
      if (k % 100 === 99) usage.commit();
    }
    usage.commit();
    expect(totals.size).toBe(37);
    expect([...totals.values()].reduce((sum, calls) => sum + calls, 0)).toBe(1000);
  });

  it('is committed once a turn, and nothing where nothing was used', () => {
    let commits = 0;
    const usage = createTurnUsage(() => commits++);
    usage.commit();
    expect(commits).toBe(0);
    usage.add(1, 0, 'm', 0, 1, false);
    usage.commit();
    usage.commit();
    expect(commits).toBe(1);
  });

  it('is committed before any answer of the turn leaves, also of those that come up meanwhile', () => {
    const order: string[] = [];
    const due: (() => void)[] = [];
    const usage = createTurnUsage((records) =>
      order.push(`commit ${records.map(({ calls }) => calls).join()}`),
    );
    const turn = createTurn(
      () => usage.commit(),
      (run) => due.push(run),
    );
    const answer = (name: string, next?: () => void) => {
      usage.add(1, 0, 'm', 0, 1, false);
      turn.defer({
        flush() {
          order.push(name);
          next?.();
        },
      });
    };
    answer('a', () => answer('c'));
    answer('b');
    expect([order, due.length]).toEqual([[], 1]);
    due.shift()!();
    expect(order).toEqual(['commit 2', 'a', 'b']);
    due.shift()!();
    expect(order).toEqual(['commit 2', 'a', 'b', 'commit 1', 'c']);
  });

  it('counts every answer that a caller received, before it received it', async () => {
    const gateway = await startTestGateway(
      { limits: { default: 'none' } },
      {
        vice: {
          request(x) {
            const failing = x.body.includes('"bad"');
            const id = /"id":(\d+)/.exec(x.body)?.[1];
            x.send(
              x.http(failing ? `{"jsonrpc":"2.0","id":${id},"error":{"code":3,"message":"no"}}` : x.answer),
            );
          },
        },
      },
    );
    for (let k = 1; k <= 20; k++) {
      await gateway.call(k % 4 === 0 ? 'bad' : 'm');
      expect(gateway.counter('answersResult') + gateway.counter('answersError')).toBe(k);
    }
    await gateway.send({ body: `[${callText('m', '1')},${callText('bad', '2')},${callText('m', '3')}]` });
    expect([gateway.counter('answersResult'), gateway.counter('answersError')]).toEqual([17, 6]);
    await Promise.all(Array.from({ length: 50 }, () => send(gateway.port, { body: callText() })));
    expect(gateway.counter('answersResult')).toBe(67);
    expect(gateway.counter('callsAllowed')).toBe(73);
  });
});
