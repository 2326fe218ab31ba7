import { closeSync, fdatasync, fstatSync, openSync } from 'node:fs';
import { promisify } from 'node:util';
import { FRESH_MS, type JournalListing, type ListedSegment } from './journal-folder.ts';

const sync = promisify(fdatasync);

/** Brings what workers append to the disk itself, so that a loss of power loses no more than was written since. */
export interface JournalSync {
  /**
   * Syncs what was written to the journals of this run since the last time; rejects with the first error of `fs` where it met one,
   * and another try may do. A segment that is over is synced to its end and not looked at again, however long it is kept.
   */
  run(): Promise<void>;
  close(): void;
}

export function createJournalSync(
  listing: JournalListing,
  run: string,
  epochMs: () => number,
  syncFile: (fd: number) => Promise<unknown> = sync,
): JournalSync {
  /** By path; `modified` as of before its last sync. */
  const files = new Map<string, { fd: number; modified: number }>();
  /** Paths of segments that may have something to sync, and whether nothing more is written to them. */
  const due = new Map<string, boolean>();
  /** Paths of those of which all is synced. */
  const settled = new Set<string>();
  let looked: readonly ListedSegment[] = [];

  function forget(path: string): void {
    const file = files.get(path);
    files.delete(path);
    if (file !== undefined) closeSync(file.fd);
  }

  function look(): void {
    const listed = listing.list();
    if (listed === looked) return;
    looked = listed;
    const own = listed.filter(({ name }) => name.run === run);
    const here = new Set(own.map(({ path }) => path));
    for (const path of files.keys()) if (!here.has(path)) forget(path);
    for (const path of settled) if (!here.has(path)) settled.delete(path);
    due.clear();
    for (const [at, { name, path }] of own.entries()) {
      // A worker has two at most: one that it writes to, and one that is held ready.
      if (!settled.has(path)) due.set(path, own[at + 2]?.name.slot === name.slot);
    }
  }

  async function syncOne(path: string, over: boolean): Promise<void> {
    const file = files.get(path) ?? { fd: openSync(path, 'r'), modified: Number.NaN };
    files.set(path, file);
    const { mtimeMs } = fstatSync(file.fd);
    const still = epochMs() - mtimeMs > FRESH_MS;
    if (mtimeMs !== file.modified || !still) {
      await syncFile(file.fd);
      file.modified = mtimeMs;
    }
    if (!over || !still) return;
    settled.add(path);
    due.delete(path);
    forget(path);
  }

  return {
    async run() {
      look();
      let met: unknown;
      for (const [path, over] of due) await syncOne(path, over).catch((error: unknown) => (met ??= error));
      if (met !== undefined) throw met;
    },
    close() {
      for (const path of files.keys()) forget(path);
    },
  };
}
