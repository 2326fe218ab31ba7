import type { Migration } from '../migrations/migration.ts';
import { migrations } from '../migrations/list.ts';
import { pendingOf } from '../migrations/status.ts';
import type { MigrationStatus } from '../store.ts';
import type { Database } from './database.ts';

/** The rows of `schema_migrations`; none where there is no such table yet. */
export function readMigrations(database: Database): MigrationStatus['applied'] {
  const table = database.prepare(`select 1 from sqlite_master where name = 'schema_migrations'`).get();
  if (table === undefined) return [];
  return database
    .prepare<[], MigrationStatus['applied'][number]>(
      'select version, name, applied_at as "appliedAt" from schema_migrations order by version',
    )
    .all();
}

/** Runs what is pending, up to version `upTo`, all or nothing. Throws StoreError `schema` where the schema is newer. */
export function migrateSqlite(database: Database, now: number, upTo = migrations.length): Migration[] {
  return database
    .transaction(() => {
      database.exec(
        'create table if not exists schema_migrations ' +
          '(version integer primary key not null, name text not null, applied_at integer not null) strict',
      );
      const pending = pendingOf(readMigrations(database)).filter(({ version }) => version <= upTo);
      const note = database.prepare(
        'insert into schema_migrations (version, name, applied_at) values (?, ?, ?)',
      );
      for (const { version, name, sqlite } of pending) {
        database.exec(sqlite);
        note.run(version, name, now);
      }
      return pending;
    })
    .immediate();
}
