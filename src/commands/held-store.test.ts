import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runOperation } from '../accounts/index.ts';
import { startAdminServer } from '../admin/index.ts';
import { hashKey } from '../identity/index.ts';
import { lockStateFolder, openStore, type StateFolder, type Store } from '../store/index.ts';
import { runCommand, runWell } from './testing/run-command.ts';
import { noStats } from '../admin/testing/no-stats.ts';

let cwd = '';
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'polymorph-held-store-'));
  writeFileSync(join(cwd, 'polymorph.yaml'), 'upstreams:\n  - url: http://127.0.0.1:8545\n');
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const run = (...args: string[]) => runCommand(cwd, args);
const ok = (...args: string[]) => runWell(cwd, args);

test('migrate says what was done, and backup writes a copy that opens', async () => {
  expect(await ok('migrate', '--dry-run')).toMatch(/^Would run:\n {2}1 {2}/);
  expect(await ok('migrate', '--status')).toMatch(/ 1 +\S+ +pending\n/);
  expect(await ok('migrate')).toMatch(/^Ran:\n {2}1 {2}/);
  expect(await ok('migrate')).toBe('The schema is up to date.\n');
  await ok('users', 'create', 'ada@example.com');
  expect(await ok('backup', 'copy.db')).toBe(`Wrote ${join(cwd, 'copy.db')}\n`);
  expect(await run('backup', 'copy.db')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/is there already/) as string,
  });
  await ok('users', 'delete', 'ada@example.com');
  for (const file of readdirSync(join(cwd, '.polymorph')))
    if (file.startsWith('polymorph.db')) rmSync(join(cwd, '.polymorph', file));
  writeFileSync(join(cwd, '.polymorph', 'polymorph.db'), readFileSync(join(cwd, 'copy.db')));
  expect(await ok('users', 'list')).toContain('ada@example.com');
});

test('a command after a restore says what it kept from being taken back', async () => {
  await ok('users', 'create', 'ada@example.com');
  await run('keys', 'create', '--user', 'ada@example.com', '--name', 'acme');
  await ok('backup', 'copy.db');
  await ok('keys', 'delete', 'acme');
  for (const file of readdirSync(join(cwd, '.polymorph')))
    if (file.startsWith('polymorph.db')) rmSync(join(cwd, '.polymorph', file));
  writeFileSync(join(cwd, '.polymorph', 'polymorph.db'), readFileSync(join(cwd, 'copy.db')));
  const { stdout, stderr, code } = await run('keys', 'list');
  expect({ code, stderr }).toEqual({
    ...{
      code: 0,
      stderr: expect.stringMatching(/^Note: keys had ended that this store still took.*\.\n$/) as string,
    },
  });
  expect(stdout).toMatch(/acme .*disabled/);
  expect(await ok('keys', 'list')).toBe(stdout);
});

test('commands at once take turns, also where one that died has left its name', async () => {
  await ok('users', 'list');
  const ended = spawnSync(process.execPath, ['--version']).pid;
  const owner = { pid: ended, started: 0, admin: { url: 'http://127.0.0.1:1', token: 'x' } };
  writeFileSync(join(cwd, '.polymorph', 'owner.json'), JSON.stringify(owner));
  const names = Array.from({ length: 8 }, (_, index) => `user${index}@example.com`);
  await Promise.all(names.map((email) => ok('users', 'create', email)));
  expect((await ok('users', 'list')).match(/user\d@example\.com/g)).toEqual(names);
});

describe('a folder that a running gateway holds', () => {
  let store: Store;
  let held: StateFolder;
  let url: string;
  let stop: () => Promise<void>;
  beforeEach(async () => {
    held = await lockStateFolder(join(cwd, '.polymorph'), Date.now);
    store = await openStore({ kind: 'sqlite', folder: join(cwd, '.polymorph'), owner: 'held' });
    const retention = () => ({ minutesMs: Infinity, hoursMs: Infinity, daysMs: Infinity });
    const context = {
      ...{
        store,
        now: Date.now,
        random: randomBytes,
        groups: () => ['logs'],
        sinks: () => [],
        journals: null,
      },
      retention,
    };
    const admin = await startAdminServer({
      ...{ host: '127.0.0.1', port: 0, allowedHosts: [], onError: () => undefined },
      token: { sha256: Buffer.from(hashKey('a-token-of-the-admin')).toString('hex') },
      ownerToken: { sha256: Buffer.from(hashKey('a-token-of-the-owner')).toString('hex') },
      ports: {
        ...noStats,
        ...{ instanceId: 'i', readiness: () => ({ status: 'ready' as const, checks: [] }) },
        sockets: () => ({ total: 0, sockets: [], feeds: [] }),
        operations: { run: (name, input) => runOperation(context, name, input) },
        explain: {
          byRequestId: () => Promise.reject(new Error()),
          dryRun: () => Promise.reject(new Error()),
        },
      },
    });
    url = `http://127.0.0.1:${admin.address.port}`;
    held.publishAdmin({ url, token: 'a-token-of-the-owner' });
    stop = async () => {
      await admin.close(0);
      await store.close();
      held.release();
    };
  });
  afterEach(() => stop());

  test('is asked by its admin listener, with the token', async () => {
    const token = ['--token', 'a-token-of-the-admin'];
    expect(await ok('users', 'create', 'ada@example.com', ...token)).toMatch(/^Made user/);
    expect((await store.users.find('ada@example.com'))?.name).toBe('ada');
    expect(await run('users', 'show', 'adda@example.com', ...token)).toMatchObject({
      ...{ code: 1, stderr: 'There is no user adda@example.com (did you mean ada@example.com?)\n' },
    });
    expect(await run('users', 'create', 'ada', ...token)).toMatchObject({ code: 2 });
    for (const args of [
      ['--token', 'another-token'],
      ['--admin', url],
    ])
      expect(await run('users', 'list', ...args)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('--token TOKEN') as string,
      });
    expect(await ok('migrate', ...token)).toBe('The schema is up to date.\n');
    await ok('backup', 'copy.db', ...token);
    expect(existsSync(join(cwd, 'copy.db'))).toBe(true);
    const admin = ['--admin', url, ...token];
    expect(await run('backup', 'other.db', ...admin)).toMatchObject({
      ...{ code: 2, stderr: expect.stringMatching(/on its own machine: give an absolute path/) as string },
    });
    expect(existsSync(join(cwd, 'other.db'))).toBe(false);
    const file = join(cwd, 'other.db');
    expect(await ok('backup', file, ...admin)).toBe(
      `Wrote ${file} on the machine of the gateway at ${url}\n`,
    );
    expect(existsSync(file)).toBe(true);
  });

  test('is asked with the token that stands beside the store, where none is given', async () => {
    await ok('users', 'create', 'ada@example.com');
    expect(await store.users.find('ada@example.com')).not.toBeNull();
  });

  test('a folder that a command holds for long is to be asked for again', async () => {
    await stop();
    const command = await openStore({ kind: 'sqlite', folder: join(cwd, '.polymorph') });
    stop = () => command.close();
    expect(await run('users', 'list')).toMatchObject({
      ...{
        code: 1,
        stderr: expect.stringMatching(/by a command, process \d+.*ask again once it is done/) as string,
      },
    });
  });

  test('without an admin listener it says who holds it', async () => {
    held.publishAdmin(null);
    expect(await run('users', 'list')).toMatchObject({
      ...{
        code: 1,
        stderr: expect.stringMatching(/is held by process \d+.*no admin listener to ask/) as string,
      },
    });
  });
});
