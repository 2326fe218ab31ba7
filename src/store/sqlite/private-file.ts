import { closeSync, openSync } from 'node:fs';

/**
 * Makes an empty file that nobody else may read, unless it is there. An existing one is not even opened: closing it would
 * let go of all locks that this process holds on it (fcntl's rule). Throws the file system's error.
 */
export function makePrivateFile(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
