import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { StoreAdmin } from '../store.ts';
import { StoreError, type StoreOwner } from '../store-error.ts';
import { fromSqlite } from './errors.ts';
import { makePrivateFile } from './private-file.ts';

const ownerName = 'owner.json';

/** Who holds a folder, as it says itself; null where nobody says so. It may have died since: only the lock is sure. */
export function readOwner(folder: string): StoreOwner | null {
  try {
    const { pid, started, role, admin } = JSON.parse(readFileSync(join(folder, ownerName), 'utf8'));
    if (typeof pid !== 'number' || typeof started !== 'number') return null;
    return { pid, started, role: role === 'command' ? role : 'gateway', admin: adminOf(admin) };
  } catch {
    return null;
  }
}

function adminOf(value: unknown): StoreAdmin | null {
  const { url, token } = (value ?? {}) as Record<string, unknown>;
  return typeof url === 'string' && URL.canParse(url) && typeof token === 'string' ? { url, token } : null;
}

/** Says who we are, whole or not at all. Only for who holds the lock. */
function writeOwner(folder: string, owner: StoreOwner): void {
  const fresh = join(folder, `${ownerName}.new`);
  // A file that was left there keeps its mode, and this one has a secret in it.
  rmSync(fresh, { force: true });
  writeFileSync(fresh, `${JSON.stringify(owner)}\n`, { mode: 0o600, flag: 'wx' });
  renameSync(fresh, join(folder, ownerName));
}

/** A folder that is ours until it is released or this process is gone. */
export interface FolderLock {
  /** To say where the admin listener is, once it listens. */
  publish(owner: StoreOwner): void;
  release(): void;
}

/**
 * Takes the folder, which is made with mode 0700 if it is missing, at once or not at all. Held is a transaction on `lock.db`, which the kernel ends with the process,
 * however it ends. Throws StoreError `locked`, with the owner where it is known.
 */
export function lockFolder(folder: string, owner: StoreOwner): FolderLock {
  const file = join(folder, 'lock.db');
  let lock: Database.Database | undefined;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    makePrivateFile(file);
    lock = new Database(file, { timeout: 0 });
    lock.exec('begin exclusive');
    writeOwner(folder, owner);
  } catch (error) {
    lock?.close();
    throw isHeld(error) ? lockedBy(folder, readOwner(folder), error) : fromSqlite(error);
  }
  const held = lock;
  return {
    publish: (owner) => writeOwner(folder, owner),
    release() {
      if (!held.open) return;
      rmSync(join(folder, ownerName), { force: true });
      held.close();
    },
  };
}

function isHeld(error: unknown): boolean {
  return error instanceof Database.SqliteError && /^SQLITE_(?:BUSY|LOCKED)/.test(error.code);
}

function lockedBy(folder: string, owner: StoreOwner | null, cause: unknown): StoreError {
  const who =
    owner === null
      ? 'another process'
      : `${owner.role === 'command' ? 'a command, ' : ''}process ${owner.pid}, running since ${new Date(owner.started).toISOString()}` +
        (owner.admin === null ? '' : `, admin listener ${owner.admin.url}`);
  return new StoreError('locked', `the store in ${folder} is held by ${who}`, {
    cause,
    ...(owner !== null && { owner }),
  });
}
