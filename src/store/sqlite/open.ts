import { join } from 'node:path';
import { Kysely, SqliteDialect } from 'kysely';
import { createWatchers } from '../watchers.ts';
import { statusOf } from '../migrations/status.ts';
import { dropOldRollups, dropOldRows } from '../retention.ts';
import type { Schema } from '../schema.ts';
import { createSegments } from '../segments.ts';
import type { KeyChange, MigrationStatus, Store, StoreRole, Tables } from '../store.ts';
import { createMirror } from '../tables/mirror.ts';
import { createPolicyKeys } from '../tables/policy-keys.ts';
import type { TableContext } from '../tables/context.ts';
import { createTables } from '../tables/create-tables.ts';
import { dropExcessEvents, dropOldEvents } from '../tables/outbox/retention.ts';
import { createQuotaUse } from '../tables/quota-use.ts';
import { createUsage } from '../tables/usage.ts';
import { createSqliteApply } from './apply.ts';
import { backupSqlite } from './backup.ts';
import { asDriver, type Database, databaseName, openDatabase } from './database.ts';
import { sqliteDialect as dialect } from './dialect.ts';
import { fromSqlite } from './errors.ts';
import { lockFolder } from './folder-lock.ts';
import type { IssuedEntry, IssuedLog } from './issued/issued-log.ts';
import { notedTables } from './issued/noted-tables.ts';
import { openIssued } from './issued/open-issued.ts';
import { migrateSqlite, readMigrations } from './migrate.ts';
import { createReader } from './reader.ts';

/** What the embedded store is opened with. */
export interface SqliteOptions {
  /** Made with mode 0700 where it is missing. */
  folder: string;
  /** Who opens it. `held`: our process has the folder. */
  owner: StoreRole | 'held';
  /** Milliseconds since the epoch. */
  now: () => number;
  /** False: the schema stays as it is, and `issued.log` is not looked at. */
  migrate: boolean;
  /** Told what an operator must know: of a database that was restored, of what `issued.log` lacks. */
  onNews(message: string): void;
}

/** Opens the embedded store; the folder is ours until it is closed, or longer where it was before. Throws StoreError. */
export function openSqlite(options: SqliteOptions): Store {
  const { folder, now, migrate, onNews } = options;
  const lock =
    options.owner === 'held'
      ? null
      : lockFolder(folder, { pid: process.pid, started: now(), role: options.owner, admin: null });
  let database: Database;
  let issued: IssuedLog | null = null;
  try {
    database = openDatabase(folder);
    try {
      if (migrate) {
        runMigrations(database, now());
        issued = openIssued(database, folder, now(), onNews);
      }
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    lock?.release();
    throw error;
  }

  const db = new Kysely<Schema>({ dialect: new SqliteDialect({ database: asDriver(database) }) });
  const watchers = createWatchers<KeyChange>();
  const banWatchers = createWatchers<string>();
  const announce = async (change: KeyChange): Promise<void> => watchers.tell(change);
  const announceBan = async (prefix: string): Promise<void> => banWatchers.tell(prefix);
  const context: TableContext = { db, dialect, now, announce, announceBan };
  // Two: what is read of quotas never waits for a person's question.
  const [reader, quotaReader] = [
    createReader(join(folder, databaseName)),
    createReader(join(folder, databaseName)),
  ];
  const tables = createTables(context);
  const quotaUseOfAll = createQuotaUse({ ...context, db: quotaReader.db });

  /** Runs what speaks to the database itself while no transaction of kysely's is open: they share the connection. */
  const directly = <T>(work: (database: Database) => T): Promise<T> =>
    db.connection().execute(async () => {
      try {
        return work(database);
      } catch (error) {
        throw fromSqlite(error);
      }
    });

  const noted = (tables: Tables, note: (entry: IssuedEntry) => void): Tables =>
    issued === null ? tables : notedTables(tables, { note, ended: issued.ended, now });

  /** After the commit: whoever asked must have their answer, which may be the only place where a new key is ever shown. */
  const append = (entries: readonly IssuedEntry[], warn: (message: string) => void): void => {
    try {
      issued?.append(entries);
    } catch (error) {
      warn((error as Error).message);
    }
  };

  let apply: ReturnType<typeof createSqliteApply> | undefined;
  return {
    kind: 'sqlite',
    ...noted(tables, (entry) => append([entry], onNews)),
    usage: createUsage({ ...context, db: reader.db }).usage,
    quotaUse: (starts, filter) =>
      (filter?.keyIds === undefined ? quotaUseOfAll : tables.quotaUse)(starts, filter),
    ...createPolicyKeys(context),
    segments: createSegments(context),
    apply: (batch) =>
      directly(() => {
        apply ??= createSqliteApply(database, now);
        return apply(batch);
      }),

    async transaction(work, warn = onNews) {
      const changes: KeyChange[] = [];
      const banned: string[] = [];
      const notes: IssuedEntry[] = [];
      const result = await db.transaction().execute((db) => {
        const announce = async (change: KeyChange): Promise<void> => void changes.push(change);
        const announceBan = async (prefix: string): Promise<void> => void banned.push(prefix);
        return work(
          noted(createTables({ ...context, db, announce, announceBan }), (entry) => void notes.push(entry)),
        );
      });
      for (const change of changes) watchers.tell(change);
      for (const prefix of banned) banWatchers.tell(prefix);
      append(notes, warn);
      return result;
    },

    watchKeys: (onChange) => watchers.watch(onChange),
    watchBans: (onChange) => banWatchers.watch(onChange),
    mirrorConfigKeys: createMirror(context),
    async maintain(retention) {
      await dropOldRollups(context, retention);
      await dropOldRows(context, 'usage_logs', now() - retention.rawMs);
      await dropOldEvents(context, now() - retention.eventsMs);
      await dropExcessEvents(context, retention.eventsMax);
    },
    migrationStatus: () => directly(() => statusOf(readMigrations(database))),
    migrate: () => directly(() => runMigrations(database, now())),
    backup: (file) => backupSqlite(folder, file),
    ping: () => directly(() => void database.exec('begin immediate; rollback')),
    async close() {
      await Promise.all([reader.close(), quotaReader.close()]);
      await db.destroy();
      database.close();
      lock?.release();
    },
  };
}

function runMigrations(database: Database, now: number): MigrationStatus['pending'] {
  try {
    return migrateSqlite(database, now).map(({ version, name }) => ({ version, name }));
  } catch (error) {
    throw fromSqlite(error);
  }
}
