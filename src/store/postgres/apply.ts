import { type LedgerBatch, LATENCY_BUCKETS, noKey } from '../../usage/index.ts';
import { assertBatch } from '../ledger/assert-batch.ts';
import { type QuotaSum, quotaSums } from '../ledger/quota-sums.ts';
import { nameInTables, type RollupRow, rollupRows, statusName } from '../ledger/rollup-rows.ts';
import type { Connections } from './connections.ts';
import { StoreError } from '../store-error.ts';
import { sqlStateOf } from './errors.ts';
import type { Partitions } from './partitions.ts';
import { retried } from './retry.ts';

const counts = ['calls', 'cost', 'errors', 'bytes_in', 'bytes_out', 'latency_micros'];
const buckets = Array.from({ length: LATENCY_BUCKETS }, (_, bucket) => bucket + 1);

const upsertInto = (table: string): string => `
insert into ${table} as t (at, api_key_id, network, method, status, kind, ${counts.join(', ')}, latency)
select at, api_key_id, network, method, status, kind, ${counts.join(', ')}, latency::bigint[]
from unnest($1::timestamptz[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[],
  $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::text[])
  as r (at, api_key_id, network, method, status, kind, ${counts.join(', ')}, latency)
on conflict (at, api_key_id, network, method, status, kind) do update set
${counts.map((name) => `${name} = t.${name} + excluded.${name}`).join(', ')},
latency = array[${buckets.map((bucket) => `t.latency[${bucket}] + excluded.latency[${bucket}]`).join(', ')}]`;

const upserts = {
  minute: upsertInto('usage_minutes'),
  hour: upsertInto('usage_hours'),
  day: upsertInto('usage_days'),
} as const;

const addSums = `
insert into quota_sums as t (period, at, api_key_id, requests, cost)
select * from unnest($1::text[], $2::timestamptz[], $3::uuid[], $4::bigint[], $5::bigint[])
on conflict (period, at, api_key_id) do update set
requests = t.requests + excluded.requests, cost = t.cost + excluded.cost`;

// Only a segment that was never seen may begin at 0; an offset elsewhere must have been reached before. That it was closed says only that nobody
// expected more: whoever thought its process dead may have been wrong.
const begin = `
insert into journal_segments as s (name, "offset", closed, applied_at) values ($1, $2, $3, $4)
on conflict (name) do update set "offset" = excluded."offset", closed = excluded.closed, applied_at = excluded.applied_at
where s."offset" = 0 and (not s.closed or excluded."offset" > 0)`;
const goOn = `
update journal_segments set "offset" = $2, closed = $3, applied_at = $4
where name = $1 and "offset" = $5 and (not closed or $2::bigint > $5)`;

const log = `
insert into usage_logs (api_key_id, method, status, timestamp)
select api_key_id, method, status, timestamp
from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::integer[])
  as r (api_key_id, method, status, timestamp, count), generate_series(1, r.count)`;

// Locked in one order first: an update alone takes rows as it finds them.
const used = `
with later as (
  select k.id, u.at from api_keys k join unnest($1::uuid[], $2::timestamptz[]) as u (id, at) on u.id = k.id
  where k.last_used_at is null or k.last_used_at < u.at
  order by k.id for no key update of k
)
update api_keys k set last_used_at = later.at from later where k.id = later.id`;

/** {@link Ledger.apply}, in bulk: a statement for each table. */
export function createPostgresApply(
  connections: Connections,
  partitions: Partitions,
  now: () => number,
): (batch: LedgerBatch) => Promise<boolean> {
  const apply = (batch: LedgerBatch): Promise<boolean> =>
    connections.use(async (client) => {
      const run = async (text: string, values: readonly unknown[]) =>
        (await client.query(text, values)).rowCount;
      const { segment, from, to, closed, raw, lastUsed } = batch;
      await run('begin', []);
      try {
        const reached = [segment, to, closed, new Date(now()).toISOString()];
        const changed = from === 0 ? await run(begin, reached) : await run(goOn, [...reached, from]);
        if (changed !== 1) {
          await run('rollback', []);
          return false;
        }
        const rollups = rollupRows(batch.rows);
        for (const unit of ['minute', 'hour', 'day'] as const)
          if (rollups[unit].length > 0) await run(upserts[unit], columnsOf(rollups[unit]));
        const sums = quotaSums(rollups.day);
        if (sums.length > 0) await run(addSums, sumColumnsOf(sums));
        if (raw.length > 0)
          await run(log, [
            raw.map(({ keyId }) => (keyId === noKey ? null : keyId)),
            raw.map(({ method }) => nameInTables(method)),
            raw.map(({ status }) => statusName(status)),
            raw.map(({ at }) => new Date(at).toISOString()),
            raw.map(({ count }) => count),
          ]);
        if (lastUsed.size > 0)
          await run(used, [
            [...lastUsed.keys()],
            [...lastUsed.values()].map((at) => new Date(at).toISOString()),
          ]);
        await run('commit', []);
        return true;
      } catch (error) {
        // Where that fails too, the connection is closed as it is given back, and the server rolls back.
        await run('rollback', []).catch(() => {});
        throw error;
      }
    });

  return async (batch) => {
    assertBatch(batch);
    await partitions.ensure(batch.raw.map(({ at }) => at));
    try {
      return await retried(() => apply(batch));
    } catch (error) {
      if (!isPartitionMissing(error)) throw error;
      // Another instance has dropped the day since.
      partitions.forget();
      await partitions.ensure(batch.raw.map(({ at }) => at));
      return retried(() => apply(batch));
    }
  };
}

function isPartitionMissing(error: unknown): boolean {
  const cause = error instanceof StoreError ? error.cause : undefined;
  return sqlStateOf(cause) === '23514' && /no partition/.test((cause as Error).message);
}

/** Columns as the array literals they become: the driver would look at each value several times. */
function columnsOf(rows: readonly RollupRow[]): string[] {
  const column = (of: (row: RollupRow) => string | number): string => `{${rows.map(of).join(',')}}`;
  const times = new Map<number, string>();
  const time = (ms: number): string => {
    const known = times.get(ms) ?? new Date(ms).toISOString();
    times.set(ms, known);
    return known;
  };
  return [
    column(({ at }) => time(at)),
    column(({ keyId }) => keyId),
    column(({ network }) => quoted(network)),
    column(({ method }) => quoted(method)),
    column(({ status }) => status),
    column(({ kind }) => kind),
    column(({ calls }) => calls),
    column(({ cost }) => cost),
    column(({ errors }) => errors),
    column(({ bytesIn }) => bytesIn),
    column(({ bytesOut }) => bytesOut),
    column(({ latencyMicros }) => latencyMicros),
    column(latencyOf),
  ];
}

function sumColumnsOf(sums: readonly QuotaSum[]): unknown[][] {
  return [
    sums.map(({ period }) => period),
    sums.map(({ at }) => new Date(at).toISOString()),
    sums.map(({ keyId }) => keyId),
    sums.map(({ requests }) => requests),
    sums.map(({ cost }) => cost),
  ];
}

/** Text inside an array literal (PostgreSQL, 8.15.6). */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

const noLatency = `"{${new Array(LATENCY_BUCKETS).fill(0).join(',')}}"`;

function latencyOf({ latency }: RollupRow): string {
  if (latency.length === 0) return noLatency;
  return `"{${buckets.map((bucket) => latency[bucket - 1] ?? 0).join(',')}}"`;
}
