import { sql } from 'kysely';
import { rollupUnits } from './ledger/rollup-rows.ts';
import type { Store } from './store.ts';
import type { TableContext } from './tables/context.ts';

type Retention = Parameters<Store['maintain']>[0];

/** Deletes rollups that are older than their retention. */
export async function dropOldRollups(context: TableContext, retention: Retention): Promise<void> {
  const { minute, hour, day } = rollupUnits;
  const now = context.now();
  const before = (ageMs: number, unit: number) => Math.floor((now - ageMs) / unit) * unit;
  await dropOldRows(context, 'usage_minutes', 'at', before(retention.minutesMs, minute), hour);
  await dropOldRows(context, 'usage_hours', 'at', before(retention.hoursMs, hour), day);
  await dropOldRows(context, 'usage_days', 'at', before(retention.daysMs, day), 30 * day);
}

/**
 * Deletes rows whose time is earlier than `before`, `stepMs` of them a statement: years of them at once would hold up who
 * applies usage meanwhile.
 */
export async function dropOldRows(
  { db, dialect }: TableContext,
  table: 'usage_minutes' | 'usage_hours' | 'usage_days' | 'usage_logs',
  column: 'at' | 'timestamp',
  before: number,
  stepMs: number,
): Promise<void> {
  if (before === -Infinity) return;
  const [rows, at] = [sql.table(table), sql.ref(column)];
  for (;;) {
    const oldest = await sql<{ at: number | null }>`
      select min(${at}) as at from ${rows} where ${at} < ${dialect.time(before)}`.execute(db);
    const first = oldest.rows[0]?.at ?? null;
    if (first === null) return;
    const end = dialect.time(Math.min(first + stepMs, before));
    await sql`delete from ${rows} where ${at} < ${end}`.execute(db);
  }
}
