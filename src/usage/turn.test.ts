import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTurn } from '../http/index.ts';
import { latencyBucket, type UsageRecord } from './record.ts';
import { createTurnUsage, type TurnUsage } from './turn.ts';

const K = '00000000-0000-4000-8000-000000000007';
const L = '00000000-0000-4000-8000-000000000008';

/** A call of no interest but its method. */
function addCall(
  usage: TurnUsage,
  method: string,
  over: Partial<UsageRecord> & { isError?: boolean } = {},
): void {
  const { keyId = K, network = 'a', status = 0, cost = 2, isError = false } = over;
  usage.add(keyId, network, method, status, cost, isError, 100, 300, 1000);
}

describe('the usage of one turn', () => {
  it('is folded: what is alike becomes one record', () => {
    const commits: UsageRecord[][] = [];
    const usage = createTurnUsage((records) => commits.push(structuredClone([...records])));
    for (let k = 0; k < 64; k++) addCall(usage, 'eth_call', { isError: k % 8 === 0 });
    addCall(usage, 'eth_call', { status: 1 });
    addCall(usage, 'eth_call', { network: 'b' });
    addCall(usage, 'eth_call', { keyId: L });
    addCall(usage, 'eth_getLogs', { cost: 10 });
    addCall(usage, 'eth_subscription');
    for (let k = 0; k < 5; k++) usage.addEvent(K, 'a', 2, 40);
    for (let k = 0; k < 3; k++) usage.refuse(K, 'a', 'eth_call', 100, 50);
    usage.commit();
    const facts = { keyId: K, network: 'a', status: 0, event: false, errors: 0 };
    const timed = (calls: number) => ({
      calls,
      bytesIn: 100 * calls,
      bytesOut: 300 * calls,
      latencyMicros: 1000 * calls,
      latency: latencies(calls),
    });
    const one = { ...facts, method: 'eth_call', cost: 2, ...timed(1) };
    expect(commits).toEqual([
      [
        { ...one, cost: 128, errors: 8, ...timed(64) },
        { ...one, status: 1 },
        { ...one, network: 'b' },
        { ...one, keyId: L },
        { ...one, method: 'eth_getLogs', cost: 10 },
        // A call that is named like one is no event.
        { ...one, method: 'eth_subscription' },
        {
          ...facts,
          ...{ method: 'eth_subscription', event: true, calls: 5, cost: 10, bytesIn: 0, bytesOut: 200 },
          ...{ latencyMicros: 0, latency: latencies(0) },
        },
        {
          ...facts,
          ...{ method: 'eth_call', status: 2, calls: 3, cost: 0, bytesIn: 300, bytesOut: 150 },
          ...{ latencyMicros: 0, latency: latencies(0) },
        },
      ],
    ]);
  });

  it('begins anew with each turn, in the same records', () => {
    const seen: UsageRecord[] = [];
    const sums: number[][] = [];
    const usage = createTurnUsage(([record]) => {
      seen.push(record!);
      sums.push([record!.calls, record!.cost, record!.bytesIn, record!.latency[latencyBucket(1000)]!]);
    });
    for (let turn = 1; turn <= 3; turn++) {
      for (let k = 0; k < turn; k++) addCall(usage, `m${turn}`);
      usage.commit();
    }
    expect(new Set(seen).size).toBe(1);
    expect(sums).toEqual([1, 2, 3].map((calls) => [calls, 2 * calls, 100 * calls, calls]));
  });

  it('is not counted again where the commit threw', () => {
    let commits = 0;
    const usage = createTurnUsage((records) => {
      if (++commits === 1) throw new Error('no');
      expect(records.map(({ calls }) => calls)).toEqual([1]);
    });
    addCall(usage, 'm');
    expect(() => usage.commit()).toThrow('no');
    addCall(usage, 'm');
    usage.commit();
    expect(commits).toBe(2);
  });

  it('loses and doubles nothing, however many kinds there are', () => {
    const totals = new Map<string, number>();
    const usage = createTurnUsage((records) => {
      for (const { method, calls } of records) totals.set(method, (totals.get(method) ?? 0) + calls);
    });
    for (let k = 0; k < 1000; k++) {
      addCall(usage, `m${k % 37}`);
      if (k % 100 === 99) usage.commit();
    }
    usage.commit();
    expect(totals.size).toBe(37);
    expect([...totals.values()].reduce((sum, calls) => sum + calls, 0)).toBe(1000);
  });

  it('goes on after a turn of more records than are kept for later ones', () => {
    let committed = 0;
    const usage = createTurnUsage((records) => {
      for (const { calls } of records) committed += calls;
    });
    // Alternating kinds of one place take it from each other: a record for each call.
    for (let k = 0; k < 1200; k++) addCall(usage, k % 2 === 0 ? 'eth_aaaa' : 'eth_bbbb');
    usage.commit();
    expect(committed).toBe(1200);
    for (let turn = 0; turn < 10; turn++) {
      addCall(usage, 'eth_bbbb');
      usage.commit();
    }
    expect(committed).toBe(1210);
  });

  it('adds up over turns of any size', () => {
    const turn = fc.record({
      calls: fc.oneof(fc.nat(20), fc.integer({ min: 1000, max: 2500 })),
      kinds: fc.integer({ min: 1, max: 40 }),
      keys: fc.constantFrom(1, 2, 1500),
    });
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 12 }), (turns) => {
        const sums = (): Map<string, number[]> => new Map();
        const add = (to: Map<string, number[]>, name: string, counts: number[]) =>
          to.set(
            name,
            counts.map((count, at) => count + (to.get(name)?.[at] ?? 0)),
          );
        const [added, committed] = [sums(), sums()];
        const usage = createTurnUsage((records) => {
          for (const { keyId, method, event, calls, cost, bytesOut, latency } of records)
            add(committed, `${keyId} ${method} ${event}`, [
              ...[calls, cost, bytesOut],
              latency.reduce((a, b) => a + b, 0),
            ]);
        });
        for (const { calls, kinds, keys } of turns) {
          for (let k = 0; k < calls; k++) {
            const keyId = K.slice(0, -4) + String(k % keys).padStart(4, '0');
            const method = `m${String(k % kinds).padStart(2, '0')}`;
            if (k % 7 === 3) {
              usage.addEvent(keyId, 'a', 2, 40);
              add(added, `${keyId} eth_subscription true`, [1, 2, 40, 0]);
            } else {
              addCall(usage, method, { keyId });
              add(added, `${keyId} ${method} false`, [1, 2, 300, 1]);
            }
          }
          usage.commit();
        }
        expect(committed).toEqual(added);
      }),
      { numRuns: 25 },
    );
  });

  it('is committed once a turn, and nothing where nothing was used', () => {
    let commits = 0;
    const usage = createTurnUsage(() => commits++);
    usage.commit();
    expect(commits).toBe(0);
    addCall(usage, 'm');
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
      addCall(usage, 'm');
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
});

function latencies(calls: number): Uint32Array {
  const latency = new Uint32Array(24);
  latency[latencyBucket(1000)] = calls;
  return latency;
}
