import { setImmediate as turn } from 'node:timers/promises';
import type { Selectable } from 'kysely';
import type { Schema } from '../schema.ts';
import type { KeyRow, OverrideRow } from '../rows.ts';
import type { Tables } from '../store.ts';
import { atomically, given, pieces, type TableContext } from './context.ts';
import { jsonOf, quotaOf } from './json.ts';
import { insertOverrides, overridesOf } from './overrides.ts';
import { isUuid } from '../uuid.ts';

/** More than this many of one name are not told apart any further. */
const mostFound = 100;

/** Queries of `api_keys` and `rate_limit_overrides`. */
export function createKeys(context: TableContext): Tables['keys'] {
  const { db, dialect } = context;

  const withOverrides = async (rows: Selectable<Schema['api_keys']>[]): Promise<KeyRow[]> => {
    const overrides = await overridesOf(
      db,
      rows.map(({ id }) => id),
    );
    return rows.map((row) => keyOf(row, overrides.get(row.id) ?? []));
  };

  return {
    async insert(key) {
      await atomically(db, async (db) => {
        await db
          .insertInto('api_keys')
          .values({
            id: key.id,
            user_id: key.userId,
            source: key.source,
            key_hash: key.sha256,
            key_prefix: key.prefix,
            name: key.name,
            enabled: dialect.flag(key.enabled),
            expires_at: dialect.time(key.expiresAt),
            previous_hash: key.previousSha256,
            previous_until: dialect.time(key.previousUntil),
            quota: jsonOf(key.quota),
            created_at: dialect.time(key.createdAt),
            last_used_at: dialect.time(key.lastUsedAt),
            deleted_at: dialect.time(key.deletedAt),
          })
          .execute();
        await insertOverrides(db, key.id, key.overrides);
      });
    },

    async get(id) {
      if (!isUuid(id)) return null;
      const rows = await db.selectFrom('api_keys').selectAll().where('id', '=', id.toLowerCase()).execute();
      return (await withOverrides(rows))[0] ?? null;
    },

    async names(ids) {
      const found = new Map<string, Pick<KeyRow, 'name' | 'prefix'>>();
      for (const some of pieces(ids, 1000)) {
        if (found.size > 0) await turn();
        const rows = await db
          .selectFrom('api_keys')
          .select(['id', 'name', 'key_prefix'])
          .where('id', 'in', some)
          .execute();
        for (const { id, name, key_prefix } of rows) found.set(id, { name, prefix: key_prefix });
      }
      return found;
    },

    async find(idPrefixOrName) {
      const rows = await db
        .selectFrom('api_keys')
        .selectAll()
        .where('deleted_at', 'is', null)
        .where((is) =>
          is.or([
            is('key_prefix', '=', idPrefixOrName),
            is('name', '=', idPrefixOrName),
            ...(isUuid(idPrefixOrName) ? [is('id', '=', idPrefixOrName.toLowerCase())] : []),
          ]),
        )
        .orderBy('name')
        .orderBy('id')
        .limit(mostFound)
        .execute();
      return withOverrides(rows);
    },

    async list({ userId, name, source, after, limit }) {
      if ([userId, after].some((id) => id !== undefined && !isUuid(id))) return [];
      let query = db.selectFrom('api_keys').selectAll().where('deleted_at', 'is', null);
      if (userId !== undefined) query = query.where('user_id', '=', userId.toLowerCase());
      if (name !== undefined) query = query.where('name', '=', name);
      if (source !== undefined) query = query.where('source', '=', source);
      if (after !== undefined)
        query = query.where(({ eb, refTuple, selectFrom }) =>
          eb(
            refTuple('name', 'id'),
            '>',
            selectFrom('api_keys as before')
              .select(['before.name', 'before.id'])
              .where('before.id', '=', after.toLowerCase())
              .$asTuple('name', 'id'),
          ),
        );
      return withOverrides(await query.orderBy('name').orderBy('id').limit(limit).execute());
    },

    async update(id, change) {
      const { expiresAt, previousUntil, deletedAt } = change;
      const values = given({
        key_hash: change.sha256,
        key_prefix: change.prefix,
        name: change.name,
        enabled: change.enabled === undefined ? undefined : dialect.flag(change.enabled),
        expires_at: expiresAt === undefined ? undefined : dialect.time(expiresAt),
        previous_hash: change.previousSha256,
        previous_until: previousUntil === undefined ? undefined : dialect.time(previousUntil),
        quota: change.quota === undefined ? undefined : jsonOf(change.quota),
        deleted_at: deletedAt === undefined ? undefined : dialect.time(deletedAt),
      });
      if (Object.keys(values).length === 0) return;
      await db.updateTable('api_keys').set(values).where('id', '=', id).execute();
    },

    async setOverrides(id, overrides) {
      await atomically(db, async (db) => {
        await db.deleteFrom('rate_limit_overrides').where('api_key_id', '=', id).execute();
        await insertOverrides(db, id, overrides);
      });
    },
  };
}

function keyOf(row: Selectable<Schema['api_keys']>, overrides: OverrideRow[]): KeyRow {
  return {
    id: row.id,
    userId: row.user_id,
    source: row.source as KeyRow['source'],
    sha256: row.key_hash,
    prefix: row.key_prefix,
    name: row.name,
    enabled: Boolean(row.enabled),
    expiresAt: row.expires_at,
    previousSha256: row.previous_hash,
    previousUntil: row.previous_until,
    quota: quotaOf(row.quota),
    overrides,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    deletedAt: row.deleted_at,
  };
}
