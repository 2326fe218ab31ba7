import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it, test } from 'vitest';
import { record } from './histogram.ts';
import { latencyNames } from './definitions.ts';
import { METHOD_LABELS_MAX, wellKnownMethods } from './method-names.ts';
import { clearGauges, counters, createCounterSlab, latencyOffsets } from './slab.ts';
import { readTotals } from './totals.ts';

describe('a slab', () => {
  it('has its heartbeat first and gives every number a place of its own', () => {
    expect(counters.heartbeat).toBe(0);
    const used = [
      ...Object.values(counters),
      ...latencyNames.flatMap((name) => Array.from({ length: 449 }, (_, i) => latencyOffsets[name] + i)),
    ];
    expect(new Set(used).size).toBe(used.length);
    expect(Math.max(...used)).toBe(createCounterSlab().byteLength / 8 - 1);
  });

  it('forgets what its worker had open and keeps what it counted', () => {
    const memory = createCounterSlab();
    const slab = new Float64Array(memory);
    slab[counters.connectionsOpen] = 5;
    slab[counters.cacheBytes] = 6;
    slab[counters.connectionsTotal] = 7;
    clearGauges(memory);
    const totals = readTotals([memory]).counters;
    expect([totals.connectionsOpen, totals.cacheBytes, totals.connectionsTotal]).toEqual([0, 0, 7]);
  });
});

describe('readTotals', () => {
  it('sums slabs into plain data', () => {
    const memories = [createCounterSlab(), createCounterSlab()];
    for (const [i, memory] of memories.entries()) {
      const slab = new Float64Array(memory);
      slab[counters.batches] = 2 ** 40 + i;
      record(slab, latencyOffsets.upstream, 100 * (i + 1));
    }
    const totals = readTotals(memories);
    expect(totals.counters.batches).toBe(2 ** 41 + 1);
    expect(totals.latencies.upstream).toMatchObject({ count: 2, sumMicros: 300 });
    expect(totals.latencies.proxy.count).toBe(0);
    expect(structuredClone(totals)).toEqual(totals);
  });

  it('is all zeros without slabs', () => {
    const totals = readTotals([]);
    expect(Object.values(totals.counters).every((value) => value === 0)).toBe(true);
  });

  it('reads what two threads write meanwhile, never falling, and exact in the end', async () => {
    const rounds = 200_000;
    const memories = [createCounterSlab(), createCounterSlab()];
    const code = `
      const { workerData, parentPort } = require('node:worker_threads');
      import(workerData.module).then(({ counters, latencyOffsets, record }) => {
        const slab = new Float64Array(workerData.memory);
        for (let i = 0; i < ${rounds}; i++) {
          slab[counters.batches]++;
          slab[counters.bytesIn] += 2 ** 20;
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
      seen.push([now.batches, now.bytesIn, times.proxy.count, times.proxy.sumMicros]);
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    await done;
    await Promise.all(workers.map((worker) => worker.terminate()));
    const falls = seen.filter((row, i) => row.some((value, column) => value < (seen[i - 1]?.[column] ?? 0)));
    expect(falls).toEqual([]);
    const totals = readTotals(memories);
    expect(totals.counters.batches).toBe(2 * rounds);
    expect(totals.counters.bytesIn).toBe(2 * rounds * 2 ** 20);
    expect(totals.latencies.proxy).toMatchObject({ count: 2 * rounds, sumMicros: (2 * rounds * 999) / 2 });
  });
});

test('well-known methods leave room for those of the config, and none stands there twice', () => {
  expect(new Set(wellKnownMethods).size).toBe(wellKnownMethods.length);
  expect(wellKnownMethods.length).toBeLessThan(METHOD_LABELS_MAX / 2);
});
