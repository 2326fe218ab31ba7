import { fstatSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
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
  const sync = createJournalSync(
    folder,
    'mine',
    () => now,
    async (fd) => synced.push(fstatSync(fd).ino),
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
  const sync = createJournalSync(
    folder,
    'mine',
    () => Date.now() + 60_000,
    async () => {
      if (fails) throw new Error('EIO');
      done++;
    },
  );
  await expect(sync.run()).rejects.toThrow('EIO');
  fails = false;
  await sync.run();
  expect(done).toBe(1);
  sync.close();
  journal.close();
});
