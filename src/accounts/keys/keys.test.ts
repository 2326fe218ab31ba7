import { hash } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Tables } from '../../store/index.ts';
import { startAccounts, type TestAccounts } from '../testing/accounts.ts';

let accounts: TestAccounts;
beforeEach(async () => {
  accounts = await startAccounts();
});
afterEach(() => accounts.end());

const email = 'ada@example.com';

/** Rows of keys and users that are read from here on, by statement. */
function readings(): { keys: number[]; users: number[] } {
  const read = { keys: [] as number[], users: [] as number[] };
  const counted = <T extends Pick<Tables, 'keys' | 'users'>>(tables: T): T => ({
    ...tables,
    keys: {
      ...tables.keys,
      async list(filter) {
        const rows = await tables.keys.list(filter);
        read.keys.push(rows.length);
        return rows;
      },
    },
    users: {
      ...tables.users,
      async find(ref) {
        read.users.push(1);
        return tables.users.find(ref);
      },
      async names(ids) {
        const names = await tables.users.names(ids);
        read.users.push(names.size);
        return names;
      },
    },
  });
  const { store } = accounts;
  accounts.store = {
    ...counted(store),
    transaction: (work, warn) => store.transaction((tables) => work(counted(tables)), warn),
  };
  return read;
}

test('making a key reads no other of its user, however many there are', async () => {
  await accounts.run('users.create', { email });
  for (let nth = 0; nth < 20; nth += 1) await accounts.run('keys.create', { user: email, name: `k${nth}` });
  const read = readings();
  await accounts.run('keys.create', { user: email, name: 'another' });
  expect(read.keys).toEqual([0]);
  await expect(accounts.run('keys.create', { user: email, name: 'k7' })).rejects.toMatchObject({
    code: 'conflict',
  });
  expect(read.keys).toEqual([0, 1]);
});

test('keys of many users are shown with one look at all of these', async () => {
  for (let nth = 0; nth < 20; nth += 1) {
    await accounts.run('users.create', { email: `u${nth}@example.com` });
    await accounts.run('keys.create', { user: `u${nth}@example.com` });
  }
  const read = readings();
  const { keys } = await accounts.run('keys.list', {});
  expect(new Set(keys.map(({ user }) => user?.email)).size).toBe(20);
  expect(read.users).toEqual([20]);
});

test('a list after what is no key is empty', async () => {
  await accounts.run('users.create', { email });
  await accounts.run('keys.create', { user: email });
  expect(await accounts.run('keys.list', { after: 'acme' })).toEqual({ keys: [], next: null });
});

test('a rotation that issued.log takes no line of gives its key all the same, and says what is amiss', async () => {
  await accounts.run('users.create', { email });
  const { id } = await accounts.run('keys.create', { user: email, name: 'acme' });
  const log = join(accounts.folder, 'store', 'issued.log');
  rmSync(log, { force: true });
  mkdirSync(log);
  const rotated = await accounts.run('keys.rotate', { key: 'acme', grace: 'none' });
  expect(rotated).toMatchObject({
    key: expect.stringMatching(/^pp_live_/),
    warnings: [expect.stringMatching(/^it is done, but .*issued\.log does not say so/)],
  });
  expect((await accounts.store.keys.get(id))?.sha256).toBe(hash('sha256', rotated.key));
  rmSync(log, { recursive: true });
  expect(await accounts.run('keys.disable', { key: 'acme' })).not.toHaveProperty('warnings');
});
