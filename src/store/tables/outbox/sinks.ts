import { sql } from 'kysely';
import type { Outbox } from '../../../events/index.ts';
import type { TableContext } from '../context.ts';

/** Sinks that are no more, that were turned off, and the one that is a table. */
export function createOutboxSinks({
  db,
  dialect,
}: TableContext): Pick<Outbox, 'abandon' | 'disabled' | 'disable' | 'enable' | 'recordBilling'> {
  return {
    async abandon(which, problem, nowMs) {
      const now = dialect.time(nowMs);
      const whose =
        'only' in which
          ? sql`sink = ${which.only}`
          : sql`due_at < ${dialect.time(which.dueBeforeMs)} ${
              which.except.length === 0 ? sql`` : sql`and sink not in (${sql.join(which.except)})`
            }`;
      let changed = 0;
      for (const state of ['new', 'retry']) {
        const { numAffectedRows = 0n } = await sql`
          update outbox_deliveries
          set state = 'dead', problem = ${problem}, done_at = ${now}, claimed_by = null, claimed_until = null
          where state = ${sql.lit(state)} and ${whose} and (claimed_until is null or claimed_until <= ${now})`.execute(
          db,
        );
        changed += Number(numAffectedRows);
      }
      return changed;
    },

    async disabled() {
      const rows = await db.selectFrom('outbox_sinks').selectAll().execute();
      return rows.map(({ disabled_at: disabledAtMs, ...row }) => ({ ...row, disabledAtMs }));
    },

    async disable({ name, config, disabledAtMs, problem }) {
      const values = { config, disabled_at: dialect.time(disabledAtMs), problem };
      await db
        .insertInto('outbox_sinks')
        .values({ name, ...values })
        .onConflict((already) => already.column('name').doUpdateSet(values))
        .execute();
    },

    async enable(name) {
      await db.deleteFrom('outbox_sinks').where('name', '=', name).execute();
    },

    async recordBilling(ids) {
      if (ids.length === 0) return;
      const metadata = dialect.kind === 'postgres' ? sql`cast(cast(event as text) as jsonb)` : sql`event`;
      await sql`
        insert into billing_events (api_key_id, event_type, metadata, timestamp, event_id)
        select api_key_id, type, ${metadata}, at, id from outbox
        where id in (${sql.join(ids)}) order by number
        on conflict (event_id) do nothing`.execute(db);
    },
  };
}
