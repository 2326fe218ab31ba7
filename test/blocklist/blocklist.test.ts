import { Agent } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../src/commands/testing/run-command.ts';
import { callText, send } from '../../src/gateway/testing/client.ts';
import { connectSocket, upgradeStatus } from '../../src/gateway/testing/socket.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { eventually, type StoreGateway, startStoreGateway } from '../store/gateway.ts';

const autoBan = { threshold: 50, window: '1m', ban_for: '3s', growth: 100, ban_max: '1h' };
const base = {
  server: { workers: 2, trusted_proxies: ['127.0.0.0/8'], drain_timeout: '2s' },
  methods: { blocked: ['admin_*'] },
};

let node: FakeUpstream;
let folder = '';
let gateway: StoreGateway;

const config = (blocklist: object): object => ({ ...base, blocklist });
const startGateway = (blocklist: object, over: object = {}): Promise<StoreGateway> =>
  startStoreGateway({ node: node.url, folder, config: { ...config(blocklist), ...over } });
const as = (address: string, over: Record<string, string> = {}) => ({ 'x-forwarded-for': address, ...over });
const statusOf = async (address: string): Promise<number> =>
  (await send(gateway.program.port, { headers: as(address), body: callText() })).status;
const tryKeys = async (address: string, times: number): Promise<void> => {
  for (let i = 0; i < times; i += 1)
    await send(gateway.program.port, {
      headers: as(address, { 'x-api-key': `wrong-key-number-${i}-wrong-key` }),
      body: callText(),
    });
};
const banned = (address: string) => eventually(async () => (await statusOf(address)) === 403, 5000);
const command = (...args: string[]) => runCommand(folder, ['blocklist', ...args]);

beforeAll(async () => {
  node = await startFakeUpstream();
  folder = await mkdtemp(join(tmpdir(), 'polymorph-blocklist-'));
  gateway = await startGateway({ auto_ban: autoBan });
});
afterAll(async () => {
  await gateway?.program.stop();
  await node?.close();
  await rm(folder, { recursive: true, force: true });
});

describe('auto-ban', () => {
  it('bans who tries keys, over HTTP and WebSocket, in all workers, and nobody else', async () => {
    const socket = await connectSocket(gateway.program.port, { headers: as('203.0.113.9') });
    expect((await socket.ask(callText())).json.result).toBeDefined();
    await tryKeys('203.0.113.9', 5);
    await banned('203.0.113.9');
    expect((await socket.closed).code).toBe(4403);
    expect(await upgradeStatus(gateway.program.port, { headers: as('203.0.113.9') })).toMatchObject({
      status: 403,
    });
    expect(await statusOf('203.0.113.8')).toBe(200);
    const { bans } = await gateway.operate('blocklist.list');
    expect(bans).toMatchObject([{ address: '203.0.113.9', by: 'auto', times: 1, simulated: false }]);
    await gateway.program.waitFor('"event":"ip.banned","subject":"203.0.113.9"');
  });

  it('lets go in time, and bans for longer the next time', async () => {
    await eventually(async () => (await statusOf('203.0.113.9')) === 200, 10_000);
    await gateway.program.waitFor('"event":"ip.unbanned","subject":"203.0.113.9"');
    await tryKeys('203.0.113.9', 5);
    await banned('203.0.113.9');
    const { bans } = await gateway.operate('blocklist.list');
    expect(bans).toMatchObject([{ address: '203.0.113.9', times: 2 }]);
    expect(Date.parse(bans[0].until) - Date.parse(bans[0].at)).toBe(300_000);
  });

  it('takes what a WebSocket sends for what it is, and IPv6 addresses by their network', async () => {
    const socket = await connectSocket(gateway.program.port, { headers: as('2001:db8:0:7::1') });
    for (let i = 0; i < 5; i += 1) socket.send(callText('admin_peers'));
    expect((await socket.closed).code).toBe(4403);
    expect(await statusOf('2001:db8:0:7:ffff::9')).toBe(403);
    expect(await statusOf('2001:db8:0:8::1')).toBe(200);
  });

  it('spares loopback and trusted proxies', async () => {
    await tryKeys('127.0.0.1', 20);
    await tryKeys('10.0.0.1, 127.0.0.5', 20);
    await banned('10.0.0.1');
    const { bans } = await gateway.operate('blocklist.list');
    expect(bans.map(({ address }: { address: string }) => address)).toEqual([
      '10.0.0.1',
      '2001:db8:0:7::/64',
      '203.0.113.9',
    ]);
    expect(await statusOf('127.0.0.1')).toBe(200);
  });
});

