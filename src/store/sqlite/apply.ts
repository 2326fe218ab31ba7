import { LATENCY_BUCKETS, type LedgerBatch, noKey } from '../../usage/index.ts';
import { assertBatch } from '../ledger/assert-batch.ts';
import { quotaSums } from '../ledger/quota-sums.ts';
import { nameInTables, type RollupRow, rollupRows, statusName } from '../ledger/rollup-rows.ts';
import type { Database } from './database.ts';

const identity = ['at', 'api_key_id', 'network', 'method', 'status', 'kind'];
const sums = [
  ...['calls', 'cost', 'errors', 'bytes_in', 'bytes_out', 'latency_micros'],
  ...Array.from({ length: LATENCY_BUCKETS }, (_, bucket) => `latency_${bucket}`),
];

/** {@link Ledger.apply} on this connection, which must not be in a transaction. */
export function createSqliteApply(database: Database, now: () => number): (batch: LedgerBatch) => boolean {
  // Only a segment that was never seen may begin at 0; an offset elsewhere must have been reached before. That it was closed says only that nobody
  // expected more: whoever thought its process dead may have been wrong.
  const begin = database.prepare(`
    insert into journal_segments (name, "offset", closed, applied_at) values (@segment, @to, @closed, @now)
    on conflict (name) do update set "offset" = excluded."offset", closed = excluded.closed, applied_at = excluded.applied_at
    where journal_segments."offset" = 0 and (journal_segments.closed = 0 or excluded."offset" > 0)`);
  const goOn = database.prepare(`
    update journal_segments set "offset" = @to, closed = @closed, applied_at = @now
    where name = @segment and "offset" = @from and (closed = 0 or @to > @from)`);
  const minutes = upsert(database, 'usage_minutes');
  const hours = upsert(database, 'usage_hours');
  const days = upsert(database, 'usage_days');
  const sum = database.prepare(`
    insert into quota_sums (period, at, api_key_id, requests, cost) values (?, ?, ?, ?, ?)
    on conflict (period, at, api_key_id) do update set
    requests = requests + excluded.requests, cost = cost + excluded.cost`);
  const log = database.prepare(
    'insert into usage_logs (api_key_id, method, status, timestamp) values (?, ?, ?, ?)',
  );
  const used = database.prepare(
    'update api_keys set last_used_at = @at where id = @id and (last_used_at is null or last_used_at < @at)',
  );

  const apply = database.transaction((batch: LedgerBatch): boolean => {
    const { segment, from, to } = batch;
    const values = { segment, from, to, closed: batch.closed ? 1 : 0, now: now() };
    const { from: _, ...first } = values;
    if ((from === 0 ? begin.run(first) : goOn.run(values)).changes !== 1) return false;

    const { minute, hour, day } = rollupRows(batch.rows);
    for (const row of minute) minutes(row);
    for (const row of hour) hours(row);
    for (const row of day) days(row);
    for (const { period, at, keyId, requests, cost } of quotaSums(day))
      sum.run(period, at, keyId, requests, cost);
    for (const { keyId, method, status, at, count } of batch.raw) {
      const name = nameInTables(method);
      for (let call = 0; call < count; call++)
        log.run(keyId === noKey ? null : keyId, name, statusName(status), at);
    }
    for (const [id, at] of batch.lastUsed) used.run({ id, at });
    return true;
  });

  return (batch) => {
    assertBatch(batch);
    return apply.immediate(batch);
  };
}

function upsert(database: Database, table: string): (row: RollupRow) => void {
  const columns = [...identity, ...sums];
  const statement = database.prepare<unknown[]>(`
    insert into ${table} (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})
    on conflict (${identity.join(', ')}) do update set
    ${sums.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')}`);
  return (row) => {
    const values: unknown[] = [
      row.at,
      row.keyId,
      row.network,
      row.method,
      row.status,
      row.kind,
      row.calls,
      row.cost,
      row.errors,
      row.bytesIn,
      row.bytesOut,
      row.latencyMicros,
    ];
    for (let bucket = 0; bucket < LATENCY_BUCKETS; bucket++) values.push(row.latency[bucket] ?? 0);
    statement.run(values);
  };
}
