import { setImmediate as turn } from 'node:timers/promises';
import { sql } from 'kysely';
import type { UserRow } from '../rows.ts';
import type { Tables } from '../store.ts';
import { atomically, given, pieces, type TableContext } from './context.ts';
import { jsonOf, quotaOf } from './json.ts';
import { noteTier, tierBefore } from './terms.ts';
import { isUuid } from '../uuid.ts';

/** Queries of `users`. */
export function createUsers({ db, dialect, now }: TableContext): Tables['users'] {
  return {
    async insert(user) {
      const values = {
        id: user.id,
        email: user.email,
        name: user.name,
        tier: user.tier,
        quota: jsonOf(user.quota),
        created_at: dialect.time(user.createdAt),
        updated_at: dialect.time(user.updatedAt),
        deleted_at: dialect.time(user.deletedAt),
      };
      await atomically(db, async (db) => {
        await db.insertInto('users').values(values).execute();
        await noteTier({ db, dialect }, user, user.createdAt);
      });
    },

    async find(idOrEmail) {
      const query = db.selectFrom('users').selectAll();
      const row = isUuid(idOrEmail)
        ? await query.where('id', '=', idOrEmail.toLowerCase()).executeTakeFirst()
        : await query
            .where(sql`lower(email)`, '=', lowerAscii(idOrEmail))
            .where('deleted_at', 'is', null)
            .executeTakeFirst();
      return row === undefined ? null : userOf(row);
    },

    async names(ids) {
      const found = new Map<string, Pick<UserRow, 'email' | 'name'>>();
      for (const some of pieces(ids, 1000)) {
        if (found.size > 0) await turn();
        const rows = await db
          .selectFrom('users')
          .select(['id', 'email', 'name'])
          .where('id', 'in', some)
          .execute();
        for (const { id, email, name } of rows) found.set(id, { email, name });
      }
      return found;
    },

    async list({ after, limit }) {
      let query = db.selectFrom('users').selectAll().where('deleted_at', 'is', null);
      if (after !== undefined) query = query.where('email', '>', after);
      return (await query.orderBy('email').limit(limit).execute()).map(userOf);
    },

    async update(id, change) {
      const values = given({
        email: change.email,
        name: change.name,
        tier: change.tier,
        quota: change.quota === undefined ? undefined : jsonOf(change.quota),
        updated_at: change.updatedAt === undefined ? undefined : dialect.time(change.updatedAt),
        deleted_at: change.deletedAt === undefined ? undefined : dialect.time(change.deletedAt),
      });
      if (Object.keys(values).length === 0) return;
      await atomically(db, async (db) => {
        await db.updateTable('users').set(values).where('id', '=', id).execute();
        const { tier } = change;
        if (tier !== undefined) await noteTier({ db, dialect }, { id, tier }, change.updatedAt ?? now());
      });
    },

    tierBefore: (id, end) => tierBefore({ db, dialect }, id, end),
  };
}

/** As `lower()` of a column is in both databases; of a parameter, PostgreSQL's would go by the database's own locale. */
function lowerAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

interface Columns {
  id: string;
  email: string;
  name: string;
  tier: string;
  quota: string | null;
  created_at: number;
  updated_at: number;
  deleted_at: number | null;
}

function userOf(row: Columns): UserRow {
  return {
    id: row.id,
    email: row.email,
    name: row.name,
    tier: row.tier,
    quota: quotaOf(row.quota),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    deletedAt: row.deleted_at,
  };
}