describe('a ban by hand', () => {
  it('acts at once in all workers, on connections that are open', async () => {
    const agents = Array.from({ length: 16 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
    const statuses = async (): Promise<number[]> =>
      (
        await Promise.all(
          agents.map((agent) =>
            send(gateway.program.port, { headers: as('198.51.100.7'), body: callText(), agent }),
          ),
        )
      ).map(({ status }) => status);
    expect(new Set(await statuses())).toEqual(new Set([200]));
    const { stdout, code } = await command('add', '198.51.100.0/24', '--for', '1h', '--reason', 'scans');
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Banned 198/) });
    expect(new Set(await statuses())).toEqual(new Set([403]));
    expect((await command('test', '198.51.100.7')).stdout).toMatch(/is refused: 198.51.100.0\/24 is banned/);
    expect((await command('test', '198.51.101.7')).stdout).toMatch(/is let in/);
    expect((await command('list')).stdout).toMatch(/^198\.51\.100\.0\/24 .* 1 +scans$/m);
    for (const agent of agents) agent.destroy();
  });

  it('holds within 0.1 s, on sockets that say nothing, too', async () => {
    const sockets = await Promise.all(
      Array.from({ length: 8 }, () => connectSocket(gateway.program.port, { headers: as('192.0.2.201') })),
    );
    await gateway.operate('blocklist.add', { address: '192.0.2.201' });
    const since = performance.now();
    expect((await Promise.all(sockets.map(({ closed }) => closed))).map(({ code }) => code)).toEqual(
      Array.from({ length: 8 }, () => 4403),
    );
    // Ten times as long, for a machine that has other things to do.
    expect(performance.now() - since).toBeLessThan(1000);
    await tryKeys('192.0.2.202', 5);
    const tried = performance.now();
    await eventually(async () => (await statusOf('192.0.2.202')) === 403, 5000);
    expect(performance.now() - tried).toBeLessThan(1000);
    await gateway.operate('blocklist.remove', { address: '192.0.2.201' });
  });

  it('survives a kill -9, as those of auto-ban do', async () => {
    await gateway.program.kill();
    gateway = await startGateway({ auto_ban: autoBan });
    expect(await statusOf('198.51.100.7')).toBe(403);
    expect(await statusOf('203.0.113.9')).toBe(403);
    const { bans } = await gateway.operate('blocklist.list');
    expect(bans.map(({ address, times, by }: any) => [address, times, by === 'auto'])).toContainEqual([
      '203.0.113.9',
      2,
      true,
    ]);
  });

  it('is lifted, and a lock-out is asked about', async () => {
    expect((await command('remove', '198.51.100.7')).stderr).toMatch(
      /no ban of 198.51.100.7; the ban of 198/,
    );
    expect((await command('remove', '198.51.100.0/24')).stdout).toMatch(/^Lifted/);
    expect(await statusOf('198.51.100.7')).toBe(200);
    for (const address of ['127.0.0.1', '::1', '0.0.0.0/0', '127.0.0.0/16', '::/0']) {
      const { code, stderr } = await command('add', address);
      expect({ address, code, stderr }).toMatchObject({ code: 1, stderr: expect.stringMatching(/--force/) });
    }
    expect((await command('add', '127.0.0.9', '--force')).code).toBe(0);
    expect((await command('remove', '127.0.0.9')).code).toBe(0);
    expect((await command('add', '10.0.0.1/8')).code).toBe(2);
  });
});

describe('a reload', () => {
  it('takes changed files of addresses, which name the line that is wrong', async () => {
    const denied = join(folder, 'denied.txt');
    await writeFile(denied, '# scanners\n192.0.2.0/25\n');
    const blocklist = { deny_files: ['denied.txt'], allow: ['192.0.2.1'] };
    await gateway.program.reload(reloaded(blocklist));
    expect([await statusOf('192.0.2.2'), await statusOf('192.0.2.1')]).toEqual([403, 200]);
    const from = gateway.program.logs().length;
    await writeFile(denied, '# scanners\n192.0.2.128/25 # the other half\n');
    await gateway.program.waitFor(/"msg":"config reloaded"/, from);
    expect([await statusOf('192.0.2.2'), await statusOf('192.0.2.200')]).toEqual([200, 403]);
    expect((await command('test', '192.0.2.200')).stdout).toMatch(/denied in .*denied\.txt:2/);
    const bad = gateway.program.logs().length;
    await writeFile(denied, '192.0.2.0/24\n\n192.0.2.300\n');
    const line = await gateway.program.waitFor(/config not reloaded/, bad);
    expect(line.msg).toMatch(/denied\.txt:3: found "192\.0\.2\.300"/);
    expect(await statusOf('192.0.2.200')).toBe(403);
  });

  it('to simulate refuses nobody, and says whom it would', async () => {
    await gateway.program.reload(reloaded({ mode: 'simulate', deny: ['192.0.2.0/24'], auto_ban: autoBan }));
    expect([await statusOf('192.0.2.2'), await statusOf('203.0.113.9')]).toEqual([200, 200]);
    const from = gateway.program.logs().length;
    await tryKeys('203.0.113.77', 5);
    await gateway.program.waitFor(/ip\.banned.*203\.0\.113\.77.*"simulated":true/, from);
    expect(await statusOf('203.0.113.77')).toBe(200);
    expect((await command('test', '203.0.113.77')).stdout).toMatch(/would be refused/);
    await gateway.program.reload(reloaded({ auto_ban: autoBan }));
    expect([await statusOf('203.0.113.77'), await statusOf('203.0.113.9')]).toEqual([200, 403]);
  });

  /** What the test's gateway was started with, but for the blocklist. */
  function reloaded(blocklist: object): object {
    return {
      logging: { level: 'debug' },
      upstreams: [{ url: node.url }],
      limits: { default: 'none' },
      ...config(blocklist),
    };
  }
});

it('without a store bans are in memory, and it says so', async () => {
  const { startProgram } = await import('../program.ts');
  const program = await startProgram({
    config: { upstreams: [{ url: node.url }], store: 'none', server: { workers: 1 } },
  });
  const { stdout } = await runCommand(folder, [
    'blocklist',
    'add',
    '198.51.100.9',
    '--admin',
    program.adminUrl,
  ]);
  expect(stdout).toMatch(/in the gateway’s memory only/);
  await program.stop();
});
