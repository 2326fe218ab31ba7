import { type CallColumn, callColumns } from './columns.ts';
import { type FiguresMemory, keyShapeOf, methodShape, shadowShape, upstreamShape } from './figures-memory.ts';
import { createRowReader, type RowReader } from './rows.ts';
import { placesInUse, readSketches } from './sketch.ts';
import { readTotals, type Totals } from './totals.ts';

/** What all workers have counted, those that are gone included; read anew at each look. */
export interface Figures {
  totals(): Totals;
  /** Of all calls. */
  calls(): Record<CallColumn, number>;
  readonly methods: RowReader;
  readonly keys: RowReader;
  /** Calls of a key that are not in its row, at most. */
  missedOfKey(id: string): number;
  readonly upstreams: RowReader;
  readonly shadows: RowReader;
  /** By worker; see `threadAt`. */
  readonly threads: readonly Float64Array[];
  addresses(): ReturnType<typeof readSketches>;
  /** Addresses listed, one of several workers once for each: without reading them. */
  listedAddresses(): number;
}

/**
 * They may be written meanwhile: each number is right at some moment of the reading, though not all at the same one, and totals never fall.
 * A row of keys is some 0.1 µs, a place of the addresses' 0.8 µs, all else together 0.2 ms a worker.
 */
export function createFigures(
  slabs: readonly SharedArrayBuffer[],
  memories: readonly FiguresMemory[],
): Figures {
  const threads = memories.map(({ thread }) => new Float64Array(thread));
  const of = (table: keyof FiguresMemory) => memories.map((memory) => memory[table]);
  const methods = createRowReader(of('methods'), methodShape);
  return {
    totals: () => readTotals(slabs),
    calls() {
      const total = methods.total();
      const entries = callColumns.map((name, at) => [name, total[at]!] as const);
      return Object.fromEntries(entries) as Record<CallColumn, number>;
    },
    methods,
    keys: createRowReader(of('keys'), keyShapeOf(memories[0]!)),
    missedOfKey: () => 0,
    upstreams: createRowReader(of('upstreams'), upstreamShape),
    shadows: createRowReader(of('shadows'), shadowShape),
    threads,
    addresses: () => readSketches(of('addresses')),
    listedAddresses: () => placesInUse(of('addresses')),
  };
}
