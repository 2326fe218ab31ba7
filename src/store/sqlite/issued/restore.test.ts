import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStore } from '../../open-store.ts';
import type { Store } from '../../store.ts';
import { key, noon, user } from '../../testing/subject.ts';

let home = '';
let now = noon;
let news: string[] = [];
let store: Store;
const folder = () => join(home, 'store');

async function open(): Promise<void> {
  news = [];
  store = await openStore({
    ...{ kind: 'sqlite', folder: folder(), now: () => now },
    onNews: (message) => void news.push(message),
  });
}

async function restore(): Promise<void> {
  await store.close();
  for (const suffix of ['', '-wal', '-shm']) rmSync(join(folder(), `polymorph.db${suffix}`), { force: true });
  copyFileSync(join(home, 'copy.db'), join(folder(), 'polymorph.db'));
  await open();
}

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'polymorph-restore-'));
  now = noon;
  await open();
});
afterEach(async () => {
  await store.close();
  rmSync(home, { recursive: true });
});

const hour = 3_600_000;
const issue = (userId: string, month: string) =>
  store.invoices.issue({ userId, month, currency: 'EUR', total: 1n, document: {}, issuedAt: now });
const end = (id: string, change: Parameters<Store['keys']['update']>[1]) =>
  store.transaction((tables) => tables.keys.update(id, change));
const isTaken = async (id: string) => (await store.policyKey(id))?.enabled === true;

test('after a restore, numbers of invoices go on after the last one, which is said once', async () => {
  const { id } = user();
  await issue(id, '2026-08');
  await store.backup(join(home, 'copy.db'));
  await store.transaction((tables) =>
    tables.invoices.issue({
      ...{ userId: id, month: '2026-09', currency: 'EUR', total: 1n, document: {}, issuedAt: now },
    }),
  );
  await issue(id, '2026-10');
  await restore();
  expect(news).toEqual([
    expect.stringMatching(
      `2026-000002 \\(2026-09, user ${id}\\), 2026-000003 \\(2026-10.*numbers go on after them$`,
    ),
  ]);
  expect((await issue(id, '2026-09')).number).toBe('2026-000004');
  await store.close();
  await open();
  expect(news).toEqual([]);
});

test('a transaction that was undone leaves no number out', async () => {
  const { id } = user();
  const undone = store.transaction(async (tables) => {
    await tables.invoices.issue({
      userId: id,
      month: '2026-08',
      currency: 'EUR',
      total: 1n,
      document: {},
      issuedAt: now,
    });
    throw new Error('undone');
  });
  await expect(undone).rejects.toThrow('undone');
  await store.close();
  await open();
  expect((await issue(id, '2026-08')).number).toBe('2026-000001');
});

