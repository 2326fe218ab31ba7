import { setImmediate as turn } from 'node:timers/promises';
import { sql } from 'kysely';
import type { TableContext } from '../context.ts';

const rowsAtOnce = 1000;

/** What was not delivered for so much longer is never wanted any more: an endpoint that is gone must not fill the disk. */
const undeliveredMs = 30 * 86_400_000;

/** Deletes events older than `before` (epoch milliseconds) with their deliveries; those that are still to be delivered a month later. */
export async function dropOldEvents({ db, dialect }: TableContext, before: number): Promise<void> {
  if (before === -Infinity) return;
  for (;;) {
    const { numAffectedRows = 0n } = await sql`
      delete from outbox where number in (
        select o.number from outbox o
        where o.at < ${dialect.time(before)} and (o.at < ${dialect.time(before - undeliveredMs)} or not exists (
          select 1 from outbox_deliveries d where d.event = o.number and d.state in ('new', 'retry')))
        order by o.at limit ${sql.lit(rowsAtOnce)}
      )`.execute(db);
    if (numAffectedRows < rowsAtOnce) return;
    await turn();
  }
}
