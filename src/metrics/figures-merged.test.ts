import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { callAt, callerAt, upstreamAt } from './columns.ts';
import { createFigures, type Figures } from './figures.ts';
import {
  createFiguresMemory,
  type FiguresMemory,
  keyShapeOf,
  methodShape,
  shadowShape,
  upstreamShape,
} from './figures-memory.ts';
import { mergeFigures } from './figures-merged.ts';
import { type FiguresRecord, RECORD_ROWS, recordFigures } from './figures-record.ts';
import { record } from './histogram.ts';
import { createRowWriter, type RowReader, type RowsShape } from './rows.ts';
import { createSketchWriter } from './sketch.ts';
import { counters, createCounterSlab, latencyOffsets } from './slab.ts';

interface Worker {
  slab: SharedArrayBuffer;
  memory: FiguresMemory;
}

const worker = (keysMax = 64): Worker => ({
  slab: createCounterSlab(),
  memory: createFiguresMemory(keysMax),
});
const figuresOf = (workers: readonly Worker[]): Figures =>
  createFigures(
    workers.map(({ slab }) => slab),
    workers.map(({ memory }) => memory),
  );
/** As it comes over Redis. */
const told = async (figures: Figures): Promise<FiguresRecord> =>
  JSON.parse(JSON.stringify(await recordFigures(figures))) as FiguresRecord;

function add(memory: SharedArrayBuffer, shape: RowsShape, name: string, column: number, count: number): void {
  const { numbers, rowOf } = createRowWriter(memory, shape);
  const at = rowOf(name) + column;
  numbers[at] = column === shape.latest ? Math.max(numbers[at]!, count) : numbers[at]! + count;
}

function rowsOf(rows: RowReader): Record<string, number[]> {
  const found: Record<string, number[]> = {};
  rows.each(({ name, numbers }) => (found[name] = [...numbers]));
  return found;
}

/** One thing that a worker counts. */
const event = fc.record({
  worker: fc.integer({ min: 0, max: 3 }),
  what: fc.constantFrom('method', 'key', 'seen', 'upstream', 'shadow', 'address', 'counter', 'latency'),
  name: fc.constantFrom('a', 'b', 'c', 'd'),
  count: fc.integer({ min: 1, max: 1000 }),
});

describe('figures of several instances', () => {
  it('are what they would be if all workers were of one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 60 }), async (events) => {
        const workers = [worker(), worker(), worker(), worker()];
        for (const { worker: at, what, name, count } of events) {
          const { slab, memory } = workers[at]!;
          const keys = keyShapeOf(memory);
          if (what === 'method') add(memory.methods, methodShape, name, callAt.allowed, count);
          else if (what === 'key') add(memory.keys, keys, name, callAt.exceeded, count);
          else if (what === 'seen') add(memory.keys, keys, name, callerAt.lastSeenMs, count);
          else if (what === 'upstream') add(memory.upstreams, upstreamShape, name, upstreamAt.calls, count);
          else if (what === 'shadow') add(memory.shadows, shadowShape, name, 0, count);
          else if (what === 'counter') new Float64Array(slab)[counters.requestsFast]! += count;
          else if (what === 'latency') record(new Float64Array(slab), latencyOffsets.proxy, count);
          else {
            const sketch = createSketchWriter(memory.addresses);
            const row = sketch.count(name, -1);
            sketch.numbers[row + callAt.allowed]!++;
          }
        }
        const all = figuresOf(workers);
        const [own, second, third] = [workers.slice(0, 2), workers.slice(2, 3), workers.slice(3)].map(
          figuresOf,
        );
        const merged = mergeFigures(own!, [await told(second!), await told(third!)]);
        for (const table of ['methods', 'keys', 'upstreams', 'shadows'] as const) {
          expect(rowsOf(merged[table])).toEqual(rowsOf(all[table]));
          expect(merged[table].size).toBe(all[table].size);
          for (const name of ['a', 'b', 'nobody'])
            expect([...(merged[table].find(name) ?? [])]).toEqual([...(all[table].find(name) ?? [])]);
          if (table !== 'keys') expect([...merged[table].total()]).toEqual([...all[table].total()]);
        }
        expect(merged.totals()).toEqual(all.totals());
        expect(merged.calls()).toEqual(all.calls());
        const byAddress = ({ addresses }: ReturnType<Figures['addresses']>) =>
          addresses.toSorted((a, b) => (a.address < b.address ? -1 : 1));
        expect(byAddress(merged.addresses())).toEqual(byAddress(all.addresses()));
        expect(merged.missedOfKey('a')).toBe(0);
      }),
      { numRuns: 40 },
    );
  });

  it('say how wrong they may be where an instance has more callers than it tells of', async () => {
    const keys = RECORD_ROWS.keys + 500;
    const [own, other] = [worker(keys), worker(keys)];
    const { numbers, rowOf } = createRowWriter(other.memory.keys, keyShapeOf(other.memory));
    for (let key = 1; key <= keys; key++) numbers[rowOf(`key-${key}`) + callAt.allowed] = key;
    const truth = new Map<string, number>();
    // Two workers know other addresses: together more than are told.
    const more = worker(keys);
    for (const { memory } of [other, more]) {
      const sketch = createSketchWriter(memory.addresses);
      for (let call = 0; call < 4000; call++) {
        const address = `${memory === more.memory ? 'b' : 'a'}${Math.floor(1500 * ((call * 0.618034) % 1) ** 2)}`;
        sketch.numbers[sketch.count(address, -1) + callAt.allowed]!++;
        truth.set(address, (truth.get(address) ?? 0) + 1);
      }
    }
    const record = await told(figuresOf([other, more]));
    expect([record.keys.length, record.addresses.length]).toEqual([RECORD_ROWS.keys, RECORD_ROWS.others]);
    const merged = mergeFigures(figuresOf([own]), [record]);
    for (let key = 1; key <= keys; key++) {
      const counted = merged.keys.find(`key-${key}`)?.[callAt.allowed] ?? 0;
      expect(counted).toBeLessThanOrEqual(key);
      expect(counted + merged.missedOfKey(`key-${key}`)).toBeGreaterThanOrEqual(key);
    }
    expect(merged.missedOfKey(`key-${keys}`)).toBe(0);
    const { addresses, floor } = merged.addresses();
    const listed = new Map(addresses.map((entry) => [entry.address, entry]));
    for (const [address, calls] of truth) {
      const entry = listed.get(address);
      if (entry === undefined) expect(calls).toBeLessThanOrEqual(floor);
      else {
        expect(entry.numbers[callAt.allowed]).toBeLessThanOrEqual(calls);
        expect(entry.numbers[callAt.allowed]! + entry.missed).toBeGreaterThanOrEqual(calls);
      }
    }
  });
});
