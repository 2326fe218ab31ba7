import { setImmediate as turn } from 'node:timers/promises';
import { type RawBuilder, sql } from 'kysely';
import { LATENCY_BUCKETS, type UsageStatus } from '../../usage/index.ts';
import { rollupUnits } from '../ledger/rollup-rows.ts';
import type { UsageFilter, UsageLine } from '../usage-sums.ts';
import type { Tables } from '../store.ts';
import { pieces, type TableContext } from './context.ts';
import { type Span, spansOf } from './spans.ts';
import { isUuid } from '../uuid.ts';

type Grouping = Parameters<Tables['usage']>[1][number];
type Fragment = RawBuilder<unknown>;

const tables = { minute: 'usage_minutes', hour: 'usage_hours', day: 'usage_days' } as const;
const dimensions = { key: 'api_key_id', network: 'network', method: 'method', status: 'status' } as const;
const counts = ['cost', 'errors', 'bytes_in', 'bytes_out', 'latency_micros'] as const;
const buckets = Array.from({ length: LATENCY_BUCKETS }, (_, bucket) => bucket);
const latencySums = buckets.map((bucket) => sql`sum(${sql.ref(`l${bucket}`)})`);

/** The store's thread has other things to do. */
const linesAtOnce = 1000;

/** Sums over the rollups. */
export function createUsage(context: TableContext): Pick<Tables, 'usage'> {
  const { db, dialect } = context;
  const list = (fragments: readonly Fragment[]): Fragment => sql.join(fragments);

  return {
    async usage(filter, by, linesMax) {
      const unit = (['minute', 'hour', 'day'] as const).find((unit) => by.includes(unit));
      const spans = spansOf(filter.from ?? -Infinity, filter.to ?? Infinity, unit ?? 'day');
      const conditions = conditionsOf(filter);
      if (spans.length === 0 || conditions === undefined) return [];

      const columns = [
        ...(unit === undefined ? [] : [sql`${dialect.floorAt(rollupUnits[unit])} as at`]),
        ...['api_key_id', 'network', 'method', 'status', 'kind', 'calls', ...counts].map((name) =>
          sql.ref(name),
        ),
        ...buckets.map((bucket) => sql`${dialect.latency(bucket)} as ${sql.ref(`l${bucket}`)}`),
      ];
      const groups = groupsOf(by, unit !== undefined);
      const sums = [
        sql`sum(case kind when 'call' then calls else 0 end) as calls`,
        sql`sum(case when kind = 'call' and status = 'exceeded' then calls else 0 end) as refused`,
        sql`sum(case kind when 'event' then calls else 0 end) as events`,
        ...counts.map((name) => sql`sum(${sql.ref(name)}) as ${sql.ref(name)}`),
        // As one text: 24 columns more make a row of several KB.
        sql`${sql.join(latencySums, sql` || ',' || `)} as latency`,
      ];
      const atMost = linesMax === undefined ? sql`` : sql`limit ${sql.lit(linesMax)}`;
      const source = sourceOf(context, spans, list(columns), conditions);
      const { rows } = await (groups.length === 0
        ? sql<SumRow>`select ${list(sums)} from (${source}) as pieces having count(*) > 0`
        : sql<SumRow>`select ${list([...groups, ...sums])} from (${source}) as pieces
            group by ${list(groups)} order by ${list(groups)} ${atMost}`
      ).execute(db);
      const lines: UsageLine[] = [];
      for (const some of pieces(rows, linesAtOnce)) {
        if (lines.length > 0) await turn();
        for (const row of some) lines.push(lineOf(row));
      }
      return lines;
    },
  };
}

function groupsOf(by: readonly Grouping[], byTime: boolean): Fragment[] {
  const named = (['key', 'network', 'method', 'status'] as const).filter((name) => by.includes(name));
  return [...(byTime ? ['at'] : []), ...named.map((name) => dimensions[name])].map((name) => sql.ref(name));
}

/** undefined: nothing can match. */
function conditionsOf({ keyIds, userId, after }: UsageFilter): Fragment[] | undefined {
  const conditions: Fragment[] = [];
  if (keyIds !== undefined) {
    const ids = keyIds.filter(isUuid).map((id) => id.toLowerCase());
    if (ids.length === 0) return undefined;
    conditions.push(sql`api_key_id in (${sql.join(ids)})`);
  }
  if (userId !== undefined) {
    if (!isUuid(userId)) return undefined;
    conditions.push(sql`api_key_id in (select id from api_keys where user_id = ${userId.toLowerCase()})`);
  }
  if (after !== undefined) {
    const { keyId, network, method, status } = after;
    conditions.push(
      sql`(api_key_id, network, method, status) > (${keyId}, ${network}, ${method}, ${status})`,
    );
  }
  return conditions;
}

function sourceOf(
  { dialect }: TableContext,
  spans: readonly Span[],
  columns: Fragment,
  conditions: readonly Fragment[],
): Fragment {
  const parts = spans.map(({ unit, from, to }) => {
    const all = [
      ...(from === -Infinity ? [] : [sql`at >= ${dialect.time(from)}`]),
      ...(to === Infinity ? [] : [sql`at < ${dialect.time(to)}`]),
      ...conditions,
    ];
    const where = all.length === 0 ? sql`` : sql`where ${sql.join(all, sql` and `)}`;
    return sql`select ${columns} from ${sql.table(tables[unit])} ${where}`;
  });
  return sql.join(parts, sql` union all `);
}

type SumRow = Record<string, unknown> & {
  at?: number;
  api_key_id?: string;
  network?: string;
  method?: string;
  status?: UsageStatus;
  latency: string;
};

function lineOf(row: SumRow): UsageLine {
  return {
    at: row.at ?? null,
    keyId: row.api_key_id ?? null,
    network: row.network ?? null,
    method: row.method ?? null,
    status: row.status ?? null,
    calls: Number(row.calls),
    refused: Number(row.refused),
    cost: Number(row.cost),
    errors: Number(row.errors),
    bytesIn: Number(row.bytes_in),
    bytesOut: Number(row.bytes_out),
    latencyMicros: Number(row.latency_micros),
    latency: row.latency.split(',').map(Number),
    events: Number(row.events),
  };
}
