import { closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import Database from 'better-sqlite3';
import { StoreError } from '../store-error.ts';
import { databaseName } from './database.ts';
import { fromSqlite } from './errors.ts';

/**
 * Copies the folder's database, as it is now, into a new file of mode 0600, a piece at a time so that others write on. It
 * has its name only once it is whole and synced. Rejects with StoreError `conflict` where the file is there.
 */
export async function backupSqlite(folder: string, file: string): Promise<void> {
  const target = resolve(file);
  const partial = `${target}.partial`;
  if (existsSync(target)) throw there(target);
  try {
    closeSync(openSync(partial, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw new StoreError(
        'conflict',
        `${partial} is there already: another back-up writes it, or one was ended; remove it then`,
        { cause: error },
      );
    throw fromSqlite(error);
  }
  try {
    await copy(join(folder, databaseName), partial);
    sync(partial);
    name(partial, target);
    sync(join(target, '..'));
  } catch (error) {
    rmSync(partial, { force: true });
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw there(target, error);
    throw fromSqlite(error);
  } finally {
    rmSync(`${partial}-journal`, { force: true });
  }
}

function there(target: string, cause?: unknown): StoreError {
  return new StoreError('conflict', `${target} is there already: a back-up overwrites nothing`, { cause });
}

/** Unlike a renaming, a link takes no name that somebody else has taken meanwhile. */
function name(partial: string, target: string): void {
  try {
    linkSync(partial, target);
    rmSync(partial);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!linkless.includes(code)) throw error;
    closeSync(openSync(target, 'wx', 0o600));
    renameSync(partial, target);
  }
}

/** What file systems say that have no links, as those of sticks and shares. */
const linkless = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

async function copy(from: string, to: string): Promise<void> {
  // A connection of its own whose reading transaction stays open: what is written meanwhile neither shows nor makes it begin anew.
  const reader = new Database(from, { readonly: true });
  try {
    reader.exec('begin');
    reader.prepare('select count(*) from sqlite_master').get();
    await reader.backup(to);
  } finally {
    reader.close();
  }
}

function sync(path: string): void {
  const opened = openSync(path, 'r');
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}
