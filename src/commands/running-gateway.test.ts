import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../control/index.ts';
import { openStore } from '../store/index.ts';
import { runCommand, runWell } from './testing/run-command.ts';

let cwd = '';
let gateway: Gateway | undefined;
let lines: string[] = [];
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'polymorph-running-'));
  lines = [];
});
afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
  rmSync(cwd, { recursive: true, force: true });
});

function write(admin: string, requests = 10): void {
  writeFileSync(
    join(cwd, 'polymorph.yaml'),
    `server: { listen: 127.0.0.1:0, workers: 1, state_dir: ${join(cwd, 'state')} }
admin: { ${admin} }
limits: { default: { requests: ${requests}, period: 1s } }
upstreams: [{ url: 'http://127.0.0.1:1' }]
`,
  );
}

async function start(): Promise<Gateway> {
  gateway = await startGateway({
    source: { kind: 'file', path: join(cwd, 'polymorph.yaml') },
    ...{ env: {}, version: 'test', terminal: false, colour: false, watch: false },
    logOutput: { write: (line) => void lines.push(line) },
  });
  return gateway;
}

test('a command with the gateway’s config needs no token, which nothing shows', async () => {
  write('listen: 127.0.0.1:0, token: a-token-of-the-admin');
  const { adminUrl, logger, reload } = await start();
  expect(await runWell(cwd, ['users', 'create', 'ada@example.com'])).toMatch(/^Made user/);
  const owner = readFileSync(join(cwd, 'state', 'owner.json'), 'utf8');
  const { token } = (JSON.parse(owner) as { admin: { token: string } }).admin;
  expect(token).toMatch(/^[\w-]{32}$/);

  write('listen: 127.0.0.1:0, token: another-token-of-it', 20);
  expect(await reload()).toMatchObject({ outcome: 'applied' });
  expect(await runWell(cwd, ['users', 'list'])).toContain('ada@example.com');
  expect(await runCommand(cwd, ['users', 'list', '--admin', `${adminUrl}`])).toMatchObject({ code: 2 });

  logger.warn(`somebody logs ${token}`);
  const headers = { authorization: `Bearer ${token}` };
  const ready = await (await fetch(`${adminUrl}/readyz`, { headers })).text();
  expect(ready).toContain('"detail"');
  expect(ready + lines.join('')).not.toContain(token);
});

test.each([['0.0.0.0:0'], ["'[::]:0'"]])('an admin listener on %s is asked over loopback', async (listen) => {
  write(`listen: ${listen}, token: a-token-of-the-admin`);
  await start();
  expect(await runWell(cwd, ['users', 'create', 'ada@example.com'])).toMatch(/^Made user/);
});

test('a gateway waits for a command to be done with its folder, and refuses another gateway’s at once', async () => {
  write('listen: 127.0.0.1:0');
  const folder = join(cwd, 'state');
  const command = await openStore({ kind: 'sqlite', folder });
  const began = performance.now();
  setTimeout(() => void command.close(), 1500);
  await start();
  expect(performance.now() - began).toBeGreaterThan(1500);
  expect(lines.filter((line) => line.includes('the start waits: '))).toEqual([
    expect.stringContaining(`is held by a command, process ${process.pid}`),
  ]);
  expect(await runWell(cwd, ['users', 'list'])).toBe('There are no users.\n');

  const first = gateway;
  await expect(start()).rejects.toMatchObject({ code: 'store_unusable', exitCode: 1 });
  expect(lines.filter((line) => line.includes('the start waits: '))).toHaveLength(1);
  gateway = first;
});
