import { type LedgerRow, usageStatuses } from '../../usage/index.ts';

/** A minute, an hour or a day of usage that is alike, as it is added to its rollup. */
export interface RollupRow {
  /** Epoch milliseconds of the beginning. */
  at: number;
  /** What tells it from others of its time: all that follows until `kind`, in one. */
  name: string;
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
  latency: ArrayLike<number>;
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
  const { keyId } = row;
  const network = nameInTables(row.network);
  const method = nameInTables(row.method);
  const status = statusName(row.status);
  const kind = row.event ? 'event' : 'call';
  return {
    at: row.minute,
    name: `${keyId}\0${network}\0${method}\0${status}\0${kind}`,
    keyId,
    network,
    method,
    status,
    kind,
    calls: row.calls,
    cost: row.cost,
    errors: row.errors,
    bytesIn: row.bytesIn,
    bytesOut: row.bytesOut,
    latencyMicros: row.latencyMicros,
    latency: row.latency,
  };
}

/** Sums of rows that are alike within a unit of time. Rows that are alone share their histogram with their source. */
function fold(rows: readonly RollupRow[], unit: number): RollupRow[] {
  // By time first: the names, which are long, are hashed and compared as the strings they were made as once.
  const times = new Map<number, Map<string, { row: RollupRow; shared: boolean }>>();
  for (const row of rows) {
    const at = row.at - (row.at % unit);
    let folded = times.get(at);
    if (folded === undefined) times.set(at, (folded = new Map()));
    const sum = folded.get(row.name);
    if (sum === undefined) {
      folded.set(row.name, { row: { ...row, at }, shared: true });
      continue;
    }
    if (sum.shared) {
      sum.row.latency = Array.from(sum.row.latency);
      sum.shared = false;
    }
    add(sum.row, row);
  }
  return [...times]
    .sort(([a], [b]) => a - b)
    .flatMap(([, folded]) =>
      [...folded.values()].map(({ row }) => row).sort((a, b) => (a.name < b.name ? -1 : 1)),
    );
}

function add(sum: RollupRow, row: RollupRow): void {
  sum.calls += row.calls;
  sum.cost += row.cost;
  sum.errors += row.errors;
  sum.bytesIn += row.bytesIn;
  sum.bytesOut += row.bytesOut;
  sum.latencyMicros += row.latencyMicros;
  const latency = sum.latency as number[];
  for (let bucket = 0; bucket < row.latency.length; bucket++)
    latency[bucket] = (latency[bucket] ?? 0) + row.latency[bucket]!;
}
