import { closeSync, fdatasync, fstatSync, openSync } from 'node:fs';
import { promisify } from 'node:util';
import { listSegments } from './journal-folder.ts';

const sync = promisify(fdatasync);

/** A file that was written to this lately may have been since: its time has no finer grain. */
const FRESH_MS = 1000;

/** Brings what workers append to the disk itself, so that a loss of power loses no more than was written since. */
export interface JournalSync {
  /** Syncs what was written to the journals of this run since the last time. Rejects as `fs` does; another try may do. */
  run(): Promise<void>;
  close(): void;
}

export function createJournalSync(
  folder: string,
  run: string,
  epochMs: () => number,
  syncFile: (fd: number) => Promise<unknown> = sync,
): JournalSync {
  /** By path; `modified` as of before its last sync. */
  const files = new Map<string, { fd: number; modified: number }>();

  function forget(path: string, fd: number): void {
    files.delete(path);
    closeSync(fd);
  }

  return {
    async run() {
      const paths = new Set(
        listSegments(folder)
          .filter(({ name }) => name.run === run)
          .map(({ path }) => path),
      );
      for (const [path, { fd }] of files) if (!paths.has(path)) forget(path, fd);
      for (const path of paths) {
        const file = files.get(path) ?? { fd: openSync(path, 'r'), modified: Number.NaN };
        files.set(path, file);
        const { mtimeMs } = fstatSync(file.fd);
        if (mtimeMs === file.modified && epochMs() - mtimeMs > FRESH_MS) continue;
        await syncFile(file.fd);
        file.modified = mtimeMs;
      }
    },
    close() {
      for (const [path, { fd }] of files) forget(path, fd);
    },
  };
}
