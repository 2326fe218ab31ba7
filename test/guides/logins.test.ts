import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callText, send } from '../../src/gateway/testing/client.ts';
import { type PostgresServer, runSql, startPostgres } from '../../src/store/testing/postgres.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { type Program, startProgram } from '../program.ts';
import { eventually } from '../store/gateway.ts';
import { readPage, replaced } from './page.ts';

/** The logins of docs/security.md, on a real PostgreSQL: what they may do is enough, and not more. */

const [owner = '', reports = ''] = readPage('security.md').blocks('Logins with the least rights', 'text');
const statements = (text: string): string[] =>
  replaced(text, { SECRET: 'secret' })
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');

let postgres: PostgresServer;
let node: FakeUpstream;
let program: Program;
const urlOf = (login: string, database = 'polymorph'): string =>
  `postgres://${login}:secret@127.0.0.1:${postgres.port}/${database}`;

beforeAll(async () => {
  [postgres, node] = await Promise.all([startPostgres(), startFakeUpstream()]);
  for (const statement of statements(owner)) await runSql(urlOf('postgres', 'postgres'), statement);
  program = await startProgram({
    config: {
      upstreams: [{ url: node.url }],
      store: urlOf('polymorph'),
      usage: { raw_logs: 'all' },
      health: { interval: 0 },
    },
  });
});
afterAll(async () => {
  await program?.kill();
  await node?.close();
  await postgres?.stop();
});

describe('docs/security.md', () => {
  test('the gateway’s login makes its tables and their partitions, and writes usage', async () => {
    for (let count = 0; count < 5; count++)
      expect((await send(program.port, { body: callText('eth_chainId') })).status).toBe(200);
    const written = async (): Promise<boolean> => {
      const [row] = await runSql(urlOf('polymorph'), 'select count(*)::int as calls from usage_logs');
      return row?.['calls'] === 5;
    };
    await eventually(written, 20_000);
    expect(await (await fetch(`${program.adminUrl}/readyz`)).json()).toMatchObject({ status: 'ready' });
  });

  test('it is nobody else, and others may not even connect to its database', async () => {
    const [role] = await runSql(urlOf('polymorph'), "select * from pg_roles where rolname = 'polymorph'");
    expect(role).toMatchObject({
      rolsuper: false,
      rolcreatedb: false,
      rolcreaterole: false,
      rolreplication: false,
    });
    await runSql(urlOf('postgres', 'postgres'), 'create role stranger login');
    await expect(runSql(urlOf('stranger'), 'select 1')).rejects.toThrow('permission denied for database');
  });

  test('the login for reports reads usage and invoices, no keys, and writes nothing', async () => {
    for (const statement of statements(reports)) await runSql(urlOf('postgres'), statement);
    const ask = (text: string) => runSql(urlOf('polymorph_reports'), text);
    for (const table of ['usage_minutes', 'usage_hours', 'usage_days', 'invoices'])
      expect(await ask(`select count(*) from ${table}`)).toHaveLength(1);
    for (const text of [
      'select * from api_keys',
      'select * from users',
      'delete from invoices',
      'create table mine ()',
    ])
      await expect(ask(text), text).rejects.toThrow('permission denied');
  });
});
