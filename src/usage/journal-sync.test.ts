import { fstatSync, mkdirSync, readlinkSync, readdirSync, rmdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createJournalListing } from './journal-folder.ts';
import { createJournalSync } from './journal-sync.ts';
import { newFolder, openJournal, removeFolders } from './testing/journals.ts';
import { emptyRecord } from './turn.ts';

afterEach(removeFolders);

test('what this run has written is synced, until nothing can have been written since', async () => {
  const folder = newFolder();
  const journal = openJournal({ folder, run: 'mine' });
  openJournal({ folder, run: 'other' }).close();
  const synced: number[] = [];
  let now = Date.now();
  const clock = () => now;
  const sync = createJournalSync(createJournalListing(folder, clock), 'mine', clock, async (fd) =>
    synced.push(fstatSync(fd).ino),
  );
  const write = (): void => journal.write([{ ...emptyRecord(), calls: 1, method: 'eth_call' }]);
  write();
  await sync.run();
  expect(synced).toHaveLength(1);
  // It may have been written to in the same moment again.
  await sync.run();
  expect(synced).toHaveLength(2);
  now += 5000;
  await sync.run();
  expect(synced).toHaveLength(2);
  await new Promise((resolve) => setTimeout(resolve, 20));
  write();
  await sync.run();
  expect(synced).toHaveLength(3);
  expect(new Set(synced).size).toBe(1);
  sync.close();
  journal.close();
});

test('a sync that fails is tried again', async () => {
  const folder = newFolder();
  const journal = openJournal({ folder, run: 'mine' });
  let fails = true;
  let done = 0;
  const clock = () => Date.now() + 60_000;
  const sync = createJournalSync(createJournalListing(folder, clock), 'mine', clock, async () => {
    if (fails) throw new Error('EIO');
    done++;
  });
  await expect(sync.run()).rejects.toThrow('EIO');
  fails = false;
  await sync.run();
  expect(done).toBe(1);
  sync.close();
  journal.close();
});

/** Names of the folder's files that this process has open for the sync, beside its writers. */
function openFiles(folder: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(folder) ? [path.slice(folder.length + 1)] : [];
    } catch {
      return [];
    }
  });
}

test('segments that are over are synced to their end, and then cost neither a file nor a look', async () => {
  const folder = newFolder();
  for (let start = 0; start < 20; start++) openJournal({ folder, run: 'mine', start }).close();
  let now = Date.now();
  const clock = () => now;
  const synced: number[] = [];
  const sync = createJournalSync(createJournalListing(folder, clock), 'mine', clock, async (fd) =>
    synced.push(fstatSync(fd).ino),
  );
  await sync.run();
  expect(openFiles(folder)).toHaveLength(20);
  now += 5000;
  await sync.run();
  expect(new Set(synced).size).toBe(20);
  expect(openFiles(folder).sort()).toEqual(['mine-0-18-0.journal', 'mine-0-19-0.journal']);
  // A worker that follows is seen, and what was done with is not taken up again.
  synced.length = 0;
  const last = openJournal({ folder, run: 'mine', start: 20 });
  await sync.run();
  expect(synced).toEqual([statSync(join(folder, 'mine-0-20-0.journal')).ino]);
  sync.close();
  last.close();
  expect(openFiles(folder)).toEqual([]);
});

test('one that cannot be synced keeps none of the others from it', async () => {
  const folder = newFolder();
  mkdirSync(join(folder, 'mine-0-0-0.journal'));
  openJournal({ folder, run: 'mine', slot: 1 }).close();
  const synced: string[] = [];
  const sync = createJournalSync(createJournalListing(folder, Date.now), 'mine', Date.now, async (fd) => {
    if (fstatSync(fd).isDirectory()) throw new Error('EISDIR');
    synced.push('one');
  });
  await expect(sync.run()).rejects.toThrow('EISDIR');
  expect(synced).toEqual(['one']);
  sync.close();
  rmdirSync(join(folder, 'mine-0-0-0.journal'));
});
