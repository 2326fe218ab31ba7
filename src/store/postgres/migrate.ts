import pg from 'pg';
import { migrations } from '../migrations/list.ts';
import type { Migration } from '../migrations/migration.ts';
import { pendingOf } from '../migrations/status.ts';
import type { MigrationStatus } from '../store.ts';
import { connectionConfig } from './connections.ts';
import { fromPostgres } from './errors.ts';

/** Whoever migrates or makes partitions holds this advisory lock of the database: `poly`, as bytes. */
export const schemaLock = 0x706f_6c79;

/** A step may rewrite a large table. */
const patienceMs = 10 * 60_000;

interface Queries {
  query(text: string): Promise<{ rows: unknown[] }>;
}

/** The rows of `schema_migrations`; none where there is no such table yet. */
export async function readMigrations(client: Queries): Promise<MigrationStatus['applied']> {
  const { rows } = await client.query(`select to_regclass('schema_migrations') is not null as there`);
  if (!(rows as { there: boolean }[])[0]!.there) return [];
  const applied = await client.query(
    'select version, name, applied_at as "appliedAt" from schema_migrations order by version',
  );
  return applied.rows as MigrationStatus['applied'];
}

/**
 * Runs what is pending, up to version `upTo`, in one transaction. A second instance waits for it and finds nothing left.
 * Rejects with StoreError `schema` where the schema is newer.
 */
export async function migratePostgres(
  url: string,
  now: number,
  upTo = migrations.length,
): Promise<Migration[]> {
  const client = new pg.Client({
    ...connectionConfig(url),
    statement_timeout: patienceMs,
    lock_timeout: patienceMs,
    query_timeout: patienceMs + 5_000,
  });
  // What it breaks by reaches the query that waits.
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('begin');
    await client.query('select pg_advisory_xact_lock($1)', [schemaLock]);
    await client.query(
      'create table if not exists schema_migrations ' +
        '(version integer primary key, name varchar(100) not null, applied_at timestamptz not null)',
    );
    const pending = pendingOf(await readMigrations(client)).filter(({ version }) => version <= upTo);
    for (const { version, name, postgres } of pending) {
      await client.query(postgres);
      await client.query('insert into schema_migrations (version, name, applied_at) values ($1, $2, $3)', [
        ...[version, name, new Date(now).toISOString()],
      ]);
    }
    await client.query('commit');
    return pending;
  } catch (error) {
    throw fromPostgres(error);
  } finally {
    // Ends a transaction that failed too.
    await client.end();
  }
}
