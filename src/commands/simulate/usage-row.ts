import { createTimeReader, type Line } from './logged-call.ts';

const columns = ['api_key_id', 'method', 'status', 'timestamp'] as const;
type Row = Readonly<Record<(typeof columns)[number], unknown>>;

/** Reads rows of `usage_logs`: what answered calls were, and those that a limit refused. */
export function createUsageRowReader(): (row: Row) => Line {
  const timeOf = createTimeReader();
  return ({ api_key_id: keyId, method, status, timestamp }) => {
    if (typeof method !== 'string' || method === '') return { bad: 'no method' };
    if (status !== 'allowed' && status !== 'burst' && status !== 'exceeded')
      return { bad: `status is ${JSON.stringify(status)}, not allowed, burst or exceeded` };
    const at = microsOf(timestamp, timeOf);
    if (Number.isNaN(at)) return { bad: `timestamp is ${JSON.stringify(timestamp)}, no time` };
    // Addresses are in no table: who shares a limit with whom is not known.
    if (typeof keyId !== 'string' || keyId === '') return { skip: 'no caller' };
    return {
      ...{ at, endAt: at, keyId: keyId.toLowerCase(), keyPrefix: '', address: '', network: '', method },
      ...{
        cached: false,
        failed: false,
        banned: false,
        refusedThen: status === 'exceeded',
        sample: 1,
        dropped: 0,
      },
      ...{ worker: 0, request: 0, item: 0 },
    };
  };
}

/** Milliseconds, as SQLite keeps it, or a time as PostgreSQL writes it. */
function microsOf(timestamp: unknown, timeOf: (text: string) => number): number {
  if (typeof timestamp === 'number') return timestamp * 1000;
  if (typeof timestamp !== 'string' || timestamp === '') return Number.NaN;
  if (/^\d+$/.test(timestamp)) return Number(timestamp) * 1000;
  // `2026-11-28 23:01:53.123+00`
  const [, day, clock, zone] =
    /^(\d{4}-\d\d-\d\d)[ T]([\d:.]+?)(Z|[+-]\d\d(?::?\d\d)?)?$/.exec(timestamp) ?? [];
  if (day === undefined || clock === undefined) return Number.NaN;
  const [whole = '', fraction = ''] = clock.split('.');
  const offset = zone === undefined || zone === 'Z' ? 'Z' : zone.length === 3 ? `${zone}:00` : zone;
  const base = timeOf(`${day}T${whole}${offset}`);
  return base + Number(fraction.padEnd(6, '0').slice(0, 6));
}

/** Reads the lines of such rows as CSV, whose first line names the columns; undefined: these are not those. */
export function csvColumns(header: string): ((line: string) => Row | undefined) | undefined {
  const names = cellsOf(header.replace(/\r$/, '')) ?? [];
  const places = columns.map((name) => names.indexOf(name));
  if (places.includes(-1)) return undefined;
  return (line) => {
    const cells = cellsOf(line.endsWith('\r') ? line.slice(0, -1) : line);
    if (cells === undefined || cells.length !== names.length) return undefined;
    return Object.fromEntries(columns.map((name, k) => [name, cells[places[k]!]])) as Row;
  };
}

/** RFC 4180, but for line breaks within a cell; undefined where a quote is not closed. */
function cellsOf(line: string): string[] | undefined {
  if (!line.includes('"')) return line.split(',');
  const cells: string[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  for (;;) {
    const found = cell.exec(line);
    if (found === null) return undefined;
    cells.push(found[1]?.replaceAll('""', '"') ?? found[2] ?? '');
    if (found[3] === '') return cells;
  }
}
