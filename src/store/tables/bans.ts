import type { BanRow } from '../rows.ts';
import type { Tables } from '../store.ts';
import type { TableContext } from './context.ts';

/** Queries of `bans`. */
export function createBans({ db, dialect, announceBan }: TableContext): Tables['bans'] {
  const rows = () =>
    db.selectFrom('bans').select(['prefix', 'reason', 'set_by', 'times', 'began_at', 'until', 'ended_at']);

  return {
    async put(ban) {
      const values = {
        reason: ban.reason,
        set_by: ban.by,
        times: ban.times,
        began_at: dialect.time(ban.beganAt),
        until: dialect.time(ban.until),
        ended_at: dialect.time(ban.endedAt),
      };
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('bans')
        .values({ prefix: ban.prefix, ...values })
        // One that was long on its way, or is written once more, must not undo what came after it, nor its own end.
        .onConflict((already) =>
          already
            .column('prefix')
            .doUpdateSet(values)
            .where(({ and, eb, or, ref }) =>
              or([
                eb('bans.began_at', '<', ref('excluded.began_at')),
                and([eb('bans.began_at', '=', ref('excluded.began_at')), eb('bans.ended_at', 'is', null)]),
              ]),
            ),
        )
        .executeTakeFirst();
      if (numInsertedOrUpdatedRows === 0n) return false;
      await announceBan(ban.prefix);
      return true;
    },

    async end(prefix, beganAt, endedAt) {
      const { numUpdatedRows } = await db
        .updateTable('bans')
        .set({ ended_at: dialect.time(endedAt) })
        .where('prefix', '=', prefix)
        .where('began_at', '=', dialect.time(beganAt))
        .where('ended_at', 'is', null)
        .executeTakeFirst();
      if (numUpdatedRows === 0n) return false;
      await announceBan(prefix);
      return true;
    },

    async get(prefix) {
      const row = await rows().where('prefix', '=', prefix).executeTakeFirst();
      return row === undefined ? null : banOf(row);
    },

    async list({ endedSince, after = '', limit }) {
      const found = await rows()
        .where(({ eb, or }) =>
          or([eb('ended_at', 'is', null), eb('ended_at', '>=', dialect.time(endedSince))]),
        )
        .where('prefix', '>', after)
        .orderBy('prefix')
        .limit(limit)
        .execute();
      return found.map(banOf);
    },

    async count(nowMs) {
      const { count } = await db
        .selectFrom('bans')
        .select(({ fn }) => fn.countAll<number | string>().as('count'))
        .where('ended_at', 'is', null)
        .where(({ eb, or }) => or([eb('until', 'is', null), eb('until', '>', dialect.time(nowMs))]))
        .executeTakeFirstOrThrow();
      return Number(count);
    },

    async forget(endedBefore) {
      await db.deleteFrom('bans').where('ended_at', '<', dialect.time(endedBefore)).execute();
    },
  };
}

interface Columns {
  prefix: string;
  reason: string;
  set_by: string;
  times: number;
  began_at: number;
  until: number | null;
  ended_at: number | null;
}

function banOf({
  prefix,
  reason,
  set_by: by,
  times,
  began_at: beganAt,
  until,
  ended_at: endedAt,
}: Columns): BanRow {
  return { prefix, reason, by, times, beganAt, until, endedAt };
}
