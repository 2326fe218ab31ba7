import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrations } from '../migrations/list.ts';
import { openStore } from '../open-store.ts';
import { oldData, oldKeys, oldTerms, oldUse, oldUser } from '../testing/old-data.ts';
import { noon } from '../testing/subject.ts';
import { batch, row } from '../testing/usage-samples.ts';
import { openDatabase } from './database.ts';
import { migrateSqlite } from './migrate.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'polymorph-migrate-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('migrations of SQLite', () => {
  it('are numbered without a gap', () => {
    expect(migrations.map(({ version }) => version)).toEqual(migrations.map((_, at) => at + 1));
    expect(oldData.map(({ version }) => version)).toEqual(
      migrations.slice(0, -1).map(({ version }) => version),
    );
  });

  it.each(oldData)('bring data of version $version along', async ({ version, sql }) => {
    const database = openDatabase(folder);
    migrateSqlite(database, 1, version);
    database.exec(sql(String, false));
    database.close();

    const asked = await openStore({ kind: 'sqlite', folder, migrate: false });
    const status = await asked.migrationStatus();
    await asked.close();
    expect(status).toMatchObject({
      applied: { length: version },
      pending: migrations.slice(version).map(({ version, name }) => ({ version, name })),
      newer: false,
    });

    const store = await openStore({ kind: 'sqlite', folder });
    expect(await store.users.find('ada@example.com')).toEqual(oldUser);
    for (const [since, key] of Object.entries(oldKeys))
      if (Number(since) <= version) expect(await store.keys.get(key.id)).toEqual(key);
    expect(await store.users.tierBefore(oldUser.id, 0)).toBe('gold');
    if (version > 1) expect(await store.plans.termsBefore('gold', 0)).toEqual(oldTerms);
    await store.apply(batch({ rows: [row({ keyId: oldKeys[1].id })] }));
    expect(await store.usage({ userId: oldUser.id, from: noon }, [])).toMatchObject([{ calls: 1 }]);
    if (version >= 5) expect(await store.quotaUse(oldUse.starts)).toEqual(oldUse.uses);
    expect(await store.migrationStatus()).toMatchObject({
      applied: { length: migrations.length },
      pending: [],
    });
    expect(await store.migrate(), 'nothing is left').toEqual([]);
    await store.close();
  });

  it('of a newer program are refused, and told of', async () => {
    const database = openDatabase(folder);
    migrateSqlite(database, 1);
    database.exec(`insert into schema_migrations values (${migrations.length + 1}, 'tomorrow', 5)`);
    database.close();
    await expect(openStore({ kind: 'sqlite', folder })).rejects.toMatchObject({
      name: 'StoreError',
      code: 'schema',
      message: expect.stringContaining(`version ${migrations.length + 1}`),
    });
    const asked = await openStore({ kind: 'sqlite', folder, migrate: false });
    expect(await asked.migrationStatus()).toMatchObject({ newer: true, pending: [] });
    await asked.close();
  });

  it('that fail change nothing', async () => {
    const database = openDatabase(folder);
    database.exec('create table plans (mine integer)');
    expect(() => migrateSqlite(database, 1)).toThrow(/plans/);
    const tables = database.prepare('select name from sqlite_master').pluck().all();
    expect(tables).toEqual(['plans']);
    database.close();
  });

  it('are asked for where there are none', async () => {
    const store = await openStore({ kind: 'sqlite', folder, migrate: false });
    expect(await store.migrationStatus()).toMatchObject({
      applied: [],
      pending: { length: migrations.length },
    });
    await expect(store.plans.list()).rejects.toMatchObject({ code: 'schema' });
    await store.close();
  });
});
