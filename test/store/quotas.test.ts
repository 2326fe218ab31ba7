import { readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { configKeyId, uuidText } from '../../src/identity/index.ts';
import { type PostgresServer, runSql, startPostgres } from '../../src/store/testing/postgres.ts';
import { createJournalWriter, createTurnUsage } from '../../src/usage/index.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { eventually, type StoreGateway, startStoreGateway } from './gateway.ts';
import { startStoreLoad } from './load.ts';

const configKey = 'quota-key-of-twenty-two-characters';
const quota = (limit: number) => ({ unit: 'requests', limit, period: 'month', warnAt: [80] });

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
});
afterAll(async () => {
  await postgres.stop();
  await node.close();
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'polymorph-quotas-'));
  folders.push(folder);
  return folder;
}

async function start(folder: string, store: string | undefined): Promise<StoreGateway> {
  const gateway = await startStoreGateway({
    node: node.url,
    folder,
    ...(store !== undefined && { store }),
    config: { keys: [{ name: 'acme', key: configKey, quota: { requests: 1_000_000, period: 'month' } }] },
  });
  gateways.push(gateway);
  return gateway;
}

const used = (gateway: StoreGateway, keyName: string, which?: 'quota' | 'userQuota'): Promise<number> =>
  gateway.quotaUsed(keyName, which);

/** What a worker of an earlier run left behind; returns its files. */
function writeJournal(folder: string, keyId: string, calls: number): string[] {
  const journal = createJournalWriter({
    ...{ folder, run: 'earlier', slot: 0, start: 0 },
    holds: () => true,
    onFull: () => {},
    epochMs: Date.now,
    nowMs: () => 0,
  });
  const usage = createTurnUsage(journal.write);
  for (let k = 0; k < calls; k += 1) usage.add(keyId, 'default', 'm', 0, 1, false, 1, 1, 1);
  usage.commit();
  journal.close();
  return readdirSync(folder);
}

describe.each(['sqlite', 'postgres'] as const)('quotas by the ledger in %s', (kind) => {
  const storeOf = async () => (kind === 'postgres' ? postgres.createDatabase() : undefined);

  it('go on where they were over a drained restart, of keys of the store and of the config', async () => {
    const [folder, store] = [await newFolder(), await storeOf()];
    const first = await start(folder, store);
    const { key } = await first.createKey({ name: 'mine', quota: quota(10) });
    await eventually(async () => (await first.call(key)).status === 200, 1000);
    for (let k = 0; k < 6; k += 1) expect((await first.call(key)).status).toBe(200);
    for (let k = 0; k < 3; k += 1) await first.call(configKey);
    await first.program.stop();
    const second = await start(folder, store);
    expect([await used(second, 'mine'), await used(second, 'acme')]).toEqual([7, 3]);
    for (let k = 0; k < 3; k += 1) expect((await second.call(key)).status).toBe(200);
    expect((await second.call(key)).status).toBe(402);
  });

  it('of a user: all keys of theirs share it, over a restart, and after a key of theirs is gone', async () => {
    const [folder, store] = [await newFolder(), await storeOf()];
    const first = await start(folder, store);
    await first.operate('plans.put', { name: 'team', userQuota: quota(20) });
    await first.operate('users.create', { email: 'ada@example.com', tier: 'team' });
    const keyOf = async (gateway: StoreGateway, name: string) => {
      const { key } = await gateway.operate('keys.create', { name, user: 'ada@example.com' });
      await eventually(async () => (await gateway.call(key)).status !== 401, 1000);
      return key;
    };
    const [one, two] = [await keyOf(first, 'one'), await keyOf(first, 'two')];
    for (const key of [one, one, two]) expect((await first.call(key)).status).toBe(200);
    expect(await used(first, 'one', 'userQuota')).toBe(5);
    await first.operate('keys.delete', { key: 'two' });
    let late = 0;
    await eventually(async () => {
      const { status } = await first.call(two);
      if (status === 200) late += 1;
      return status === 401;
    }, 1000);
    // By the ledger alone: no saved state says anything.
    await first.program.kill();
    const second = await start(folder, store);
    expect(await used(second, 'one', 'userQuota')).toBe(5 + late);
    const three = await keyOf(second, 'three');
    for (let k = 6 + late; k < 20; k += 1) expect((await second.call(k % 2 ? three : one)).status).toBe(200);
    const refused = await second.call(three);
    expect(refused.status).toBe(402);
    expect(refused.json.error.data).toMatchObject({ policy: 'quota:user', quota: 20, used: 20 });
    // One of their own goes before the plan's, and what was used stays used.
    await second.operate('users.update', { user: 'ada@example.com', quota: quota(21) });
    await eventually(async () => (await second.call(three)).status === 200, 1000);
    expect((await second.call(one)).status).toBe(402);
    await second.program.stop();
    const third = await start(folder, store);
    expect((await third.call(one)).json.error.data).toMatchObject({ quota: 21, used: 21 });
    // By another unit: the month's cost units, of all keys, too.
    await third.operate('users.update', {
      user: 'ada@example.com',
      quota: { ...quota(23), unit: 'cost' },
    });
    await eventually(async () => (await used(third, 'one', 'userQuota')) === 21, 2000);
    for (const key of [three, one]) expect((await third.call(key)).status).toBe(200);
    expect((await third.call(three)).json.error.data).toMatchObject({ quota: 23, used: 23 });
  });

  it('lack what a journal has that cannot be read, until it can: the usage of all others counts meanwhile', async () => {
    const [folder, store] = [await newFolder(), await storeOf()];
    const journals = join(folder, '.polymorph', 'journal');
    const [file] = writeJournal(journals, uuidText(configKeyId('acme')), 7);
    const path = join(journals, file!);
    await rename(path, `${path}.aside`);
    await mkdir(path);
    const gateway = await start(folder, store);
    for (let k = 0; k < 3; k += 1) await gateway.call(configKey);
    expect(await used(gateway, 'acme')).toBe(3);
    await eventually(async () => (await gateway.ledgerCalls('acme')) === 3, 5000);
    expect(await gateway.check('usage')).toMatchObject({
      status: 'degraded',
      problem: expect.stringContaining(file!),
    });
    await rmdir(path);
    await rename(`${path}.aside`, path);
    await eventually(async () => (await used(gateway, 'acme')) === 10, 10_000);
    expect(await gateway.ledgerCalls('acme')).toBe(10);
    await eventually(async () => (await gateway.check('usage'))['status'] === 'up', 5000);
  });

  it('kill -9 under load: received ≤ ledger = quota ≤ sent, round after round', async () => {
    const [folder, store] = [await newFolder(), await storeOf()];
    let [sent, received] = [0, 0];
    let gateway = await start(folder, store);
    const { key } = await gateway.createKey({ name: 'mine', quota: quota(1_000_000) });
    await eventually(async () => (await gateway.call(key)).status === 200, 1000);
    sent = received = 1;
    for (let round = 0; round < 3; round += 1) {
      const load = startStoreLoad(gateway.program.port, key);
      await delay(300 + 250 * round);
      await gateway.program.kill();
      await load.stop();
      sent += load.sent;
      received += load.received;
      gateway = await start(folder, store);
      const ledger = await gateway.ledgerCalls('mine');
      expect(ledger).toBeGreaterThanOrEqual(received);
      expect(ledger).toBeLessThanOrEqual(sent);
      expect(await used(gateway, 'mine')).toBe(ledger);
    }
    expect(received).toBeGreaterThan(300);
  });
});

