import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createJournalListing } from './journal-folder.ts';
import { newFolder, removeFolders } from './testing/journals.ts';

afterEach(removeFolders);

test('a folder is read again where it was changed, or may have been in the moment it was read', () => {
  const folder = newFolder();
  let now = Date.now();
  const listing = createJournalListing(folder, () => now);
  const make = (number: number): void => writeFileSync(join(folder, `run-0-0-${number}.journal`), '');
  const numbers = () => listing.list().map(({ name }) => name.number);
  make(0);
  utimesSync(folder, now / 1000, now / 1000);
  expect(numbers()).toEqual([0]);
  make(1);
  // In the same moment, by the folder's own time.
  utimesSync(folder, now / 1000, now / 1000);
  expect(numbers()).toEqual([0, 1]);
  now += 5000;
  const before = listing.list();
  expect(listing.list()).toBe(before);
  make(2);
  utimesSync(folder, now / 1000, now / 1000);
  expect(numbers()).toEqual([0, 1, 2]);
});

test('there is none in a folder that is not there yet', () => {
  const folder = join(newFolder(), 'journal');
  expect(createJournalListing(folder, Date.now).list()).toEqual([]);
});

test('what cannot be read is not taken for an empty folder', () => {
  const file = join(newFolder(), 'journal');
  writeFileSync(file, '');
  expect(() => createJournalListing(file, Date.now).list()).toThrow('ENOTDIR');
});
