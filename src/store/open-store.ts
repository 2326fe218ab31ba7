import type { Store, StoreAdmin, StoreRole } from './store.ts';

/** Which database, and who opens it. */
export type StoreOptions = (
  | {
      kind: 'sqlite';
      /** Made where it is missing. */
      folder: string;
      /** What a second process on the folder is told of us; default: a command. Its address may follow: {@link Store.publishAdmin}. */
      owner?: { role: StoreRole; admin: StoreAdmin | null };
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
  const { folder, owner = { role: 'command', admin: null } } = options;
  return openSqlite({ folder, owner, now, migrate });
}

/**
 * Takes a folder that a gateway's journals are in without a SQLite store, as `openStore` takes its own. Rejects with StoreError `locked` where
 * another process has it. It is let go of with the process, or by `release`.
 */
export async function lockStateFolder(folder: string, now: () => number): Promise<{ release(): void }> {
  const { lockFolder } = await import('./sqlite/folder-lock.ts');
  return lockFolder(folder, { pid: process.pid, started: now(), role: 'gateway', admin: null });
}
