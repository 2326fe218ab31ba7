import { type Kysely, sql } from 'kysely';
import type { Schema } from '../schema.ts';
import type { KeyRow } from '../rows.ts';
import type { Store } from '../store.ts';
import { atomically, pieces, type TableContext } from './context.ts';

type Mirrored = Parameters<Store['mirrorConfigKeys']>[0][number];

/** An instance that has not named its keys for so long is gone. */
const forgottenAfterMs = 86_400_000;
const atOnce = 500;

/** Rows of the configs' keys: see {@link Store.mirrorConfigKeys}. */
export function createMirror({ db, dialect, now }: TableContext): Store['mirrorConfigKeys'] {
  return (keys, instance) =>
    atomically(db, async (db) => {
      const [at, forgotten] = [dialect.time(now()), dialect.time(now() - forgottenAfterMs)];
      const wanted = new Map(keys.map((key) => [key.id, key]));
      await db.deleteFrom('config_keys').where('instance', '=', instance).execute();
      await db.deleteFrom('config_keys').where('named_at', '<', forgotten).execute();

      const rows = await db
        .selectFrom('api_keys')
        .select(['id', 'key_hash'])
        .where('source', '=', 'config')
        .where('deleted_at', 'is', null)
        .orderBy('id')
        .execute();
      const others = await db.selectFrom('config_keys').select('api_key_id').distinct().execute();
      const named = new Set(others.map(({ api_key_id }) => api_key_id));
      // Those whose hash changes too: two keys of the config may have exchanged theirs, and no two rows may have one at once.
      const leaving = rows.filter(({ id, key_hash }) => {
        const key = wanted.get(id);
        return key === undefined ? !named.has(id) : key.sha256 !== key_hash;
      });
      for (const some of pieces(leaving, atOnce)) {
        const ids = some.map(({ id }) => id);
        await db.updateTable('api_keys').set({ deleted_at: at }).where('id', 'in', ids).execute();
      }

      const taken = await takenHashes(db, [...wanted.values()]);
      const isMine = ({ id, sha256 }: Mirrored) => (taken.get(sha256) ?? id) === id;
      const mine = [...wanted.values()].filter(isMine);
      for (const some of pieces(mine, atOnce)) {
        await db
          .insertInto('api_keys')
          .values(
            some.map((key) => ({
              id: key.id,
              user_id: null,
              source: 'config' satisfies KeyRow['source'],
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
        await db
          .insertInto('config_keys')
          .values(some.map(({ id }) => ({ api_key_id: id, instance, named_at: at })))
          .execute();
      }
      return [...wanted.values()].filter((key) => !isMine(key)).map(({ name }) => name);
    });
}

/** Whose a hash is, of those that are wanted. */
async function takenHashes(db: Kysely<Schema>, keys: readonly Mirrored[]): Promise<Map<string, string>> {
  const taken = new Map<string, string>();
  for (const some of pieces(keys, atOnce)) {
    const hashes = some.map(({ sha256 }) => sha256);
    const rows = await db
      .selectFrom('api_keys')
      .select(['id', 'key_hash'])
      .where('deleted_at', 'is', null)
      .where('key_hash', 'in', hashes)
      .execute();
    for (const { id, key_hash } of rows) taken.set(key_hash, id);
  }
  return taken;
}
