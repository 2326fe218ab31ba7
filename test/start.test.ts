import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const main = new URL('../src/main.ts', import.meta.url).pathname;
let folder = '';
let node: Server;
let upstream = '';
let healthIsSilent = false;
const running: ChildProcess[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'polymorph-run-'));
  healthIsSilent = false;
  node = createServer((request, response) => {
    if (healthIsSilent && request.url === '/healthz') return;
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const id = /"id":([^,}]*)/.exec(body)?.[1] ?? 'null';
      const answer = `{"jsonrpc":"2.0","id":${id},"result":"0x1"}`;
      setTimeout(() => response.end(answer), body.includes('slow') ? 400 : 0);
    });
  });
  await new Promise<void>((resolve) => node.listen(0, '127.0.0.1', resolve));
  upstream = `http://127.0.0.1:${(node.address() as AddressInfo).port}`;
});
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
  node.closeAllConnections();
  node.close();
  rmSync(folder, { recursive: true });
});

interface Run {
  child: ChildProcess;
  output(): string;
  /** Waits until the output holds `pattern`; gives its first group. */
  saw(pattern: RegExp): Promise<string>;
  ended: Promise<number | null>;
}

function run(...parameters: string[]): Run {
  const child = spawn(process.execPath, [main, 'start', ...parameters], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.push(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  }
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return {
    child,
    output: () => text,
    ended,
    async saw(pattern) {
      for (let tries = 0; tries < 2000; tries += 1) {
        const found = pattern.exec(text);
        if (found !== null) return found[1] ?? '';
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      throw new Error(`never saw ${pattern} in\n${text}`);
    },
  };
}

const free = ['--listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0'];
const serving = /"url":"([^"]*)"/;

const call = (url: string, method = 'eth_chainId') =>
  fetch(url, { method: 'POST', body: `{"jsonrpc":"2.0","id":7,"method":"${method}"}` }).then((answer) =>
    answer.text(),
  );

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Tries until it does not reject. */
async function until<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (tries === 1000) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

test('serves, says that the port is taken to a second one, finishes what is under way and ends with 0', async () => {
  const first = run('--upstream', upstream, ...free);
  const url = await first.saw(serving);
  expect(await call(url)).toBe('{"jsonrpc":"2.0","id":7,"result":"0x1"}');
  const second = run('--upstream', upstream, '--listen', new URL(url).host, '--admin-listen', 'none');
  expect(await second.ended).toBe(1);
  expect(second.output()).toBe(`port taken: something already listens on ${new URL(url).host}\n`);
  const slow = call(url, 'slow');
  await new Promise((resolve) => setTimeout(resolve, 100));
  first.child.kill('SIGTERM');
  expect(await slow).toBe('{"jsonrpc":"2.0","id":7,"result":"0x1"}');
  expect(await first.ended).toBe(0);
  const kept = ['journal', 'limits.state', 'lock.db', 'polymorph.db'];
  expect(readdirSync(join(folder, '.polymorph'))).toEqual(kept);
});

test('of two started in the same moment one serves, and the other says that the port is taken', async () => {
  const port = await freePort();
  const both = Array.from({ length: 2 }, () =>
    run('--upstream', upstream, '--listen', `127.0.0.1:${port}`, '--admin-listen', 'none'),
  );
  expect(await Promise.race(both.map(({ ended }) => ended))).toBe(1);
  const outputs = both.map(({ output }) => output());
  expect(outputs.filter((text) => text.includes(`port taken: something already listens on`))).toHaveLength(1);
  expect(await call(`http://127.0.0.1:${port}`)).toBe('{"jsonrpc":"2.0","id":7,"result":"0x1"}');
});

test('SIGTERM while it is still starting loses no call that a worker has taken', async () => {
  const port = await freePort();
  // The question whether the upstream is this very gateway is the last of a start: here it gets no answer.
  healthIsSilent = true;
  const early = run('--upstream', upstream, '--listen', `127.0.0.1:${port}`, '--admin-listen', 'none');
  const first = await until(() => call(`http://127.0.0.1:${port}`));
  const late = call(`http://127.0.0.1:${port}`, 'slow');
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(early.output()).not.toMatch(serving);
  early.child.kill('SIGTERM');
  expect([first, await late]).toEqual(Array(2).fill('{"jsonrpc":"2.0","id":7,"result":"0x1"}'));
  expect(await early.ended).toBe(0);
});

test('a second signal ends it at once', async () => {
  const { child, ended, saw } = run('--upstream', upstream, ...free);
  const url = await saw(serving);
  node.removeAllListeners('request');
  const hanging = call(url).catch(() => 'cut');
  await new Promise((resolve) => setTimeout(resolve, 100));
  child.kill('SIGINT');
  await saw(/"msg":"(draining)"/);
  await new Promise((resolve) => setTimeout(resolve, 600));
  child.kill('SIGINT');
  expect(await ended).toBe(130);
  expect(await hanging).toBe('cut');
});

test('a log that nobody reads keeps nobody waiting, nor the end', async () => {
  const config = join(folder, 'polymorph.yaml');
  writeFileSync(
    config,
    `server: { listen: 127.0.0.1:0, state_dir: none }
admin: { listen: none }
upstreams: [{ url: '${upstream}' }]
limits: { default: none }
logging: { access_sample: 1 }
`,
  );
  const { child, ended, saw } = run();
  const url = await saw(serving);
  child.stdout?.pause();
  // About 400 bytes a line; a pipe holds 64 KiB, or some 200 KiB as a pair of sockets.
  for (let rounds = 0; rounds < 30; rounds += 1)
    await Promise.all(Array.from({ length: 50 }, () => call(url)));
  child.kill('SIGTERM');
  await new Promise((resolve) => child.once('exit', resolve));
  child.stdout?.resume();
  expect(await ended).toBe(0);
});

test('SIGHUP reloads, and no key reaches the log', async () => {
  const path = join(folder, 'polymorph.yaml');
  const write = (requests: number) =>
    writeFileSync(
      path,
      `server: { listen: 127.0.0.1:0, state_dir: none }
admin: { listen: none }
upstreams: [{ url: '${upstream}' }]
limits: { default: { requests: ${requests}, period: 1h } }
keys: [{ name: acme, key: canary-canary-canary-01 }]
logging: { access_sample: 1, level: debug }
`,
    );
  write(1);
  const { child, ended, output, saw } = run('--no-watch');
  const url = await saw(serving);
  const headers = { 'x-api-key': 'canary-canary-canary-01' };
  const ask = () => fetch(url, { method: 'POST', headers, body: '{"jsonrpc":"2.0","id":1,"method":"m"}' });
  expect((await ask()).status).toBe(200);
  expect((await ask()).status).toBe(429);
  write(100);
  child.kill('SIGHUP');
  await saw(/"msg":"(config reloaded)"/);
  write(-1);
  child.kill('SIGHUP');
  await saw(/polymorph\.yaml:(4:\d+): error/);
  await saw(/"kind":"(access)"/);
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(output()).not.toContain('canary');
});

test.each([
  [['--config', 'missing.yaml'], /missing\.yaml: error: .*no such file/],
  [['--upstream', 'ftp://node'], /--upstream: error: upstreams\[0\]\.url/],
  [['--upstream', 'http://node', '--config', 'x'], /not both/],
  [['--listen', 'nowhere'], /Expected an address and port/],
])('%j ends with 2 and says why', async (parameters, message) => {
  const { ended, output } = run(...parameters);
  expect(await ended).toBe(2);
  expect(output()).toMatch(message);
});
