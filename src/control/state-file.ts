import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What a drained process leaves for its successor. */
export interface SavedState {
  /** Small facts as JSON: which number each key had. */
  facts: Record<string, unknown>;
  /** Buckets and quotas, as the limits room saved them. */
  limits: Uint8Array;
}

const magic = 'polymorph-state-1';
const headPattern = /^(\S+) (\d+) ([0-9a-f]{64})\n/;

/**
 * Writes the file whole or not at all: a new file beside it, synced, then renamed over it. Mode 0600, since it holds
 * the digests of keys; the folder is made with 0700 if it is missing. Throws the file system's error.
 */
export async function writeState(path: string, state: SavedState): Promise<void> {
  const facts = Buffer.from(JSON.stringify(state.facts));
  const body = Buffer.concat([facts, state.limits]);
  const head = `${magic} ${facts.length} ${createHash('sha256').update(body).digest('hex')}\n`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const fresh = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    const file = await open(fresh, 'wx', 0o600);
    try {
      await file.writeFile(Buffer.concat([Buffer.from(head), body]));
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

/**
 * What was saved; undefined if there is no file; `{ problem }` if it cannot be read or is not whole, in which case
 * the process starts with full buckets and says so.
 */
export async function readState(path: string): Promise<SavedState | undefined | { problem: string }> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    return { problem: (error as Error).message };
  }
  const head = headPattern.exec(bytes.toString('latin1', 0, 128));
  if (head === null || head[1] !== magic) return { problem: 'it is no state file of this version' };
  const body = bytes.subarray(head[0].length);
  if (createHash('sha256').update(body).digest('hex') !== head[3]) return { problem: 'it is damaged' };
  const factBytes = Number(head[2]);
  return {
    facts: JSON.parse(body.toString('utf8', 0, factBytes)) as Record<string, unknown>,
    limits: new Uint8Array(body.subarray(factBytes)),
  };
}
