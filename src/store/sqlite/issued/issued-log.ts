import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { StoreError } from '../../store-error.ts';
import { fromSqlite } from '../errors.ts';

/** What the world outside has seen of the store, and what a restored back-up must therefore not take back. */
export type IssuedEntry =
  /** An invoice has this number; its user's id and month are there for people. */
  | { invoice: string; user: string; month: string }
  /** The key with this SHA-256 is refused from `until` on, epoch milliseconds; null: it is taken again. */
  | { key: string; until: number | null };

/** `issued.log` beside the database: lines that are only ever appended, one of JSON each. Of a key the last one holds. */
export interface IssuedLog {
  /** Numbers of invoices, ascending. */
  readonly invoices: readonly Extract<IssuedEntry, { invoice: string }>[];
  /** By SHA-256: from when on it is refused. */
  readonly ended: ReadonlyMap<string, number>;
  /** Lines that say nothing, as one that a loss of power cut short. */
  readonly unreadable: number;
  /**
   * Synced when it returns. Throws StoreError `unavailable` where the disk does not take it; the lines go with the next ones then.
   */
  append(entries: readonly IssuedEntry[]): void;
}

/** Reads it; it is made, with mode 0600, with its first line. Throws the file system's error. */
export function openIssuedLog(folder: string): IssuedLog {
  const file = join(folder, 'issued.log');
  const invoices: Extract<IssuedEntry, { invoice: string }>[] = [];
  const ended = new Map<string, number>();
  let unreadable = 0;
  let fresh = true;
  let unwritten: IssuedEntry[] = [];

  const take = (entry: IssuedEntry) => {
    if ('invoice' in entry) invoices.push(entry);
    else if (entry.until === null) ended.delete(entry.key);
    else ended.set(entry.key, entry.until);
  };

  for (const line of read(file).split('\n')) {
    if (line === '') continue;
    fresh = false;
    const entry = parse(line);
    if (entry === null) unreadable += 1;
    else take(entry);
  }

  return {
    invoices,
    ended,
    get unreadable() {
      return unreadable;
    },
    append(entries) {
      for (const entry of entries) take(entry);
      unwritten = [...unwritten, ...entries];
      if (unwritten.length === 0) return;
      // The first line break ends what an earlier attempt may have left behind.
      const text = ['', ...unwritten.map((entry) => JSON.stringify(entry)), ''].join('\n');
      try {
        write(file, text);
        if (fresh) syncFolder(file);
      } catch (error) {
        const { message } = fromSqlite(error) as Error;
        throw new StoreError(
          'unavailable',
          `it is done, but ${file} does not say so, and a restored back-up would not know of it: ${message}`,
          { cause: error },
        );
      }
      fresh = false;
      unwritten = [];
    },
  };
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

function parse(line: string): IssuedEntry | null {
  try {
    const { invoice, user, month, key, until } = JSON.parse(line) as Record<string, unknown>;
    if (typeof invoice === 'string' && /^\d{4}-\d{6,}$/.test(invoice))
      return { invoice, user: String(user), month: String(month) };
    if (typeof key === 'string' && (until === null || Number.isSafeInteger(until)))
      return { key, until: until as number | null };
    return null;
  } catch {
    return null;
  }
}

function write(file: string, text: string): void {
  const bytes = Buffer.from(text);
  const fd = openSync(file, 'a', 0o600);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function syncFolder(file: string): void {
  const fd = openSync(dirname(file), 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
