import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../../src/store/index.ts';
import { type PostgresServer, runSql, startPostgres } from '../../src/store/testing/postgres.ts';
import { batch, row } from '../../src/store/testing/usage-samples.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { eventually, type StoreGateway, startStoreGateway } from './gateway.ts';
import { startLink } from './link.ts';
import { startStoreLoad } from './load.ts';

/** From the store's return until all is as before. */
const BACK_MS = 10_000;
const configKey = 'away-key-of-twenty-two-characters';

let node: FakeUpstream;
let postgres: PostgresServer;
const folders: string[] = [];
const gateways: StoreGateway[] = [];

beforeAll(async () => {
  node = await startFakeUpstream();
  postgres = await startPostgres();
});
afterEach(async () => {
  for (const { program } of gateways.splice(0)) await program.kill();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
  // Whatever a test left it in, stopped or frozen; each has a database of its own.
  await postgres.halt('crash');
  await postgres.start();
});
afterAll(async () => {
  await postgres.stop();
  await node.close();
});

async function start(store: string): Promise<StoreGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'polymorph-away-'));
  folders.push(folder);
  const config = { keys: [{ name: 'acme', key: configKey }] };
  const gateway = await startStoreGateway({ node: node.url, folder, store, config });
  gateways.push(gateway);
  return gateway;
}

/** A way of the database to be away; resolves with how it comes back. */
type Trouble = (url: string) => Promise<() => Promise<void>>;

const troubles: [string, Trouble][] = [
  ['stopped', async () => (await postgres.halt('fast'), postgres.start)],
  ['killed', async () => (await postgres.halt('crash'), postgres.start)],
  ['frozen (SIGSTOP)', async () => (postgres.freeze(), async () => postgres.thaw())],
  [
    'read-only',
    async (url) => {
      const database = new URL(url).pathname.slice(1);
      const set = (value: string) =>
        runSql(url, `alter database ${database} set default_transaction_read_only = ${value}`);
      const reset = () =>
        runSql(
          url,
          'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
        );
      await set('on');
      await reset();
      return async () => {
        const owner = url.replace(/\/test_\d+$/, '/postgres');
        await runSql(owner, `alter database ${database} set default_transaction_read_only = off`);
        await reset();
      };
    },
  ],
];

describe('PostgreSQL away under load', () => {
  it.each(troubles)(
    '%s: no call fails, the gateway says degraded, and the ledger is whole afterwards',
    async (_, trouble) => {
      const url = await postgres.createDatabase();
      const gateway = await start(url);
      const { key } = await gateway.createKey({ name: 'mine' });
      await eventually(async () => (await gateway.call(key)).status === 200, 1000);
      const load = startStoreLoad(gateway.program.port, key, { connections: 4, pauseMs: 2 });
      await delay(500);
      const back = await trouble(url);
      await eventually(async () => (await gateway.readiness()) === 'degraded', BACK_MS);
      expect(await gateway.check('store')).toMatchObject({ status: 'degraded' });
      await expect(gateway.operate('users.list')).rejects.toThrow('unavailable');
      const before = load.received;
      await delay(1500);
      expect(load.received).toBeGreaterThan(before);
      await back();
      const tookMs = await eventually(async () => (await gateway.readiness()) === 'ready', BACK_MS);
      await load.stop();
      expect(load.others).toEqual({});
      expect(load.slowestMs).toBeLessThan(500);
      await eventually(async () => (await gateway.ledgerCalls('mine')) === load.received + 1, BACK_MS);
      const made = await gateway.createKey();
      await eventually(async () => (await gateway.call(made.key)).status === 200, 1000);
      console.log(`back after ${Math.round(tookMs)} ms, slowest call ${Math.round(load.slowestMs)} ms`);
    },
  );

  it('a key that is revoked by another instance meanwhile is refused once the store is back', async () => {
    const url = await postgres.createDatabase();
    const gateway = await start(url);
    const { key, id } = await gateway.createKey();
    await eventually(async () => (await gateway.call(key)).status === 200, 1000);
    await postgres.halt('fast');
    await eventually(async () => (await gateway.readiness()) === 'degraded', BACK_MS);
    expect((await gateway.call(key)).status).toBe(200);
    await postgres.start();
    await runSql(url, `update api_keys set enabled = false where id = '${id}'`);
    await eventually(async () => (await gateway.call(key)).status === 401, BACK_MS);
  });
});

it('what others used of a quota while the database was away counts once it is back, with calls coming all the while', async () => {
  const url = await postgres.createDatabase();
  const way = await startLink(Number(new URL(url).port));
  try {
    const through = new URL(url);
    through.port = String(way.port);
    const gateway = await start(through.href);
    const quota = { unit: 'requests', limit: 1_000_000, period: 'month', warnAt: [] };
    const { key, id } = await gateway.createKey({ name: 'mine', quota });
    await eventually(async () => (await gateway.call(key)).status === 200, 1000);
    const load = startStoreLoad(gateway.program.port, key, { connections: 4, pauseMs: 2 });
    await delay(1500);
    way.resets = true;
    way.reset();
    await eventually(async () => (await gateway.readiness()) === 'degraded', BACK_MS);
    const other = await openStore({ kind: 'postgres', url });
    const rows = [row({ keyId: id, minute: Math.floor(Date.now() / 60_000) * 60_000, calls: 10_000 })];
    await other.apply(batch({ rows }));
    await other.close();
    way.resets = false;
    await eventually(async () => (await gateway.readiness()) === 'ready', BACK_MS);
    await delay(500);
    await load.stop();
    const all = 10_001 + load.received;
    await eventually(async () => (await gateway.ledgerCalls('mine')) === all, BACK_MS);
    await eventually(async () => (await gateway.quotaUsed('mine')) === all, BACK_MS);
  } finally {
    await way.close();
  }
});

it('a start without the database serves the keys of the config, and those of the store once it is there', async () => {
  const url = await postgres.createDatabase();
  const first = await start(url);
  const { key } = await first.createKey();
  await eventually(async () => (await first.call(key)).status === 200, 1000);
  await first.program.stop();
  await postgres.halt('fast');
  const second = await start(url);
  expect((await second.call(configKey)).status).toBe(200);
  expect((await second.call(key)).status).toBe(401);
  expect(await second.readiness()).toBe('degraded');
  expect(second.program.output()).toContain('only the keys of the config are known until the store is there');
  await postgres.start();
  await eventually(async () => (await second.call(key)).status === 200, BACK_MS);
  expect(await second.readiness()).toBe('ready');
  await eventually(async () => (await second.ledgerCalls('acme')) === 1, BACK_MS);
});

it('a database that answers is never called away', async () => {
  const gateway = await start(await postgres.createDatabase());
  await delay(5000);
  expect(gateway.program.output()).not.toContain('the store is away');
  expect(gateway.program.logs().filter(({ msg }) => msg === 'the store is open')).toHaveLength(1);
});

it('a drain with the database away ends in time, and the next start brings the usage into the ledger', async () => {
  const url = await postgres.createDatabase();
  const first = await start(url);
  const { folder } = first.program;
  await first.call(configKey);
  postgres.freeze();
  for (let k = 0; k < 5; k += 1) expect((await first.call(configKey)).status).toBe(200);
  expect(await first.program.stop()).toMatchObject({ code: 0 });
  expect(first.program.output()).toContain('usage is left in the journals');
  postgres.thaw();
  const second = await startStoreGateway({
    node: node.url,
    folder,
    store: url,
    config: { keys: [{ name: 'acme', key: configKey }] },
  });
  gateways.push(second);
  expect(await second.ledgerCalls('acme')).toBe(6);
});
