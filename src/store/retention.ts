import { setImmediate as turn } from 'node:timers/promises';
import { sql } from 'kysely';
import { rollupUnits } from './ledger/rollup-rows.ts';
import type { AgingTable } from './schema.ts';
import type { Store } from './store.ts';
import type { TableContext } from './tables/context.ts';

type Retention = Parameters<Store['maintain']>[0];

/** A statement of so many takes SQLite under 20 ms, and its thread does its other work between two of them. */
const rowsAtOnce = 2000;

/** Quotas are of the present day and month; a clock may be behind, and a journal late. */
const sumsMs = { day: 4 * rollupUnits.day, month: 63 * rollupUnits.day };

/** Deletes rollups and sums that are older than their retention. */
export async function dropOldRollups(context: TableContext, retention: Retention): Promise<void> {
  const { minute, hour, day } = rollupUnits;
  const now = context.now();
  const before = (ageMs: number, unit: number) => Math.floor((now - ageMs) / unit) * unit;
  await dropOldRows(context, 'usage_minutes', before(retention.minutesMs, minute));
  await dropOldRows(context, 'usage_hours', before(retention.hoursMs, hour));
  await dropOldRows(context, 'usage_days', before(retention.daysMs, day));
  await dropOldRows(context, 'quota_sums', before(sumsMs.day, day), 'day');
  await dropOldRows(context, 'quota_sums', before(sumsMs.month, day), 'month');
}

/** Deletes rows whose time is earlier than `before`, of sums those of one kind of period, the oldest first, so many a statement that nothing else waits for long. */
export async function dropOldRows(
  { db, dialect }: TableContext,
  table: AgingTable,
  before: number,
  period?: keyof typeof sumsMs,
): Promise<void> {
  if (before === -Infinity) return;
  const at = sql.ref(table === 'usage_logs' ? 'timestamp' : 'at');
  const some = period === undefined ? sql`` : sql`period = ${sql.lit(period)} and`;
  const oldest = sql`where ${some} ${at} < ${dialect.time(before)} order by ${at} limit ${sql.lit(rowsAtOnce)}`;
  for (;;) {
    const { numAffectedRows = 0n } = await sql`
      delete from ${sql.table(table)} where ${dialect.isAmong(table, oldest)}`.execute(db);
    if (numAffectedRows < rowsAtOnce) return;
    await turn();
  }
}
