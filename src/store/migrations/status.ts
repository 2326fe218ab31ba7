import type { MigrationStatus } from '../store.ts';
import { StoreError } from '../store-error.ts';
import { migrations } from './list.ts';
import type { Migration } from './migration.ts';

/** How a database's schema stands, by the rows of its `schema_migrations`. */
export function statusOf(applied: MigrationStatus['applied']): MigrationStatus {
  const reached = versionOf(applied);
  return {
    applied,
    pending: migrations
      .filter(({ version }) => version > reached)
      .map(({ version, name }) => ({ version, name })),
    newer: reached > migrations.length,
  };
}

/** What is to be run, in its order. Throws StoreError `schema` where the schema is newer than this program. */
export function pendingOf(applied: readonly { version: number }[]): Migration[] {
  const reached = versionOf(applied);
  if (reached > migrations.length)
    throw new StoreError(
      'schema',
      `the database's schema is of version ${reached}, and this program knows ${migrations.length} at most: ` +
        'a newer polymorph has migrated it; run that one, or restore a back-up from before',
    );
  return migrations.slice(reached);
}

function versionOf(applied: readonly { version: number }[]): number {
  return Math.max(0, ...applied.map(({ version }) => version));
}