test('after a restore, keys that were disabled, deleted or rotated away are not taken again', async () => {
  const keys = Array.from({ length: 9 }, () => key());
  for (const each of keys) await store.keys.insert(each);
  const [deleted, disabled, rotated, inGrace, graceEnded, enabled, shortened, untouched, again] = keys.map(
    ({ id }) => id,
  ) as [...[string, string, string, string, string, string, string, string, string]];
  await end(graceEnded, {
    sha256: 'a'.repeat(64),
    previousSha256: keys[4]!.sha256,
    previousUntil: now + 24 * hour,
  });
  await end(again, { enabled: false });
  await store.backup(join(home, 'copy.db'));

  await end(deleted, { enabled: false, deletedAt: now });
  await end(disabled, { enabled: false });
  await end(rotated, { sha256: 'b'.repeat(64), previousSha256: null, previousUntil: null });
  await end(inGrace, {
    sha256: 'c'.repeat(64),
    previousSha256: keys[3]!.sha256,
    previousUntil: now + 2 * hour,
  });
  await end(graceEnded, {
    sha256: 'd'.repeat(64),
    previousSha256: 'a'.repeat(64),
    previousUntil: now + hour,
  });
  await end(enabled, { enabled: false });
  await end(enabled, { enabled: true });
  await end(shortened, { expiresAt: now + hour });
  await end(again, { enabled: true });
  now += 60_000;
  await restore();

  expect(await Promise.all([deleted, disabled, rotated, again].map(isTaken))).toEqual([
    false,
    false,
    false,
    false,
  ]);
  expect(await Promise.all([inGrace, graceEnded, enabled, shortened, untouched].map(isTaken))).toEqual([
    ...[true, true, true, true, true],
  ]);
  expect(await store.policyKey(inGrace)).toMatchObject({ expiresAt: noon + 2 * hour });
  expect(await store.policyKey(shortened)).toMatchObject({ expiresAt: noon + hour });
  expect(await store.policyKey(graceEnded)).toMatchObject({ expiresAt: noon + hour, previousUntil: noon });
  expect(await store.policyKey(untouched)).toMatchObject({ expiresAt: null });
  expect(news).toEqual([expect.stringMatching(/^keys had ended that this store still took/)]);
  for (const index of [0, 1, 2, 3, 4, 6]) expect(news[0]).toContain(keys[index]!.prefix);
  expect(news[0]).not.toContain(keys[7]!.prefix);

  // Who enables one again means it, also for the next start.
  await end(disabled, { enabled: true });
  await store.close();
  await open();
  expect(news).toEqual([]);
  expect(await isTaken(disabled)).toBe(true);
});

test('issued.log is for our eyes only, and one that was lost or cut short is made whole at the next start', async () => {
  const [lost, kept] = [key(), key()];
  for (const each of [lost, kept]) await store.keys.insert(each);
  await store.backup(join(home, 'copy.db'));
  await end(lost.id, { enabled: false });
  const file = join(folder(), 'issued.log');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, 'utf8')).toBe(`\n{"key":"${lost.sha256}","until":${noon}}\n`);

  await store.close();
  rmSync(file);
  await open();
  appendFileSync(file, '{"key":"c');
  await end(kept.id, { enabled: false });
  await restore();
  expect(news[0]).toBe('1 lines of issued.log cannot be read');
  expect(await Promise.all([lost.id, kept.id].map(isTaken))).toEqual([false, false]);
});

test('where issued.log cannot be written it is said, and the next line brings what is missing', async () => {
  const [first, second] = [key(), key()];
  for (const each of [first, second]) await store.keys.insert(each);
  await store.backup(join(home, 'copy.db'));
  const file = join(folder(), 'issued.log');
  mkdirSync(file);
  const said = expect.stringMatching(/^it is done, but .*issued\.log does not say so/) as string;
  await end(first.id, { enabled: false });
  expect(news).toEqual([said]);
  const warnings: string[] = [];
  const change = (tables: Pick<Store, 'keys'>) => tables.keys.update(first.id, { enabled: true });
  await store.transaction(change, (message) => void warnings.push(message));
  await store.keys.update(first.id, { enabled: false });
  expect([warnings, news]).toEqual([[said], [said, said]]);
  expect(await isTaken(first.id)).toBe(false);
  rmSync(file, { recursive: true });
  await end(second.id, { enabled: false });
  await restore();
  expect(await Promise.all([first.id, second.id].map(isTaken))).toEqual([false, false]);
});

test('the millionth invoice of a year is missed in issued.log as the others are', async () => {
  await issue(user().id, '2026-08');
  await store.close();
  const database = new Database(join(folder(), 'polymorph.db'));
  database.exec('update invoice_numbers set last = 999998');
  database.close();
  await open();
  const numbers = [];
  for (const month of ['2026-08', '2026-09', '2026-10']) numbers.push((await issue(user().id, month)).number);
  expect(numbers).toEqual(['2026-999999', '2026-1000000', '2026-1000001']);
  const file = join(folder(), 'issued.log');
  const lines = () =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  const whole = lines();
  // Killed between the commits of the last two and their lines.
  await store.close();
  writeFileSync(file, `${whole.slice(0, -2).join('\n')}\n`);
  await open();
  expect(lines()).toEqual(whole);
});
