import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockStateFolder, openStore } from '../open-store.ts';
import type { StoreError } from '../store-error.ts';
import { key, user } from '../testing/subject.ts';
import { batch, row } from '../testing/usage-samples.ts';
import { openDatabase } from './database.ts';
import { fromSqlite } from './errors.ts';
import { readOwner } from './folder-lock.ts';

let home: string;
let folder: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'polymorph-folder-'));
  folder = join(home, 'deep', 'store');
});
afterEach(() => rmSync(home, { recursive: true }));

const open = () => openStore({ kind: 'sqlite', folder });

/** A process of its own that opens the folder, says so and holds it; to be killed. */
async function holder() {
  const source = `
    import { lockStateFolder, openStore } from ${JSON.stringify(new URL('../open-store.ts', import.meta.url).href)};
    const folder = ${JSON.stringify(folder)};
    (await lockStateFolder(folder, Date.now)).publishAdmin({ url: 'http://127.0.0.1:9540', token: 'canary-of-the-owner' });
    const store = await openStore({ kind: 'sqlite', folder, owner: 'held' });
    await store.users.insert(${JSON.stringify(user({ email: 'held@example.com' }))});
    process.stdout.write('held');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

describe('the folder of a store', () => {
  it('is for our eyes only', async () => {
    const store = await open();
    await store.users.insert(user());
    const mode = (name: string) => (statSync(join(folder, name)).mode & 0o777).toString(8);
    expect(
      ['.', 'polymorph.db', 'polymorph.db-wal', 'polymorph.db-shm', 'lock.db', 'owner.json'].map(mode),
    ).toEqual([...['700', '600', '600', '600', '600', '600']]);
    await store.close();
  });

  it('has a database that syncs each commit, holds foreign keys and keeps a WAL', async () => {
    await (await open()).close();
    const database = openDatabase(folder);
    const pragma = (name: string) => database.pragma(name, { simple: true });
    expect(['journal_mode', 'synchronous', 'foreign_keys'].map(pragma)).toEqual(['wal', 2, 1]);
    database.close();
  });

  it('is held once in a process, also after an attempt', async () => {
    const store = await open();
    for (let attempt = 0; attempt < 2; attempt++)
      await expect(open()).rejects.toMatchObject({ code: 'locked', owner: { pid: process.pid } });
    await store.close();
    const held = await lockStateFolder(folder, () => 0);
    held.publishAdmin({ url: 'http://127.0.0.1:1', token: 'canary-of-the-owner' });
    expect(statSync(join(folder, 'owner.json')).mode & 0o777).toBe(0o600);
    const error = await open().catch((error: unknown) => error as StoreError);
    expect(error).toMatchObject({ message: expect.stringContaining('http://127.0.0.1:1') });
    expect(error).toMatchObject({ owner: { admin: { token: 'canary-of-the-owner' } } });
    expect(inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error)).not.toContain('canary');
    held.release();
    expect(readOwner(folder)).toBeNull();
    await (await open()).close();
  });

  it('that a process holds for its life stays its own while stores come and go in it', async () => {
    const held = await lockStateFolder(folder, () => 0);
    for (let round = 0; round < 2; round++) {
      const store = await openStore({ kind: 'sqlite', folder, owner: 'held' });
      await store.users.insert(user({ email: `${round}@example.com` }));
      await expect(open()).rejects.toMatchObject({ code: 'locked' });
      await store.close();
      await expect(open()).rejects.toMatchObject({ code: 'locked', owner: { role: 'gateway' } });
    }
    held.release();
    await (await open()).close();
  });

  it('is refused to a second process, which is told by whom, and free once the first is killed', async () => {
    const child = await holder();
    const refused = open();
    await expect(refused).rejects.toMatchObject({
      code: 'locked',
      owner: {
        pid: child.pid,
        started: expect.any(Number),
        role: 'gateway',
        admin: { url: 'http://127.0.0.1:9540' },
      },
      message: expect.stringContaining(`process ${child.pid}`),
    });
    child.kill('SIGKILL');
    await once(child, 'exit');
    const store = await open();
    expect(readOwner(folder)).toMatchObject({ pid: process.pid, role: 'command', admin: null });
    expect(await store.users.find('held@example.com')).not.toBeNull();
    await store.close();
  });

  it('is no folder where a file is', async () => {
    writeFileSync(join(home, 'deep'), '');
    await expect(open()).rejects.toMatchObject({ name: 'StoreError', code: 'unavailable' });
  });

  it('is not taken where its database is no database', async () => {
    await (await open()).close();
    writeFileSync(join(folder, 'polymorph.db'), 'x'.repeat(8192));
    await expect(open()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('damaged'),
    });
    await expect(open(), 'and the lock is let go').rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('a back-up', () => {
  it('is whole while others write, and overwrites nothing', async () => {
    const store = await open();
    const keys = Array.from({ length: 3000 }, () => key({ name: 'x'.repeat(200) }));
    await store.transaction(async (tables) => {
      for (const each of keys) await tables.keys.insert(each);
    });
    const file = join(home, 'backup.db');
    let written = 0;
    const backup = store.backup(file);
    for (let over = false; !over; written++) {
      // In one transaction with its offset: the copy must have both or neither.
      await store.apply(batch({ segment: `s${written}`, rows: [row({ keyId: keys[0]!.id })] }));
      over = await Promise.race([
        backup.then(() => true),
        new Promise<false>((go) => setImmediate(go, false)),
      ]);
    }
    expect(written, 'it went on in pieces').toBeGreaterThan(3);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(existsSync(`${file}.partial`)).toBe(false);
    await expect(store.backup(file)).rejects.toMatchObject({ code: 'conflict' });
    await store.close();

    // Restored as the docs say: the file in the place of an empty folder's database.
    folder = join(home, 'restored');
    await (await open()).close();
    rmSync(join(folder, 'polymorph.db'));
    const copy = new Database(file, { readonly: true });
    expect(copy.pragma('integrity_check', { simple: true })).toBe('ok');
    copy.close();
    copyFileSync(file, join(folder, 'polymorph.db'));
    const restored = await open();
    expect(await restored.keys.get(keys[2999]!.id)).toEqual(keys[2999]);
    const calls = (await restored.usage({}, []))[0]?.calls ?? 0;
    const segments = await restored.segments(Array.from({ length: written }, (_, at) => `s${at}`));
    expect(calls).toBe(segments.size);
    expect(calls).toBeLessThan(written);
    // What it lacks comes again from the journals, and what it has does not.
    for (let at = 0; at < written; at++)
      await restored.apply(batch({ segment: `s${at}`, rows: [row({ keyId: keys[0]!.id })] }));
    expect(await restored.usage({}, [])).toMatchObject([{ calls: written }]);
    await restored.close();
  });

  it('does not take a name that somebody else has taken while it was written', async () => {
    const store = await open();
    const file = join(home, 'taken.db');
    const backup = store.backup(file);
    writeFileSync(file, 'theirs');
    await expect(backup).rejects.toMatchObject({ code: 'conflict' });
    expect(readFileSync(file, 'utf8')).toBe('theirs');
    expect(existsSync(`${file}.partial`)).toBe(false);
    await store.close();
  });

  it('that cannot be written leaves nothing', async () => {
    const store = await open();
    await expect(store.backup(join(home, 'no', 'folder.db'))).rejects.toMatchObject({ code: 'unavailable' });
    writeFileSync(join(home, 'b.db.partial'), '');
    await expect(store.backup(join(home, 'b.db'))).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('.partial'),
    });
    await store.close();
  });
});

describe('errors of SQLite', () => {
  const errorOf = (work: () => unknown): unknown => {
    try {
      return work();
    } catch (error) {
      return fromSqlite(error);
    }
  };

  it('are StoreErrors: full, read-only, busy', () => {
    const file = join(home, 'x.db');
    const database = new Database(file, { timeout: 0 });
    database.exec('create table t (x)');
    database.pragma('max_page_count = 3');
    const fill = () => database.exec('insert into t values (zeroblob(100000))');
    expect(errorOf(fill)).toMatchObject({ code: 'unavailable', message: expect.stringContaining('full') });

    const reader = new Database(file, { readonly: true });
    const change = () => reader.exec('delete from t');
    expect(errorOf(change)).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('read-only'),
    });
    reader.close();

    const other = new Database(file, { timeout: 0 });
    database.exec('begin immediate');
    const wait = () => other.exec('begin immediate');
    expect(errorOf(wait)).toMatchObject({ code: 'unavailable', message: expect.stringContaining('lock') });
    other.close();
    database.close();
  });

  it('leave other errors alone', () => {
    const bug = new TypeError('a bug');
    expect(fromSqlite(bug)).toBe(bug);
  });
});
