import { CALLER_COLUMNS, callerAt, METHOD_COLUMNS, UPSTREAM_COLUMNS, upstreamAt } from './columns.ts';
import { clearColumns, createRowsMemory, type RowsShape } from './rows.ts';
import { createSketchMemory } from './sketch.ts';

/** What one worker counts by name, beside its slab. */
export interface FiguresMemory {
  /** Named by `rowName(network, method)`. */
  readonly methods: SharedArrayBuffer;
  /** Named by the key's UUID. */
  readonly keys: SharedArrayBuffer;
  /** By address: a sketch. */
  readonly addresses: SharedArrayBuffer;
  /** Named by `rowName(network, upstream)`. */
  readonly upstreams: SharedArrayBuffer;
  /** Named by rule: calls that it would have refused. */
  readonly shadows: SharedArrayBuffer;
  /** How its thread does, as doubles by {@link threadAt}. */
  readonly thread: SharedArrayBuffer;
}

/** Delay of the event loop over ten seconds or so, and the heap in use. */
export const threadAt = { lagMicros: 0, maxLagMicros: 1, heapBytes: 2 } as const;

/** Methods of all networks that a worker counts by name: of each network some 200 at most. */
const METHOD_ROWS = 4096;
const UPSTREAM_ROWS = 2048;
const SHADOW_ROWS = 512;

export const methodShape: RowsShape = { rowsMax: METHOD_ROWS, nameBytes: 256, columns: METHOD_COLUMNS };
export const upstreamShape: RowsShape = {
  rowsMax: UPSTREAM_ROWS,
  nameBytes: 256,
  columns: UPSTREAM_COLUMNS,
};
export const shadowShape: RowsShape = { rowsMax: SHADOW_ROWS, nameBytes: 256, columns: 1 };

const keyBytes = { nameBytes: 40, columns: CALLER_COLUMNS, latest: callerAt.lastSeenMs };

/** A row for each key there can be; one of a key that is gone is kept. */
export function keyShape(keysMax: number): RowsShape {
  return { ...keyBytes, rowsMax: keysMax + 1 };
}

/** The shape of a table of keys that is there. */
export function keyShapeOf({ keys }: FiguresMemory): RowsShape {
  return keyShape(Math.floor((keys.byteLength - 64) / (keyBytes.nameBytes + keyBytes.columns * 8)) - 1);
}

/** @param keysMax keys that are counted one by one; 192 bytes each, touched as they call */
export function createFiguresMemory(keysMax: number): FiguresMemory {
  return {
    methods: createRowsMemory(methodShape),
    keys: createRowsMemory(keyShape(keysMax)),
    addresses: createSketchMemory(),
    upstreams: createRowsMemory(upstreamShape),
    shadows: createRowsMemory(shadowShape),
    thread: new SharedArrayBuffer(3 * 8),
  };
}

/** The name of a row that is of something on a network. */
export function rowName(network: string, name: string): string {
  return `${network}\n${name}`;
}

/** What a row's name is made of; the row of the rest is of no network. */
export function partsOfName(name: string): [network: string, name: string] {
  const at = name.indexOf('\n');
  return at < 0 ? ['', 'other'] : [name.slice(0, at), name.slice(at + 1)];
}

/** Says that the worker is gone: its totals stay, what it had open is 0. Call it only once the thread has exited. */
export function clearFigures({ upstreams, thread }: FiguresMemory): void {
  new Float64Array(thread).fill(0);
  clearColumns(upstreams, upstreamShape, [upstreamAt.connections, upstreamAt.inFlight]);
}
