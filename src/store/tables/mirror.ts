import { sql } from 'kysely';
import type { Store } from '../store.ts';
import { atomically, pieces, type TableContext } from './context.ts';

/** Rows of the config's keys: see {@link Store.mirrorConfigKeys}. */
export function createMirror({ db, dialect, now }: TableContext): Store['mirrorConfigKeys'] {
  return (keys) =>
    atomically(db, async (db) => {
      const at = dialect.time(now());
      const wanted = new Map(keys.map((key) => [key.id, key]));
      const rows = await db
        .selectFrom('api_keys')
        .select(['id', 'key_hash'])
        .where('source', '=', 'config')
        .where('deleted_at', 'is', null)
        .orderBy('id')
        .execute();

      // Those whose hash changes too: two keys of the config may have exchanged theirs, and no two rows may have one at once.
      const leaving = rows.filter(({ id, key_hash }) => wanted.get(id)?.sha256 !== key_hash);
      for (const some of pieces(leaving, 500)) {
        const ids = some.map(({ id }) => id);
        await db.updateTable('api_keys').set({ deleted_at: at }).where('id', 'in', ids).execute();
      }

      for (const some of pieces([...wanted.values()], 500))
        await db
          .insertInto('api_keys')
          .values(
            some.map((key) => ({
              id: key.id,
              user_id: null,
              source: 'config',
              key_hash: key.sha256,
              key_prefix: key.prefix,
              name: key.name,
              enabled: dialect.flag(key.enabled),
              expires_at: dialect.time(key.expiresAt),
              created_at: at,
            })),
          )
          .onConflict((already) =>
            already.column('id').doUpdateSet(({ ref }) => ({
              key_hash: ref('excluded.key_hash'),
              key_prefix: ref('excluded.key_prefix'),
              name: ref('excluded.name'),
              enabled: ref('excluded.enabled'),
              expires_at: ref('excluded.expires_at'),
              deleted_at: sql<null>`null`,
            })),
          )
          .execute();
    });
}
