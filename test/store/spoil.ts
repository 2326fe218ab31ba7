import { truncate } from 'node:fs/promises';
import Database from 'better-sqlite3';
import { runSql } from '../../src/store/testing/postgres.ts';
import { createJournalReader, listSegments, openSegmentFile } from '../../src/usage/index.ts';

const tables = ['usage_minutes', 'usage_hours', 'usage_days'];

/** Doubles what the ledger has of a method. `store`: a URL, or the file of the embedded one. Returns what takes it back. */
export async function doubleRow(store: string, method: string): Promise<() => Promise<void>> {
  const set = async (calls: string): Promise<void> => {
    const texts = tables.map(
      (table) => `update ${table} set calls = ${calls} where method = '${method}' and status = 'allowed'`,
    );
    if (store.startsWith('postgres:')) {
      await runSql(store, texts.join(';'));
      return;
    }
    const database = new Database(store, { timeout: 5000 });
    database.exec(texts.join(';'));
    database.close();
  };
  await set('calls * 2');
  return () => set('calls / 2');
}

/** Takes the last frame off the longest journal in a folder. */
export async function dropFrame(folder: string): Promise<void> {
  const longest = { path: '', last: 0, end: 0 };
  for (const { path } of listSegments(folder)) {
    const file = openSegmentFile(path);
    const reader = createJournalReader(file);
    let last = 0;
    if (!('fault' in reader)) {
      for (let frame = reader.next(); frame !== null; frame = reader.next()) last = frame.from;
      if (reader.position > longest.end) Object.assign(longest, { path, last, end: reader.position });
    }
    file.close();
  }
  await truncate(longest.path, longest.last);
}
