import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrations } from '../migrations/list.ts';
import { openStore } from '../open-store.ts';
import { oldData, oldKeys, oldUse, oldUser } from '../testing/old-data.ts';
import { type PostgresServer, runSql, startPostgres } from '../testing/postgres.ts';
import { noon } from '../testing/subject.ts';
import { batch, row } from '../testing/usage-samples.ts';
import { migratePostgres } from './migrate.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.stop());

const timestamp = (ms: number): string => `timestamptz '${new Date(ms).toISOString()}'`;

describe('migrations of PostgreSQL', () => {
  it.each(oldData)('bring data of version $version along', async ({ version, sql }) => {
    const url = await server.createDatabase();
    await migratePostgres(url, 1, version);
    await runSql(url, sql(timestamp, true));

    const asked = await openStore({ kind: 'postgres', url, migrate: false });
    expect(await asked.migrationStatus()).toMatchObject({
      applied: { length: version },
      pending: migrations.slice(version).map(({ version, name }) => ({ version, name })),
      newer: false,
    });
    await asked.close();

    const store = await openStore({ kind: 'postgres', url });
    expect(await store.users.find('ada@example.com')).toEqual(oldUser);
    for (const [since, key] of Object.entries(oldKeys))
      if (Number(since) <= version) expect(await store.keys.get(key.id)).toEqual(key);
    await store.apply(batch({ rows: [row({ keyId: oldKeys[1].id })] }));
    expect(await store.usage({ userId: oldUser.id, from: noon }, [])).toMatchObject([{ calls: 1 }]);
    if (version >= 5) expect(await store.quotaUse(oldUse.starts)).toEqual(oldUse.uses);
    expect(await store.migrationStatus()).toMatchObject({
      applied: { length: migrations.length },
      pending: [],
    });
    await store.close();
  });

  it('are run once when several instances start at once', async () => {
    const url = await server.createDatabase();
    const done = await Promise.all([1, 2, 3, 4].map((now) => migratePostgres(url, now)));
    const steps = done.map(({ length }) => length);
    expect(steps.toSorted((a, b) => a - b)).toEqual([0, 0, 0, migrations.length]);
  });

  it('of a newer program are refused', async () => {
    const url = await server.createDatabase();
    await migratePostgres(url, 1);
    await runSql(url, `insert into schema_migrations values (${migrations.length + 1}, 'tomorrow', now())`);
    await expect(openStore({ kind: 'postgres', url })).rejects.toMatchObject({
      code: 'schema',
      message: expect.stringContaining(`version ${migrations.length + 1}`),
    });
    const asked = await openStore({ kind: 'postgres', url, migrate: false });
    expect(await asked.migrationStatus()).toMatchObject({ newer: true, pending: [] });
    await asked.close();
  });

  it('that fail change nothing', async () => {
    const url = await server.createDatabase();
    await runSql(url, 'create table plans (mine integer)');
    await expect(migratePostgres(url, 1)).rejects.toThrow(/plans/);
    const tables = await runSql(url, `select tablename from pg_tables where schemaname = 'public'`);
    expect(tables).toEqual([{ tablename: 'plans' }]);
    const store = await openStore({ kind: 'postgres', url, migrate: false });
    await expect(store.users.list({ limit: 1 })).rejects.toMatchObject({ code: 'schema' });
    await store.close();
  });
});

describe("the roadmap's tables", () => {
  it('have their columns, keys and indexes', async () => {
    const url = await server.createDatabase();
    await migratePostgres(url, 1);
    const columns = await runSql(
      url,
      `select c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) as line
       from pg_attribute a join pg_class c on c.oid = a.attrelid
       where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped`,
    );
    expect(columns.map(({ line }) => line)).toEqual(
      expect.arrayContaining([
        ...['users.id uuid', 'users.email character varying(255)', 'users.tier character varying(50)'],
        ...['users.created_at timestamp with time zone', 'users.updated_at timestamp with time zone'],
        ...['api_keys.id uuid', 'api_keys.user_id uuid', 'api_keys.key_hash character varying(64)'],
        ...['api_keys.key_prefix character varying(8)', 'api_keys.enabled boolean'],
        ...['api_keys.created_at timestamp with time zone', 'api_keys.last_used_at timestamp with time zone'],
        ...['rate_limit_overrides.api_key_id uuid', 'rate_limit_overrides.requests bigint'],
        ...['rate_limit_overrides.period bigint', 'rate_limit_overrides.burst_size bigint'],
        ...['usage_logs.id bigint', 'usage_logs.api_key_id uuid', 'usage_logs.method character varying(50)'],
        ...['usage_logs.status character varying(8)', 'usage_logs.timestamp timestamp with time zone'],
        ...['billing_events.id bigint', 'billing_events.event_type character varying(50)'],
        ...['billing_events.metadata jsonb', 'billing_events.timestamp timestamp with time zone'],
      ]),
    );
    const indexes = await runSql(
      url,
      `select regexp_replace(indexdef, '^.* ON (ONLY )?public.', '') as line from pg_indexes where schemaname = 'public'`,
    );
    expect(indexes.map(({ line }) => line)).toEqual(
      expect.arrayContaining([
        ...[
          'rate_limit_overrides USING btree (api_key_id, method)',
          'usage_logs USING btree (id, "timestamp")',
        ],
        ...['usage_logs USING btree ("timestamp")', 'usage_logs USING btree (api_key_id)'],
        ...['billing_events USING btree ("timestamp")', 'billing_events USING btree (api_key_id)'],
      ]),
    );
  });

  it('take a user with a tier by themselves, and count raw usage by themselves', async () => {
    const url = await server.createDatabase();
    await migratePostgres(url, 1);
    const [user] = await runSql(
      url,
      `insert into users (id, email, name) values (gen_random_uuid(), 'a@b.c', 'A') returning tier, created_at = now() as now`,
    );
    expect(user).toEqual({ tier: 'free', now: true });
  });

  it('cannot be emptied of invoices either', async () => {
    const url = await server.createDatabase();
    await migratePostgres(url, 1);
    await expect(runSql(url, 'truncate invoices')).rejects.toThrow(/cannot be changed/);
  });
});
