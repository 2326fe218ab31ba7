import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SqliteConnection from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openStore } from '../open-store.ts';
import type { Store } from '../store.ts';
import { noon } from '../testing/subject.ts';
import { batch, row } from '../testing/usage-samples.ts';
import { databaseName } from './database.ts';

let folder = '';
let store: Store;
const filled = 60_000;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'polymorph-reader-'));
  store = await openStore({ kind: 'sqlite', folder });
  const database = new SqliteConnection(join(folder, databaseName));
  const zeros = Array.from({ length: 24 }, () => '0').join(', ');
  database.exec(`
    with recursive n(n) as (select 0 union all select n + 1 from n where n < ${filled - 1})
    insert into usage_minutes
    select ${noon} + 60000 * (n / 6000), printf('00000000-0000-4000-8000-%012d', n % 600), 'mainnet',
      'method' || (n / 600 % 10), 'allowed', 'call', 1, 1, 0, 1, 1, 1, ${zeros} from n`);
  database.close();
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

const range = { from: noon, to: noon + 10 * 60_000 };

it('sums up a great many rows beside what the store does meanwhile', async () => {
  const order: string[] = [];
  const read = store.usage(range, ['minute', 'key', 'method'], 20_001).then((lines) => {
    order.push('read');
    return lines;
  });
  const applied = store
    .apply(batch({ rows: [row({ minute: noon - 60_000 })] }))
    .then(() => order.push('applied'));
  const changed = store.transaction(async ({ plans }) => plans.list()).then(() => order.push('changed'));
  expect(await read).toHaveLength(20_001);
  await Promise.all([applied, changed]);
  expect(order).toEqual(['applied', 'changed', 'read']);
  expect(await store.usage(range, []), 'the whole of it').toMatchObject([{ calls: filled }]);
});

it('sees all that was applied before it was asked', async () => {
  for (let nth = 1; nth <= 20; nth++) {
    await store.apply(batch({ rows: [row({ minute: noon - 60_000 })] }));
    expect(await store.usage({ to: noon }, [])).toMatchObject([{ calls: nth }]);
  }
});

it('is told why where the file cannot be read, and that it was closed', async () => {
  const database = new SqliteConnection(join(folder, databaseName));
  database.exec('alter table usage_minutes rename to away');
  await expect(store.usage(range, ['minute'])).rejects.toMatchObject({ name: 'StoreError', code: 'schema' });
  database.exec('alter table away rename to usage_minutes');
  database.close();
  expect(await store.usage(range, [])).toMatchObject([{ calls: filled }]);
  const open = store.usage(range, ['minute', 'key', 'method']);
  const [refused] = await Promise.allSettled([open, store.close()]);
  expect(refused).toMatchObject({ status: 'rejected', reason: { name: 'StoreError', code: 'unavailable' } });
  await expect(store.usage(range, [])).rejects.toMatchObject({ code: 'unavailable' });
});