it('two instances share a quota: what both let through beyond it is what one does in the time between two looks', async () => {
  const store = await postgres.createDatabase();
  const [one, other] = [await start(await newFolder(), store), await start(await newFolder(), store)];
  const limit = 3000;
  const { key } = await one.createKey({ name: 'shared', quota: quota(limit) });
  const user = await one.operate('users.create', { email: 'both@example.com', quota: quota(50) });
  const theirs = await Promise.all(
    ['first', 'second'].map((name) => one.operate('keys.create', { name, user: user['id'] })),
  );
  await eventually(async () => (await other.call(key)).status === 200, 1000);
  await eventually(async () => (await other.call(theirs[1]!['key'])).status === 200, 1000);
  for (let k = 0; k < 30; k += 1) await one.call(theirs[0]!['key']);
  // Of a user as of a key: what the other instance let through, by whichever key.
  await eventually(async () => (await used(other, 'second', 'userQuota')) === 31, 5000);
  await eventually(async () => (await used(one, 'first', 'userQuota')) === 31, 5000);
  const began = performance.now();
  const loads = [one, other].map(({ program }) =>
    startStoreLoad(program.port, key, { connections: 4, pauseMs: 5 }),
  );
  await eventually(() => loads.every(({ others }) => (others['402'] ?? 0) > 0), 60_000);
  const tookS = (performance.now() - began) / 1000;
  await Promise.all(loads.map((load) => load.stop()));
  const passed = 1 + loads.reduce((sum, { received }) => sum + received, 0);
  const fasterPerS = Math.max(...loads.map(({ received }) => received)) / tookS;
  // 2 s between looks, 1 s between applications, and 0.5 s to do both: docs/operations.md.
  expect(passed).toBeGreaterThanOrEqual(limit);
  expect(passed).toBeLessThanOrEqual(limit + fasterPerS * 3.5 + 10);
  await eventually(async () => (await one.ledgerCalls('shared')) === passed, 5000);
  expect(Object.keys(loads[0]!.others)).toEqual(['402']);
});

it('quotas that cannot be read are told as such, keep no key away, and are true once they can be read', async () => {
  const store = await postgres.createDatabase();
  const first = await start(await newFolder(), store);
  const { key } = await first.createKey({ name: 'mine', quota: quota(100) });
  await eventually(async () => (await first.call(key)).status === 200, 1000);
  await eventually(async () => (await first.ledgerCalls('mine')) === 1, 5000);
  await runSql(store, 'alter table quota_sums rename to elsewhere');
  const second = await start(await newFolder(), store);
  expect((await second.call(key)).status).toBe(200);
  expect(await second.check('store')).toMatchObject({
    status: 'degraded',
    problem: expect.stringMatching(
      /^quotas could not be read from the ledger, they go on as they are: the database is not migrated/,
    ),
  });
  await delay(1500);
  const said = second.program.logs().map(({ msg }) => msg);
  expect(said.filter((msg) => msg.includes('could not be read'))).toEqual([
    expect.stringContaining('quotas could not be read from the ledger'),
  ]);
  expect(said.filter((msg) => msg === 'keys of the store read')).toHaveLength(1);
  await runSql(store, 'alter table elsewhere rename to quota_sums');
  await eventually(async () => (await second.check('store'))['status'] === 'up', 10_000);
  expect(await used(second, 'mine')).toBe(2);
  // And what others use from now on.
  await first.call(key);
  await eventually(async () => (await used(second, 'mine')) === 3, 6000);
});
