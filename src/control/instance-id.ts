import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeSmallState } from './state-file.ts';

/** The file in `server.state_dir` that an instance's name among others is kept in. */
const instanceFile = 'instance.id';

/**
 * What tells the instance of this state folder from all others, in a shared store and in Redis: random, made once and kept there (mode
 * 0600), so that it is the same after a restart. Host names and folders are often alike in containers. Where there is no folder, or it
 * takes no file, it is another each time: what an earlier run had claimed is free a minute later, then. A folder that is copied, or
 * mounted by two, gives both the same: `Members` finds that out.
 */
export function instanceIdOf(stateDir: string | null): string {
  if (stateDir === null) return randomUUID();
  const path = join(stateDir, instanceFile);
  const kept = read(path);
  if (kept !== null) return kept;
  const id = randomUUID();
  try {
    writeSmallState(path, `${id}\n`);
  } catch {
    return id;
  }
  return read(path) ?? id;
}

/** null: there is none, or it is damaged. */
function read(path: string): string | null {
  try {
    return (
      /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.exec(readFileSync(path, 'utf8').trim())?.[0] ?? null
    );
  } catch {
    return null;
  }
}
