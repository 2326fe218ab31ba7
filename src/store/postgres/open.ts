import { Kysely, PostgresDialect, sql } from 'kysely';
import { createWatchers } from '../watchers.ts';
import { statusOf } from '../migrations/status.ts';
import { dropOldRollups } from '../retention.ts';
import type { Schema } from '../schema.ts';
import { createSegments } from '../segments.ts';
import type { KeyChange, MigrationStatus, Store } from '../store.ts';
import { StoreError } from '../store-error.ts';
import type { TableContext } from '../tables/context.ts';
import { createTables } from '../tables/create-tables.ts';
import { dropExcessEvents, dropOldEvents } from '../tables/outbox/retention.ts';
import { createMirror } from '../tables/mirror.ts';
import { createPolicyKeys } from '../tables/policy-keys.ts';
import { createPostgresApply } from './apply.ts';
import { createConnections } from './connections.ts';
import { postgresDialect as dialect } from './dialect.ts';
import { bansChannel, keysChannel, startListener } from './listener.ts';
import { migratePostgres, readMigrations } from './migrate.ts';
import { createPartitions } from './partitions.ts';
import { retried } from './retry.ts';

/** What the server's store is opened with. */
export interface PostgresOptions {
  /** `postgres://…` */
  url: string;
  /** Connections at most, besides one to listen on. */
  poolSize: number;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** False: the schema stays as it is. */
  migrate: boolean;
}

/** Connects to the server. Rejects with StoreError; connections that break later are made anew as they are needed. */
export async function openPostgres({ url, poolSize, now, migrate }: PostgresOptions): Promise<Store> {
  const runMigrations = async (): Promise<MigrationStatus['pending']> =>
    (await migratePostgres(url, now())).map(({ version, name }) => ({ version, name }));
  if (migrate) await runMigrations();

  const connections = createConnections(url, poolSize);
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: connections }) });
  const partitions = createPartitions(connections);
  const watchers = createWatchers<KeyChange>();
  const banWatchers = createWatchers<string>();
  const listens = (): void => {
    listener ??= startListener(url, { keys: watchers.tell, bans: banWatchers.tell });
  };
  let listener: ReturnType<typeof startListener> | undefined;
  const contextOf = (db: Kysely<Schema>): TableContext => ({
    db,
    dialect,
    now,
    async announce(change: KeyChange) {
      const payload = change === 'all' ? change : change.keyId;
      await sql`select pg_notify(${keysChannel}, ${payload})`.execute(db);
    },
    async announceBan(prefix) {
      await sql`select pg_notify(${bansChannel}, ${prefix})`.execute(db);
    },
  });
  const context = contextOf(db);
  /** What was read must still hold at the commit, also that a row was not there: SQLite's one writer gives as much. */
  const serializable = <T>(work: (db: Kysely<Schema>) => Promise<T>): Promise<T> =>
    db.transaction().setIsolationLevel('serializable').execute(work);

  return {
    kind: 'postgres',
    ...createTables(context),
    ...createPolicyKeys(context),
    segments: createSegments(context),
    apply: createPostgresApply(connections, partitions, now),
    transaction: (work) =>
      retried(async () => {
        try {
          return await serializable((db) => work(createTables(contextOf(db))));
        } catch (error) {
          if (error instanceof Error && error.name === 'AbortedTransactionError')
            throw new StoreError('conflict', 'a statement of the transaction had failed', { cause: error });
          throw error;
        }
      }),

    watchKeys(onChange) {
      listens();
      return watchers.watch(onChange);
    },
    watchBans(onChange) {
      listens();
      return banWatchers.watch(onChange);
    },
    mirrorConfigKeys: (keys, instance) =>
      retried(() => serializable((db) => createMirror(contextOf(db))(keys, instance))),
    async maintain(retention) {
      await retried(() => dropOldRollups(context, retention));
      await retried(() => dropOldEvents(context, now() - retention.eventsMs));
      await retried(() => dropExcessEvents(context, retention.eventsMax));
      await partitions.maintain(now(), now() - retention.rawMs);
    },
    migrationStatus: () =>
      connections.use(async (client) =>
        statusOf(await readMigrations({ query: (text) => client.query(text, []) })),
      ),
    migrate: runMigrations,
    async backup() {
      throw new StoreError('invalid', 'PostgreSQL is backed up by its own tools, such as pg_dump');
    },
    async ping() {
      const { rows } = await sql<{ readonly: boolean }>`
        select pg_is_in_recovery() or current_setting('transaction_read_only')::boolean as readonly`.execute(
        db,
      );
      if (rows[0]?.readonly !== false)
        throw new StoreError('unavailable', 'the database cannot be used: it is read-only');
    },
    async close() {
      await listener?.close();
      await db.destroy();
      await connections.end();
    },
  };
}
