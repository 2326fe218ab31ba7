import { sql } from 'kysely';
import type { Outbox } from '../../../events/index.ts';
import { atomically, pieces, type TableContext } from '../context.ts';

/** Rows of one statement. */
const atOnce = 200;

/** Events come in, and find their sinks. */
export function createOutboxAdd({
  db,
  dialect,
  now,
}: TableContext): Pick<Outbox, 'add' | 'unrouted' | 'route'> {
  /** `number` and `subject` of events, and where they go. */
  const insertDeliveries = async (
    on: TableContext['db'],
    rows: readonly { number: number; subject: string; sinks: readonly string[] }[],
    nowMs: number,
  ): Promise<void> => {
    const deliveries = rows.flatMap(({ number, subject, sinks }) =>
      sinks.map((sink) => ({
        event: number,
        sink,
        subject,
        state: 'new',
        attempts: 0,
        due_at: dialect.time(nowMs),
      })),
    );
    for (const some of pieces(deliveries, atOnce))
      await on.insertInto('outbox_deliveries').values(some).execute();
  };

  return {
    add: (entries) =>
      atomically(db, async (db) => {
        for (const some of pieces(entries, atOnce)) {
          const added = await db
            .insertInto('outbox')
            .values(
              some.map((entry) => ({
                ...{ id: entry.id, type: entry.type, subject: entry.subject, severity: entry.severity },
                api_key_id: entry.keyId,
                user_id: entry.userId,
                at: dialect.time(entry.atMs),
                event: entry.event,
                routed: dialect.flag(entry.sinks !== null),
              })),
            )
            .onConflict((already) => already.column('id').doNothing())
            .returning(['number', 'id'])
            .execute();
          const numbers = new Map(added.map(({ number, id }) => [id, number]));
          const rows = some.flatMap(({ id, subject, sinks }) => {
            const number = numbers.get(id);
            return number === undefined || sinks === null ? [] : [{ number, subject, sinks }];
          });
          await insertDeliveries(db, rows, now());
        }
      }),

    async unrouted(limit) {
      const rows = await db
        .selectFrom('outbox')
        .select(['number', 'id', 'type', 'subject', 'severity', 'api_key_id', 'user_id', 'at'])
        .where(dialect.kind === 'sqlite' ? sql<boolean>`routed = 0` : sql<boolean>`not routed`)
        .orderBy('number')
        .limit(limit)
        .execute();
      return rows.map(({ api_key_id: keyId, user_id: userId, at: atMs, ...row }) => ({
        ...row,
        type: row.type as never,
        severity: row.severity as never,
        keyId,
        userId,
        atMs,
      }));
    },

    route: (found, nowMs) =>
      atomically(db, async (db) => {
        for (const some of pieces(found, atOnce)) {
          const mine = await db
            .updateTable('outbox')
            .set({ routed: dialect.flag(true) })
            .where(
              'number',
              'in',
              some.map(({ number }) => number),
            )
            .where('routed', '=', dialect.flag(false))
            .returning('number')
            .execute();
          const numbers = new Set(mine.map(({ number }) => number));
          await insertDeliveries(
            db,
            some.filter(({ number }) => numbers.has(number)),
            nowMs,
          );
        }
      }),
  };
}
