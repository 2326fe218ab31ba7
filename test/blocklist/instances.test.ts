import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCommand } from '../../src/commands/testing/run-command.ts';
import { callText, send } from '../../src/gateway/testing/client.ts';
import { type PostgresServer, startPostgres } from '../../src/store/testing/postgres.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { eventually, type StoreGateway, startStoreGateway } from '../store/gateway.ts';

let node: FakeUpstream;
let postgres: PostgresServer;
let folders: string[] = [];
let gateways: StoreGateway[] = [];

beforeAll(async () => {
  node = await startFakeUpstream();
  postgres = await startPostgres();
  const store = await postgres.createDatabase();
  const config = {
    server: { workers: 1, trusted_proxies: ['127.0.0.0/8'], drain_timeout: '2s' },
    blocklist: { auto_ban: { threshold: 50, ban_for: '4s' } },
  };
  folders = await Promise.all([1, 2].map(() => mkdtemp(join(tmpdir(), 'polymorph-bans-'))));
  gateways = await Promise.all(
    folders.map((folder) => startStoreGateway({ node: node.url, folder, store, config })),
  );
});
afterAll(async () => {
  await Promise.all(gateways.map(({ program }) => program.stop()));
  await postgres?.stop();
  await node?.close();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

const statuses = (address: string): Promise<number[]> =>
  Promise.all(
    gateways.map(async ({ program }) => {
      const { status } = await send(program.port, {
        headers: { 'x-forwarded-for': address },
        body: callText(),
      });
      return status;
    }),
  );
const both = (address: string, status: number) =>
  eventually(async () => (await statuses(address)).every((one) => one === status), 10_000);
const told = async (): Promise<string[]> => {
  const { events } = await gateways[0]!.operate<{
    events: { event: { type: string; subject: string } }[];
  }>('events.list', { type: 'ip.*' });
  return events.map(({ event: { type, subject } }) => `${type} ${subject}`).reverse();
};

it('a ban of one gateway holds in all on its database, and its end is told once', async () => {
  for (let i = 0; i < 5; i += 1)
    await send(gateways[0]!.program.port, {
      headers: { 'x-forwarded-for': '203.0.113.9', 'x-api-key': `wrong-key-number-${i}-wrong-key` },
      body: callText(),
    });
  await both('203.0.113.9', 403);
  await both('203.0.113.9', 200);
  await eventually(async () => (await told()).length > 1, 5000);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(await told()).toEqual(['ip.banned 203.0.113.9', 'ip.unbanned 203.0.113.9']);
});

it('a command writes into the database, and all gateways hear of it', async () => {
  const blocklist = (...args: string[]) => runCommand(folders[1]!, ['blocklist', ...args]);
  expect((await blocklist('add', '2001:db8::/32')).stdout).toBe(
    'Banned 2001:db8::/32 until it is removed.\n',
  );
  await both('2001:db8:1::5', 403);
  expect((await blocklist('list')).stdout).toMatch(/^2001:db8::\/32 +\S+ \S+ +removed/m);
  expect((await blocklist('remove', '2001:db8::/32')).code).toBe(0);
  await both('2001:db8:1::5', 200);
});
