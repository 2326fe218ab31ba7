import { type LedgerRow, usageStatuses } from '../../usage/index.ts';

/** A minute, an hour or a day of usage that is alike, as it is added to its rollup. */
export interface RollupRow {
  /** Epoch milliseconds of the beginning. */
  at: number;
  keyId: string;
  network: string;
  method: string;
  status: string;
  kind: 'call' | 'event';
  calls: number;
  cost: number;
  errors: number;
  bytesIn: number;
  bytesOut: number;
  latencyMicros: number;
  /** By bucket, as long as the source's: nothing beyond it is 0. */
  latency: number[];
}

/** The units of time that usage is rolled up by, in milliseconds. */
export const rollupUnits = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

/** A batch's rows for each rollup: each key once, sorted by it, so that transactions at once take locks in one order. */
export function rollupRows(rows: readonly LedgerRow[]): Record<keyof typeof rollupUnits, RollupRow[]> {
  const minute = fold(rows.map(rowOf), rollupUnits.minute);
  const hour = fold(minute, rollupUnits.hour);
  return { minute, hour, day: fold(hour, rollupUnits.day) };
}

/** How long names may be that callers choose. */
const longest = 50;

/**
 * A method's or network's name as the tables take it: at most 50 characters, a longer one is cut to 49 and `…`; no NUL
 * and no half of a surrogate pair, which PostgreSQL has no place for.
 */
export function nameInTables(name: string): string {
  const clean = name.toWellFormed().replaceAll('\0', '\ufffd');
  if (clean.length <= longest) return clean;
  const characters = [...clean];
  return characters.length <= longest ? clean : `${characters.slice(0, longest - 1).join('')}…`;
}

/** The status's name. Throws RangeError on an index that has none. */
export function statusName(index: number): string {
  const name = usageStatuses[index];
  if (name === undefined) throw new RangeError(`no status ${index}`);
  return name;
}

function rowOf(row: LedgerRow): RollupRow {
  return {
    at: row.minute,
    keyId: row.keyId,
    network: nameInTables(row.network),
    method: nameInTables(row.method),
    status: statusName(row.status),
    kind: row.event ? 'event' : 'call',
    calls: row.calls,
    cost: row.cost,
    errors: row.errors,
    bytesIn: row.bytesIn,
    bytesOut: row.bytesOut,
    latencyMicros: row.latencyMicros,
    latency: Array.from(row.latency),
  };
}

function fold(rows: readonly RollupRow[], unit: number): RollupRow[] {
  const folded = new Map<string, RollupRow>();
  for (const row of rows) {
    const at = row.at - (row.at % unit);
    const key = `${at}\0${row.keyId}\0${row.network}\0${row.method}\0${row.status}\0${row.kind}`;
    const sum = folded.get(key);
    if (sum === undefined) folded.set(key, { ...row, at, latency: [...row.latency] });
    else add(sum, row);
  }
  return [...folded]
    .sort(([a, { at: left }], [b, { at: right }]) => left - right || (a < b ? -1 : 1))
    .map(([, row]) => row);
}

function add(sum: RollupRow, row: RollupRow): void {
  sum.calls += row.calls;
  sum.cost += row.cost;
  sum.errors += row.errors;
  sum.bytesIn += row.bytesIn;
  sum.bytesOut += row.bytesOut;
  sum.latencyMicros += row.latencyMicros;
  for (let bucket = 0; bucket < row.latency.length; bucket++)
    sum.latency[bucket] = (sum.latency[bucket] ?? 0) + row.latency[bucket]!;
}
