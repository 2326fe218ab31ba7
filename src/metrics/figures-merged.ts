import { type CallColumn, callColumns, CALLER_COLUMNS } from './columns.ts';
import { counterNames, latencyNames } from './definitions.ts';
import type { Figures } from './figures.ts';
import { type FiguresRecord, LATEST, recordedColumns, type RecordedRow } from './figures-record.ts';
import type { HistogramTotals } from './histogram.ts';
import type { RowReader } from './rows.ts';
import type { SketchedAddress } from './sketch.ts';
import type { Totals } from './totals.ts';

type Table = keyof typeof recordedColumns;

/**
 * This instance's figures and those of others, as if all were workers of one. Sums are exact but of callers whom an instance did not record:
 * of these they are too low by at most what `missedOfKey` and `missed` say. `threads` are this instance's.
 */
export function mergeFigures(own: Figures, others: readonly FiguresRecord[]): Figures {
  const table = (name: Table, latest = -1): RowReader =>
    mergeRows(
      own[name],
      others.map((record) => record[name]),
      recordedColumns[name],
      latest,
    );
  const methods = table('methods');
  const keysFloor = others.reduce((sum, record) => sum + record.keysFloor, 0);
  const listed = others.map(({ keys, keysFloor: floor }) => ({
    floor,
    names: floor === 0 ? null : new Set(keys.map(([name]) => name)),
  }));
  const addresses = mergeAddresses(own.addresses(), others);
  return {
    totals: () => mergeTotals(own.totals(), others),
    calls() {
      const total = methods.total();
      return Object.fromEntries(callColumns.map((name, at) => [name, total[at]!])) as Record<
        CallColumn,
        number
      >;
    },
    methods,
    keys: table('keys', LATEST),
    missedOfKey: (id) =>
      keysFloor === 0
        ? 0
        : listed.reduce((sum, { floor, names }) => sum + (names === null || names.has(id) ? 0 : floor), 0),
    upstreams: table('upstreams'),
    shadows: table('shadows'),
    threads: own.threads,
    addresses: () => addresses,
    listedAddresses: () => addresses.addresses.length,
  };
}

function mergeTotals(own: Totals, others: readonly FiguresRecord[]): Totals {
  const counters = { ...own.counters };
  const latencies = { ...own.latencies };
  for (const record of others) {
    for (const [at, name] of counterNames.entries()) counters[name] += record.counters[at] ?? 0;
    for (const [at, name] of latencyNames.entries())
      latencies[name] = plus(latencies[name], record.latencies[at] ?? []);
  }
  return { counters, latencies };
}

function plus(histogram: HistogramTotals, [sumMicros = 0, ...pairs]: readonly number[]): HistogramTotals {
  const buckets = Float64Array.from(histogram.buckets);
  let { count } = histogram;
  for (let at = 0; at + 1 < pairs.length; at += 2) {
    buckets[pairs[at]!]! += pairs[at + 1]!;
    count += pairs[at + 1]!;
  }
  return { count, sumMicros: histogram.sumMicros + sumMicros, buckets };
}

/** Rows of others stand behind our own; of a name that we have as well the sums are given where ours stands. */
function mergeRows(
  own: RowReader,
  others: readonly (readonly RecordedRow[])[],
  columns: number,
  latest: number,
): RowReader {
  const foreign = new Map<string, Float64Array>();
  for (const rows of others)
    for (const [name, ...numbers] of rows) {
      let sums = foreign.get(name);
      if (sums === undefined) foreign.set(name, (sums = new Float64Array(columns)));
      addTo(sums, numbers);
    }
  const both = new Float64Array(columns);

  function addTo(sums: Float64Array, numbers: ArrayLike<number>): void {
    const end = Math.min(columns, numbers.length);
    for (let at = 0; at < end; at++) {
      if (at === latest) sums[at] = Math.max(sums[at]!, numbers[at]!);
      else sums[at]! += numbers[at]!;
    }
  }

  return {
    get size() {
      let more = 0;
      for (const name of foreign.keys()) if (name !== '' && own.find(name) === undefined) more += 1;
      return own.size + more;
    },
    each(visit) {
      const met = new Set<string>();
      let index = 0;
      own.each(({ name, numbers }) => {
        const more = foreign.get(name);
        if (more === undefined) return visit({ name, numbers }, index++);
        met.add(name);
        both.set(numbers);
        addTo(both, more);
        visit({ name, numbers: both }, index++);
      });
      for (const [name, numbers] of foreign) if (!met.has(name)) visit({ name, numbers }, index++);
    },
    find(name) {
      const found = own.find(name);
      const more = foreign.get(name);
      if (more === undefined) return found;
      const sums = found ?? new Float64Array(columns);
      addTo(sums, more);
      return sums;
    },
    total() {
      const total = own.total();
      for (const numbers of foreign.values()) addTo(total, numbers);
      return total;
    },
  };
}

/** An address that an instance does not list may have called there as often as its floor says. */
function mergeAddresses(
  own: ReturnType<Figures['addresses']>,
  others: readonly FiguresRecord[],
): ReturnType<Figures['addresses']> {
  const found = new Map<string, SketchedAddress & { floors: number }>();
  let floor = own.floor;
  for (const entry of own.addresses) found.set(entry.address, { ...entry, floors: own.floor });
  for (const { addresses, addressesFloor } of others) {
    floor += addressesFloor;
    for (const [address, missed = 0, ...numbers] of addresses) {
      let entry = found.get(address);
      if (entry === undefined) {
        entry = { address, numbers: new Float64Array(CALLER_COLUMNS), missed: 0, floors: 0 };
        found.set(address, entry);
      }
      for (const [at, number] of numbers.entries()) {
        const before = entry.numbers[at] ?? 0;
        entry.numbers[at] = at === LATEST ? Math.max(before, number) : before + number;
      }
      entry.missed += missed;
      entry.floors += addressesFloor;
    }
  }
  const addresses = [...found.values()].map(({ floors, missed, ...entry }) => ({
    ...entry,
    missed: missed + floor - floors,
  }));
  return { addresses, floor };
}
