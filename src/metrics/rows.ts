/*
 * A table of named rows in shared memory, written by one worker without atomics: it gives a row to each name when it first
 * counts under it, so no thread must agree with another on numbers, a reload changes nothing, and whoever takes a dead worker's
 * place counts on. A row and its name stay for ever.
 *
 *     i32 rows in use · 60 bytes unused | names, `nameBytes` each: length, UTF-8 | doubles, `columns` each
 *
 * Row 0 is of all names that found no row.
 */

export interface RowsShape {
  readonly rowsMax: number;
  /** Room for a name and its length, a multiple of 8, at most 256. */
  readonly nameBytes: number;
  /** Doubles of a row. */
  readonly columns: number;
  /** A column of which the greatest counts and not the sum. */
  readonly latest?: number;
}

const HEAD_BYTES = 64;

/** Fresh pages cost nothing until they are written, so there may be room for many. */
export function createRowsMemory({ rowsMax, nameBytes, columns }: RowsShape): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(HEAD_BYTES + rowsMax * (nameBytes + columns * 8));
  new Int32Array(memory)[0] = 1;
  return memory;
}

interface RowsViews {
  used: Int32Array;
  names: Uint8Array;
  numbers: Float64Array;
}

function viewsOf(memory: SharedArrayBuffer, { rowsMax, nameBytes, columns }: RowsShape): RowsViews {
  return {
    used: new Int32Array(memory, 0, 1),
    names: new Uint8Array(memory, HEAD_BYTES, rowsMax * nameBytes),
    numbers: new Float64Array(memory, HEAD_BYTES + rowsMax * nameBytes, rowsMax * columns),
  };
}

/** The one writer's side. */
export interface RowWriter {
  /** Index in `numbers` of the first double of the row with that name; 0, the row of the rest, where there is no room. */
  rowOf(name: string): number;
  readonly numbers: Float64Array;
}

export function createRowWriter(memory: SharedArrayBuffer, shape: RowsShape): RowWriter {
  const { used, names, numbers } = viewsOf(memory, shape);
  const { rowsMax, nameBytes, columns } = shape;
  const rows = new Map<string, number>();
  // Of the worker that was here before.
  for (let row = 1; row < used[0]!; row++) rows.set(nameAt(names, row * nameBytes), row * columns);

  return {
    numbers,
    rowOf(name) {
      const known = rows.get(name);
      if (known !== undefined) return known;
      const row = used[0]!;
      const text = Buffer.from(name, 'utf8');
      if (row >= rowsMax || text.length >= nameBytes) return 0;
      names[row * nameBytes] = text.length;
      names.set(text, row * nameBytes + 1);
      // Last: who sees the row sees its name.
      Atomics.store(used, 0, row + 1);
      rows.set(name, row * columns);
      return row * columns;
    },
  };
}

function nameAt(names: Uint8Array, at: number): string {
  // TextDecoder takes no shared memory.
  return Buffer.from(names.slice(at + 1, at + 1 + names[at]!)).toString('utf8');
}

/** The sums of one name over all tables. */
export interface RowSums {
  /** '' for what found no row. */
  readonly name: string;
  readonly numbers: Float64Array;
}

/** Reads the tables of several workers as one; knows names once it has read them, so keep it. */
export interface RowReader {
  /** Names that have a row in any table. */
  readonly size: number;
  /**
   * Adds up one row after the other; `numbers` is another's at the next. Rows without a count are passed over. `from`, `end`: of the rows, where
   * they are read in pieces.
   */
  each(visit: (sums: RowSums, index: number) => void, from?: number, end?: number): void;
  /** The sums of one name; undefined where it has no row. */
  find(name: string): Float64Array | undefined;
  /** Of all rows together. */
  total(): Float64Array;
}

export function createRowReader(memories: readonly SharedArrayBuffer[], shape: RowsShape): RowReader {
  const { nameBytes, columns, latest } = shape;
  const tables = memories.map((memory) => ({ ...viewsOf(memory, shape), read: 1, rowOf: [0] as number[] }));
  const indexes = new Map<string, number>([['', 0]]);
  const list: string[] = [''];
  const sums = new Float64Array(columns);

  function readNames(): void {
    for (const table of tables) {
      const end = Atomics.load(table.used, 0);
      for (; table.read < end; table.read++) {
        const name = nameAt(table.names, table.read * nameBytes);
        let index = indexes.get(name);
        if (index === undefined) {
          index = list.push(name) - 1;
          indexes.set(name, index);
        }
        table.rowOf[index] = table.read;
      }
    }
  }

  /** False: there is nothing in it. */
  function add(index: number): boolean {
    let any = false;
    sums.fill(0);
    for (const { numbers, rowOf } of tables) {
      const row = rowOf[index];
      if (row === undefined) continue;
      const at = row * columns;
      for (let column = 0; column < columns; column++) {
        const number = numbers[at + column]!;
        if (number === 0) continue;
        any = true;
        sums[column] = column === latest ? Math.max(sums[column]!, number) : sums[column]! + number;
      }
    }
    return any;
  }

  return {
    get size() {
      readNames();
      return list.length - 1;
    },
    each(visit, from = 0, end = Number.POSITIVE_INFINITY) {
      readNames();
      for (let index = from; index < Math.min(end, list.length); index++)
        if (add(index)) visit({ name: list[index]!, numbers: sums }, index);
    },
    find(name) {
      readNames();
      const index = indexes.get(name);
      if (index === undefined) return undefined;
      add(index);
      return sums.slice();
    },
    total() {
      const total = new Float64Array(columns);
      for (const { used, numbers } of tables) {
        const end = Atomics.load(used, 0) * columns;
        for (let at = 0; at < end; at++) total[at % columns]! += numbers[at]!;
      }
      return total;
    },
  };
}

/** Columns that say what there is now are 0 from now on: their worker is gone. Call it only once the thread has exited. */
export function clearColumns(memory: SharedArrayBuffer, shape: RowsShape, gauges: readonly number[]): void {
  const { used, numbers } = viewsOf(memory, shape);
  for (let row = 0; row < used[0]!; row++)
    for (const column of gauges) numbers[row * shape.columns + column] = 0;
}
