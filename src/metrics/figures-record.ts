import { setImmediate as turn } from 'node:timers/promises';
import { callColumns, callerAt, callAt, CALLER_COLUMNS, decisions, METHOD_COLUMNS } from './columns.ts';
import { counterNames, latencyNames } from './definitions.ts';
import type { Figures } from './figures.ts';
import { methodShape, shadowShape, upstreamShape } from './figures-memory.ts';
import { bucketCount } from './histogram.ts';
import type { RowReader } from './rows.ts';

/** A name and its row's doubles, without the zeros at its end. */
export type RecordedRow = readonly [name: string, ...numbers: number[]];

/** What one instance has counted, as others may read it: plain data of bounded size. */
export interface FiguresRecord {
  /** What the numbers mean: see {@link recordFormat}. */
  format: string;
  counters: number[];
  /** By histogram: sum of µs, then pairs of bucket and count. */
  latencies: number[][];
  methods: RecordedRow[];
  upstreams: RecordedRow[];
  shadows: RecordedRow[];
  /** Those with the most calls; a key that is not among them has made at most `keysFloor` calls. */
  keys: RecordedRow[];
  keysFloor: number;
  /** Their first number: calls that may have been missed. */
  addresses: RecordedRow[];
  /** An address that is not among them has made at most so many calls. */
  addressesFloor: number;
}

/** Names all columns in order, so that an instance of another version is not misread. */
const recordFormat = [
  '1',
  ...counterNames,
  ...latencyNames,
  ...callColumns,
  bucketCount,
  METHOD_COLUMNS,
  upstreamShape.columns,
  shadowShape.columns,
].join();

/** Numbers and times up to the last that a Date can have. */
const NUMBER_MAX = 8.64e15;
const isNumber = (value: unknown): value is number =>
  typeof value === 'number' && Math.abs(value) <= NUMBER_MAX;
const areNumbers = (value: unknown): boolean => Array.isArray(value) && value.every(isNumber);
const areRows = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.every(
    (row) =>
      Array.isArray(row) &&
      row.every((cell, at) => (at === 0 ? typeof cell === 'string' : isNumber(cell))) &&
      row.length > 0,
  );
/** Sum, and pairs of a bucket that there is and a count. */
const isLatency = (value: unknown): boolean =>
  areNumbers(value) &&
  (value as number[]).every(
    (bucket, at) => at % 2 === 0 || (Number.isInteger(bucket) && bucket >= 0 && bucket < bucketCount),
  );

/** A record as it comes from outside; null: it is none, or another version's. */
export function readRecord(value: unknown): FiguresRecord | null {
  const record = value as FiguresRecord | null;
  if (record?.format !== recordFormat) return null;
  const { latencies, counters, methods, upstreams, shadows, keys, addresses } = record;
  const isWhole =
    areNumbers(counters) &&
    Array.isArray(latencies) &&
    latencies.every(isLatency) &&
    [methods, upstreams, shadows, keys, addresses].every(areRows) &&
    areNumbers([record.keysFloor, record.addressesFloor]);
  return isWhole ? record : null;
}

/** Rows of keys, and of addresses, methods, upstreams and rules each: some 400 KB in all, a fifth of it once it is compressed. */
export const RECORD_ROWS = { keys: 2000, others: 1024 } as const;
/** Rows read before main turns to other things: half a millisecond. */
const ROWS_A_TURN = 5000;

/** Reads all figures, in pieces where there are many keys. */
export async function recordFigures(
  figures: Pick<Figures, 'totals' | 'methods' | 'keys' | 'upstreams' | 'shadows' | 'addresses'>,
): Promise<FiguresRecord> {
  const { counters, latencies } = figures.totals();
  const { keys, floor: keysFloor } = await mostOf(figures.keys);
  const { addresses, floor } = figures.addresses();
  const byWeight = addresses
    .map((entry) => ({ ...entry, weight: callsOf(entry.numbers) + entry.missed }))
    .toSorted((a, b) => b.weight - a.weight);
  const unlisted = byWeight[RECORD_ROWS.others]?.weight ?? 0;
  return {
    format: recordFormat,
    counters: counterNames.map((name) => counters[name]),
    latencies: latencyNames.map((name) => {
      const { sumMicros, buckets } = latencies[name];
      const pairs = Array.from(buckets).flatMap((count, bucket) => (count === 0 ? [] : [bucket, count]));
      return [sumMicros, ...pairs];
    }),
    methods: rowsOf(figures.methods, callsOf),
    upstreams: rowsOf(figures.upstreams, ([calls = 0]) => calls),
    shadows: rowsOf(figures.shadows, ([calls = 0]) => calls),
    ...{ keys, keysFloor },
    addresses: byWeight
      .slice(0, RECORD_ROWS.others)
      .map(({ address, missed, numbers }) => [address, missed, ...trimmed(numbers)]),
    addressesFloor: Math.max(floor, unlisted),
  };
}

/** The rows with the most; what the others have is added to the row of what has none, where there are too many. */
function rowsOf(rows: Pick<RowReader, 'each'>, weight: (numbers: Float64Array) => number): RecordedRow[] {
  const all: { name: string; numbers: Float64Array }[] = [];
  rows.each(({ name, numbers }) => all.push({ name, numbers: numbers.slice() }));
  if (all.length > RECORD_ROWS.others) {
    all.sort((a, b) => weight(b.numbers) - weight(a.numbers));
    const rest = all.splice(RECORD_ROWS.others);
    const sums = new Float64Array(rest[0]!.numbers.length);
    for (const { numbers } of rest) for (const [at, number] of numbers.entries()) sums[at]! += number;
    all.push({ name: '', numbers: sums });
  }
  return all.map(({ name, numbers }) => [name, ...trimmed(numbers)]);
}

/** The keys that call most: kept to twice as many as are wanted while all are read. */
async function mostOf(rows: RowReader): Promise<{ keys: RecordedRow[]; floor: number }> {
  const kept: { calls: number; row: RecordedRow }[] = [];
  let floor = 0;
  const cut = (): void => {
    kept.sort((a, b) => b.calls - a.calls);
    for (const { calls } of kept.splice(RECORD_ROWS.keys)) floor = Math.max(floor, calls);
  };
  for (let from = 0; from <= rows.size; from += ROWS_A_TURN) {
    if (from > 0) await turn();
    rows.each(
      ({ name, numbers }) => {
        const calls = callsOf(numbers);
        if (name === '') return;
        // Not below what was cut away already; equals may be either.
        if (kept.length >= RECORD_ROWS.keys && calls < floor) return;
        kept.push({ calls, row: [name, ...trimmed(numbers)] });
        if (kept.length >= 2 * RECORD_ROWS.keys) cut();
      },
      from,
      from + ROWS_A_TURN,
    );
  }
  cut();
  return { keys: kept.map(({ row }) => row), floor };
}

function callsOf(numbers: Float64Array): number {
  let calls = 0;
  for (const name of decisions) calls += numbers[callAt[name]]!;
  return calls;
}

function trimmed(numbers: Float64Array): number[] {
  let end = numbers.length;
  while (end > 0 && numbers[end - 1] === 0) end--;
  return Array.from(numbers.subarray(0, end));
}

/** The rows of a record as they were; a time that is the latest and no sum is `latest`. */
export const recordedColumns = {
  methods: methodShape.columns,
  upstreams: upstreamShape.columns,
  shadows: shadowShape.columns,
  keys: CALLER_COLUMNS,
} as const;
export const LATEST = callerAt.lastSeenMs;
