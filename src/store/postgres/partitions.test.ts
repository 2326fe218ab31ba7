import { afterAll, beforeAll, expect, it } from 'vitest';
import { noKey } from '../../usage/index.ts';
import { openStore } from '../open-store.ts';
import { type PostgresServer, runSql, startPostgres } from '../testing/postgres.ts';
import { noon } from '../testing/subject.ts';
import { batch } from '../testing/usage-samples.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.stop());

const day = 86_400_000;
const forever = {
  minutesMs: Infinity,
  hoursMs: Infinity,
  daysMs: Infinity,
  eventsMs: Infinity,
  eventsMax: Infinity,
};
const log = (at: number) => batch({ raw: [{ keyId: noKey, method: 'm', status: 0, at, count: 1 }] });

it('are made ahead, dropped whole when their day is too old, and not made where none is kept', async () => {
  const url = await server.createDatabase();
  const clock = { now: noon };
  const store = await openStore({ kind: 'postgres', url, now: () => clock.now });
  const other = await openStore({ kind: 'postgres', url, now: () => clock.now });
  const partitions = async () => {
    const rows = await runSql(
      url,
      `select relid::text as name from pg_partition_tree('usage_logs') where isleaf and level = 1 order by 1`,
    );
    return rows.map(({ name }) => (name as string).replace('usage_logs_', ''));
  };
  await store.maintain({ ...forever, rawMs: 0 });
  expect(await partitions()).toEqual([]);
  await store.maintain({ ...forever, rawMs: Infinity });
  expect(await partitions()).toEqual(['20261128', '20261129', '20261130']);

  await Promise.all([store.apply(log(noon - 3 * day)), other.apply(log(noon - 3 * day))]);
  expect(await partitions()).toEqual(['20261125', '20261128', '20261129', '20261130']);
  await store.maintain({ ...forever, rawMs: 2.5 * day });
  // Noon of the 28th less two days and a half: the 25th is over by then.
  expect(await partitions()).toEqual(['20261128', '20261129', '20261130']);
  // It does not know that the day is gone.
  expect(await other.apply(log(noon - 3 * day))).toBe(true);
  expect(await partitions()).toEqual(['20261125', '20261128', '20261129', '20261130']);

  const indexes = await runSql(
    url,
    `select indexdef from pg_indexes where tablename = 'usage_logs_20261125'`,
  );
  expect(indexes).toHaveLength(3);
  await store.close();
  await other.close();
});
