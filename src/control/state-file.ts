import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The file in `server.state_dir` that buckets and quotas are kept in over a drained restart. */
export const stateFileName = 'limits.state';

/**
 * Writes the file whole or not at all: a new file beside it, synced, then renamed over it. Mode 0600, in a folder
 * that is made with 0700 if it is missing: what callers have used is nobody else's business. Throws the file
 * system's error.
 */
export async function writeState(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const fresh = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    const file = await open(fresh, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}

/** What was saved; undefined if there is no file; `{ problem }` if there is one that cannot be read. */
export async function readState(path: string): Promise<Uint8Array | undefined | { problem: string }> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
      ? undefined
      : { problem: (error as Error).message };
  }
}

/** The same of a few bytes, for which the thread may wait: `writeState` in one go. */
export function writeSmallState(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const fresh = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    writeFileSync(fresh, text, { mode: 0o600, flag: 'wx', flush: true });
    renameSync(fresh, path);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  }
}
