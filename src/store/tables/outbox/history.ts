import { sql } from 'kysely';
import type { EventFilter, EventHistory, EventRow } from '../../../events/index.ts';
import type { TableContext } from '../context.ts';

/** Events as people ask for them. */
export function createOutboxHistory({ db, dialect }: TableContext): EventHistory {
  const matching = (filter: EventFilter) => {
    const { types = [], severities = [], subject, keyId, userId, sink, states = [] } = filter;
    const { from, to, before } = filter;
    let query = db.selectFrom('outbox').select(['number', 'id', 'type', 'at', 'api_key_id', 'event']);
    if (types.length > 0) query = query.where('type', 'in', types);
    if (severities.length > 0) query = query.where('severity', 'in', severities);
    if (subject !== undefined) query = query.where('subject', '=', subject);
    if (keyId !== undefined) query = query.where('api_key_id', '=', keyId);
    if (userId !== undefined) query = query.where('user_id', '=', userId);
    if (from !== undefined) query = query.where('at', '>=', dialect.time(from));
    if (to !== undefined) query = query.where('at', '<', dialect.time(to));
    if (before !== undefined) query = query.where('number', '<', before);
    if (sink === undefined && states.length === 0) return query;
    return query.where(({ exists, selectFrom }) => {
      let deliveries = selectFrom('outbox_deliveries')
        .select(sql<number>`1`.as('one'))
        .whereRef('outbox_deliveries.event', '=', 'outbox.number');
      if (sink !== undefined) deliveries = deliveries.where('sink', '=', sink);
      if (states.length > 0) deliveries = deliveries.where('state', 'in', states);
      return exists(deliveries);
    });
  };

  const withDeliveries = async (
    events: Awaited<ReturnType<ReturnType<typeof matching>['execute']>>,
  ): Promise<EventRow[]> => {
    if (events.length === 0) return [];
    const rows = await db
      .selectFrom('outbox_deliveries')
      .select(['event', 'sink', 'state', 'attempts', 'due_at', 'problem', 'done_at'])
      .where(
        'event',
        'in',
        events.map(({ number }) => number),
      )
      .orderBy('sink')
      .execute();
    const byEvent = Map.groupBy(rows, ({ event }) => event);
    return events.map(({ api_key_id: keyId, at: atMs, type, ...row }) => ({
      ...row,
      type: type as EventRow['type'],
      ...{ keyId, atMs },
      deliveries: (byEvent.get(row.number) ?? []).map((delivery) => ({
        sink: delivery.sink,
        state: delivery.state as EventRow['deliveries'][number]['state'],
        attempts: delivery.attempts,
        dueAtMs: delivery.state === 'retry' ? delivery.due_at : null,
        problem: delivery.problem,
        doneAtMs: delivery.done_at,
      })),
    }));
  };

  const again = (nowMs: number) => ({
    ...{ state: 'retry', attempts: 0, due_at: dialect.time(nowMs), problem: null, done_at: null },
    ...{ claimed_by: null, claimed_until: null },
  });

  return {
    list: async (filter, limit) =>
      withDeliveries(await matching(filter).orderBy('number', 'desc').limit(limit).execute()),

    async get(id) {
      const rows = await matching({}).where('id', '=', id).execute();
      return (await withDeliveries(rows))[0] ?? null;
    },

    async replay({ ids, sink }, nowMs) {
      if (ids?.length === 0) return 0;
      let update = db.updateTable('outbox_deliveries').set(again(nowMs)).where('state', '=', sql.lit('dead'));
      if (sink !== undefined) update = update.where('sink', '=', sink);
      if (ids !== undefined)
        update = update.where('event', 'in', db.selectFrom('outbox').select('number').where('id', 'in', ids));
      const { numUpdatedRows } = await update.executeTakeFirst();
      return Number(numUpdatedRows);
    },

    async resend(id, sink, nowMs) {
      const event = await db
        .selectFrom('outbox')
        .select(['number', 'subject'])
        .where('id', '=', id)
        .executeTakeFirst();
      if (event === undefined) return false;
      const { number, subject } = event;
      const rows = await db
        .insertInto('outbox_deliveries')
        .values({ event: number, sink, subject, ...again(nowMs) })
        .onConflict((already) =>
          already
            .columns(['event', 'sink'])
            .doUpdateSet(again(nowMs))
            .where(
              sql<boolean>`(outbox_deliveries.claimed_until is null or outbox_deliveries.claimed_until <= ${dialect.time(nowMs)})`,
            ),
        )
        .returning('event')
        .execute();
      return rows.length > 0;
    },
  };
}
