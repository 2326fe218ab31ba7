import type { Kysely } from 'kysely';
import type { Dialect, Schema } from '../schema.ts';
import type { KeyChange } from '../store.ts';

/** What the tables' queries need: the database or a transaction in it. */
export interface TableContext {
  db: Kysely<Schema>;
  dialect: Dialect;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Tells of a change, in a transaction once it is committed. */
  announce(change: KeyChange): Promise<void>;
  /** The same of a ban. */
  announceBan(prefix: string): Promise<void>;
}

/** Runs `work` in a transaction: the one that `db` is, else one of its own. */
export function atomically<T>(db: Kysely<Schema>, work: (db: Kysely<Schema>) => Promise<T>): Promise<T> {
  return db.isTransaction ? work(db) : db.transaction().execute(work);
}

/** Drops what is undefined, so that only what is to change is written. */
export function given<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** `items` in pieces of at most `size`, since a statement takes only so many parameters. */
export function* pieces<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}
