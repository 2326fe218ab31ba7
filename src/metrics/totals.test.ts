import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { record } from './histogram.ts';
import {
  counterNames,
  definitions,
  latencies,
  latencyNames,
  methodColumnNames,
  methodColumns,
} from './definitions.ts';
import { createMethodNumbers, methodNumberCount, wellKnownMethods } from './method-names.ts';
import { clearGauges, counters, createCounterSlab, latencyOffsets, methodIndex } from './slab.ts';
import { readTotals } from './totals.ts';

describe('a slab', () => {
  it('has its heartbeat first and gives every number a place of its own', () => {
    expect(counters.heartbeat).toBe(0);
    const used = [
      ...Object.values(counters),
      ...Array.from({ length: methodNumberCount }, (_, n) =>
        methodColumnNames.map((column) => methodIndex(n, column)),
      ).flat(),
      ...latencyNames.flatMap((name) => Array.from({ length: 449 }, (_, i) => latencyOffsets[name] + i)),
    ];
    expect(new Set(used).size).toBe(used.length);
    expect(Math.max(...used)).toBe(createCounterSlab().byteLength / 8 - 1);
  });

  it('forgets what its worker had open and keeps what it counted', () => {
    const memory = createCounterSlab();
    const slab = new Float64Array(memory);
    slab[counters.connectionsOpen] = 5;
    slab[counters.upstreamConnectionsOpen] = 6;
    slab[counters.connectionsTotal] = 7;
    clearGauges(memory);
    const totals = readTotals([memory]).counters;
    expect([totals.connectionsOpen, totals.upstreamConnectionsOpen, totals.connectionsTotal]).toEqual([
      0, 0, 7,
    ]);
  });
});

describe('readTotals', () => {
  it('sums slabs into plain data', () => {
    const memories = [createCounterSlab(), createCounterSlab()];
    for (const [i, memory] of memories.entries()) {
      const slab = new Float64Array(memory);
      slab[counters.callsAllowed] = 2 ** 40 + i;
      slab[methodIndex(3, 'calls')] = 10;
      slab[methodIndex(3, 'refused')] = i;
      record(slab, latencyOffsets.upstream, 100 * (i + 1));
    }
    const totals = readTotals(memories);
    expect(totals.counters.callsAllowed).toBe(2 ** 41 + 1);
    expect(totals.methods).toEqual([
      { method: 3, counts: { calls: 20, refused: 1, failed: 0, upstreamMicros: 0 } },
    ]);
    expect(totals.latencies.upstream).toMatchObject({ count: 2, sumMicros: 300 });
    expect(totals.latencies.proxy.count).toBe(0);
    expect(structuredClone(totals)).toEqual(totals);
  });

  it('is all zeros without slabs', () => {
    const totals = readTotals([]);
    expect(Object.values(totals.counters).every((value) => value === 0)).toBe(true);
    expect(totals.methods).toEqual([]);
  });

  it('reads what two threads write meanwhile, never falling, and exact in the end', async () => {
    const rounds = 200_000;
    const memories = [createCounterSlab(), createCounterSlab()];
    const code = `
      const { workerData, parentPort } = require('node:worker_threads');
      import(workerData.module).then(({ counters, latencyOffsets, methodIndex, record }) => {
        const slab = new Float64Array(workerData.memory);
        for (let i = 0; i < ${rounds}; i++) {
          slab[counters.callsAllowed]++;
          slab[counters.bytesIn] += 2 ** 20;
          slab[methodIndex(1, 'calls')]++;
          record(slab, latencyOffsets.proxy, i % 1000);
        }
        parentPort.postMessage('done');
      });`;
    const module = new URL('./index.ts', import.meta.url).href;
    const workers = memories.map(
      (memory) => new Worker(code, { eval: true, workerData: { memory, module } }),
    );
    const state = { running: true };
    const done = Promise.all(workers.map((worker) => once(worker, 'message'))).then(() => {
      state.running = false;
    });
    const seen: number[][] = [];
    while (state.running) {
      const { counters: now, latencies: times } = readTotals(memories);
      seen.push([now.callsAllowed, now.bytesIn, times.proxy.count, times.proxy.sumMicros]);
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    await done;
    await Promise.all(workers.map((worker) => worker.terminate()));
    const falls = seen.filter((row, i) => row.some((value, column) => value < (seen[i - 1]?.[column] ?? 0)));
    expect(falls).toEqual([]);
    const totals = readTotals(memories);
    expect(totals.counters.callsAllowed).toBe(2 * rounds);
    expect(totals.counters.bytesIn).toBe(2 * rounds * 2 ** 20);
    expect(totals.methods).toMatchObject([{ method: 1, counts: { calls: 2 * rounds } }]);
    expect(totals.latencies.proxy).toMatchObject({ count: 2 * rounds, sumMicros: (2 * rounds * 999) / 2 });
  });
});

describe('the definitions', () => {
  it('can be published: snake case, totals named so, one help and kind a family, distinct labels', () => {
    const families = new Map<string, Set<string>>();
    const series = new Set<string>();
    for (const name of counterNames) {
      const { family, kind, help, label } = definitions[name];
      families.set(family, (families.get(family) ?? new Set()).add(`${kind} ${help}`));
      series.add(JSON.stringify([family, label]));
    }
    const all = [...families.keys(), ...Object.values(latencies).map((each) => each.family)];
    all.push(...Object.values(methodColumns).map((each) => each.family));
    expect(all.filter((family) => !/^[a-z0-9]+(_[a-z0-9]+)*$/.test(family))).toEqual([]);
    expect(new Set(all).size).toBe(all.length);
    expect([...families].filter(([, kinds]) => kinds.size !== 1)).toEqual([]);
    expect(series.size).toBe(counterNames.length);
    const misnamed = counterNames.filter(
      (name) => definitions[name].family.endsWith('_total') !== (definitions[name].kind === 'total'),
    );
    expect(misnamed).toEqual([]);
  });
});

describe('createMethodNumbers', () => {
  it('numbers known names and those given, and calls the rest other', () => {
    const methods = createMethodNumbers(['acme_find', 'eth_call', 'acme_find', 'acme_list']);
    expect(methods.names[methods.numberOf('eth_call')]).toBe('eth_call');
    expect(methods.names[methods.numberOf('acme_list')]).toBe('acme_list');
    expect(methods.names).toHaveLength(wellKnownMethods.length + 3);
    for (const name of ['other', '__proto__', 'eth_nothing', '']) expect(methods.numberOf(name)).toBe(0);
  });

  it('has an end', () => {
    const methods = createMethodNumbers(Array.from({ length: 500 }, (_, i) => `m${i}`));
    expect(methods.names).toHaveLength(methodNumberCount);
    expect(methods.numberOf('m0')).toBeGreaterThan(0);
    expect(methods.numberOf('m499')).toBe(0);
  });

  it('lists no name twice', () => {
    expect(new Set(wellKnownMethods).size).toBe(wellKnownMethods.length);
  });
});
