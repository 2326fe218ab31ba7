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

/**
 * Deletes the oldest events beyond `max`, of those that no sink waits for: floods first, then all others, those with dead letters last.
 * What is still to be delivered stays, however much it is.
 */
export async function dropExcessEvents({ db }: TableContext, max: number): Promise<void> {
  if (max === Infinity) return;
  const counted = await sql<{ count: number | string }>`select count(*) as count from outbox`.execute(db);
  let excess = Number(counted.rows[0]!.count) - max;
  if (excess <= 0) return;
  // Only now: the room is large, and most stores are never too full.
  const { floodTypes } = await import('../../../config/index.ts');
  const floods = sql`o.type in (${sql.join(floodTypes)})`;
  const any = sql`1 = 1`;
  const stages = [
    { of: floods, kept: sql`('new', 'retry', 'dead')` },
    { of: any, kept: sql`('new', 'retry', 'dead')` },
    { of: floods, kept: sql`('new', 'retry')` },
    { of: any, kept: sql`('new', 'retry')` },
  ];
  for (const { of, kept } of stages) {
    while (excess > 0) {
      const limit = Math.min(excess, rowsAtOnce);
      const { numAffectedRows = 0n } = await sql`
        delete from outbox where number in (
          select o.number from outbox o
          where o.routed and ${of} and not exists (
            select 1 from outbox_deliveries d where d.event = o.number and d.state in ${kept})
          order by o.number limit ${sql.lit(limit)}
        )`.execute(db);
      excess -= Number(numAffectedRows);
      if (numAffectedRows < limit) break;
      await turn();
    }
  }
}
