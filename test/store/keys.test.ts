import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type PostgresServer, startPostgres } from '../../src/store/testing/postgres.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { eventually, type StoreGateway, startStoreGateway } from './gateway.ts';

/** What the issue allows from a change to its effect on every worker. */
const SOON_MS = 1000;
/** Connections of their own: each of two workers takes some of so many calls but for one time in 2^19. */
const CALLS = 20;

let node: FakeUpstream;
let postgres: PostgresServer;
let folders: string[] = [];
const gateways: StoreGateway[] = [];

beforeAll(async () => {
  node = await startFakeUpstream();
  postgres = await startPostgres();
});
beforeEach(() => {
  folders = [];
});
afterEach(async () => {
  for (const { program } of gateways.splice(0)) await program.kill();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});
afterAll(async () => {
  await postgres.stop();
  await node.close();
});

async function start(options: { store?: string; config?: object } = {}): Promise<StoreGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'polymorph-keys-'));
  folders.push(folder);
  const gateway = await startStoreGateway({ node: node.url, folder, ...options });
  gateways.push(gateway);
  return gateway;
}

const all = async (gateway: StoreGateway, key: string, status: number): Promise<boolean> => {
  const answers = await Promise.all(Array.from({ length: CALLS }, () => gateway.call(key)));
  return answers.every((answer) => answer.status === status);
};

describe.each(['sqlite', 'postgres'] as const)('a key in %s', (kind) => {
  const storeOf = async () => (kind === 'postgres' ? { store: await postgres.createDatabase() } : {});

  it('acts on all workers within a second of being made, disabled, limited, rotated and deleted', async () => {
    const gateway = await start(await storeOf());
    const { key, id } = await gateway.createKey();
    expect(await eventually(() => all(gateway, key, 200), SOON_MS)).toBeLessThan(SOON_MS);

    await gateway.operate('keys.disable', { key: id });
    await eventually(() => all(gateway, key, 401), SOON_MS);
    await gateway.operate('keys.enable', { key: id });
    await eventually(() => all(gateway, key, 200), SOON_MS);

    const limit = { method: '*', requests: 1, periodMs: 86_400_000, burstSize: 0 };
    await gateway.operate('keys.limits', { key: id, set: [limit] });
    await eventually(async () => (await gateway.call(key)).status === 429, SOON_MS);
    expect((await gateway.call(key)).headers['ratelimit-policy']).toContain('"key:default";q=1');
    await gateway.operate('keys.limits', { key: id, unset: ['*'] });
    await eventually(() => all(gateway, key, 200), SOON_MS);

    const rotated = await gateway.operate('keys.rotate', { key: id, grace: '1h' });
    await eventually(() => all(gateway, rotated['key'], 200), SOON_MS);
    expect(await all(gateway, key, 200)).toBe(true);
    // Two texts, one bucket.
    await gateway.operate('keys.limits', { key: id, set: [{ ...limit, requests: 2 }] });
    await eventually(
      async () => (await gateway.call(key)).headers['ratelimit-policy'] !== undefined,
      SOON_MS,
    );
    await gateway.call(key);
    expect((await gateway.call(rotated['key'])).status).toBe(429);

    await gateway.operate('keys.delete', { key: id });
    await eventually(() => all(gateway, rotated['key'], 401), SOON_MS);
    expect(await all(gateway, key, 401)).toBe(true);
  });

  it('that is revoked loses its WebSockets within a second, with 4401', async () => {
    const gateway = await start(await storeOf());
    const { key, id } = await gateway.createKey();
    await eventually(() => all(gateway, key, 200), SOON_MS);
    const socket = new WebSocket(gateway.program.url.replace('http', 'ws'), {
      headers: { 'x-api-key': key },
    });
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    const began = performance.now();
    await gateway.operate('keys.delete', { key: id });
    expect(await closed).toBe(4401);
    expect(performance.now() - began).toBeLessThan(SOON_MS);
  });

  it('is there after a restart, and named in explain and by its limits from its plan', async () => {
    const options = await storeOf();
    const first = await start(options);
    await first.operate('plans.put', {
      name: 'gold',
      currency: 'EUR',
      set: [{ method: 'm', requests: 2, periodMs: 86_400_000, burstSize: 0 }],
      quota: { unit: 'requests', limit: 1000, period: 'month', warnAt: [] },
    });
    const user = await first.operate('users.create', { email: 'a@example.com', name: 'a', tier: 'gold' });
    const made = await first.operate('keys.create', { user: user['id'], name: 'mine' });
    await eventually(async () => (await first.call(made['key'])).status === 200, SOON_MS);
    const { folder } = first.program;
    await first.program.stop();
    const second = await startStoreGateway({ node: node.url, folder, ...options });
    gateways.push(second);
    expect((await second.call(made['key'])).status).toBe(200);
    const refused = await second.call(made['key']);
    expect(refused.status).toBe(429);
    const explained = await fetch(`${second.program.adminUrl}/explain`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ method: 'm', keyName: 'mine' }),
    });
    expect(await explained.json()).toMatchObject({
      records: [{ caller: { keyName: 'mine' }, quota: { limit: 1000, used: 2 } }],
    });
    const id = String(refused.headers['x-request-id']);
    const recorded = await (await fetch(`${second.program.adminUrl}/explain/${id}`)).json();
    expect(recorded).toMatchObject({ records: [{ caller: { keyName: 'mine' } }] });
  });
});

it('a key in PostgreSQL acts on another instance within a second, too', async () => {
  const store = await postgres.createDatabase();
  const [one, other] = [await start({ store }), await start({ store })];
  const { key, id } = await one.createKey();
  await eventually(() => all(other, key, 200), SOON_MS);
  await other.operate('keys.delete', { key: id });
  await eventually(() => all(one, key, 401), SOON_MS);
});

it.each(['sqlite', 'postgres'])(
  'a second process on one folder is refused with %s, and told who holds it',
  async (kind) => {
    const options = kind === 'postgres' ? { store: await postgres.createDatabase() } : {};
    const first = await start(options);
    const second = startStoreGateway({ node: node.url, folder: first.program.folder, ...options });
    await expect(second).rejects.toThrow(
      new RegExp(
        `is held by process ${first.program.pid}, running since ${kind === 'sqlite' ? '.*admin listener http' : ''}`,
      ),
    );
    expect((await first.call()).status).toBe(200);
  },
);

it('a key of the store that the config has, too, is the config’s, and the log says so', async () => {
  const first = await start();
  const { key, id } = await first.createKey({
    overrides: [{ method: '*', requests: 1, periodMs: 86_400_000, burstSize: 0 }],
  });
  await eventually(async () => (await first.call(key)).status === 429, SOON_MS);
  await first.program.reload({
    server: { workers: 2, drain_timeout: '5s' },
    upstreams: [{ url: node.url }],
    limits: { default: 'none' },
    keys: [{ name: 'acme', key }],
  });
  expect(await all(first, key, 200)).toBe(true);
  await first.operate('keys.disable', { key: id });
  await first.program.waitFor('of the store is in the config, too');
  expect(await all(first, key, 200)).toBe(true);
});
