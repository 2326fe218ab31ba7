import type { Store, StoreAdmin, StoreRole } from './store.ts';

/** Which database, and who opens it. */
export type StoreOptions = (
  | {
      kind: 'sqlite';
      /** Made where it is missing. */
      folder: string;
      /**
       * What a second process on the folder is told of us; default: a command. `held`: this process has the folder already
       * ({@link lockStateFolder}), also when the store is closed.
       */
      owner?: StoreRole | 'held';
      /** Told what an operator must know of a database that was restored from a back-up. Default: nobody is. */
      onNews?: (message: string) => void;
    }
  | {
      kind: 'postgres';
      /** `postgres://…` */
      url: string;
      /** Connections at most, and one more to listen on. Default 5. */
      poolSize?: number;
    }
) & {
  /** Milliseconds since the epoch. */
  now?: () => number;
  /** False: the schema is left as it is, to ask for its status first. */
  migrate?: boolean;
};

/**
 * Opens the store and migrates it. Rejects with StoreError: `locked` where another process holds the folder, `schema` where
 * a newer program has migrated it, `unavailable` where it cannot be reached: ask again later.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { now = Date.now, migrate = true } = options;
  // Each on its own, since a driver takes memory.
  if (options.kind === 'postgres') {
    const { openPostgres } = await import('./postgres/open.ts');
    return openPostgres({ url: options.url, poolSize: options.poolSize ?? 5, now, migrate });
  }
  const { openSqlite } = await import('./sqlite/open.ts');
  const { folder, owner = 'command', onNews = () => {} } = options;
  return openSqlite({ folder, owner, now, migrate, onNews });
}

/** A folder that is a gateway's until it is released or its process is gone. */
export interface StateFolder {
  /** Says in `owner.json`, which nobody else may read, how to ask who holds the folder. Throws as `fs` does. */
  publishAdmin(admin: StoreAdmin | null): void;
  release(): void;
}

/**
 * Takes a gateway's folder, with its journals and the SQLite store, if it has one, for the life of the process: its threads may die and be
 * replaced meanwhile. Rejects with StoreError `locked` where another process has it.
 */
export async function lockStateFolder(folder: string, now: () => number): Promise<StateFolder> {
  const { lockFolder } = await import('./sqlite/folder-lock.ts');
  const owner = { pid: process.pid, started: now(), role: 'gateway', admin: null } as const;
  const lock = lockFolder(folder, owner);
  return {
    publishAdmin: (admin) => lock.publish({ ...owner, admin }),
    release: lock.release,
  };
}
