import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

/** The package as others get it: built, packed, installed in a project of its own and run by npx. */

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'polymorph-package-'));
const started: ChildProcess[] = [];
let contents: string[];

// What npm tells its scripts about this project must not steer the npm that installs in another.
const env = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^(npm_package_|npm_config_local_prefix$|INIT_CWD$)/.test(name),
  ),
);

const npx = (...args: string[]): Promise<{ stdout: string; stderr: string }> =>
  run('npx', ['--no-install', 'polymorph-proxy', ...args], { cwd: folder, env });

beforeAll(async () => {
  await run('npm', ['pack', '--pack-destination', folder], { cwd: root, env });
  const [tarball = ''] = readdirSync(folder);
  contents = (await run('tar', ['-tzf', join(folder, tarball)])).stdout.trim().split('\n');
  writeFileSync(join(folder, 'package.json'), '{"private":true}');
  const quiet = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  // A download that stands still is begun again, and not waited for.
  quiet.push('--fetch-timeout=20000', '--fetch-retries=4');
  await run('npm', ['install', join(folder, tarball), ...quiet], { cwd: folder, env });
}, 300_000);

afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

test('holds the program and its documents, no sources and no tests', () => {
  const outside = contents.filter((path) => !/^package\/(deploy|dist|docs|examples)\//.test(path));
  expect(outside.toSorted()).toEqual(
    ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'].map((name) => `package/${name}`),
  );
  expect(contents).toContain('package/dist/main.js');
  expect(contents).toContain('package/dist/gateway/worker.js');
  expect(contents).toContain('package/dist/gateway/worker.d.ts');
  // What is read at every start is in few files, the libraries' with their licences.
  expect(contents.filter((path) => path.endsWith('.js') && !path.includes('/examples/')).length).toBeLessThan(
    100,
  );
  for (const name of ['kysely', 'yaml', 'zod'])
    expect(contents).toContain(`package/dist/licenses/${name}.txt`);
  expect(
    contents.filter((path) => /\.test\.|\.fuzz\.|\/testing\/|\/test\/|(?<!\.d)\.ts$/.test(path)),
  ).toEqual([]);
});

test('brings no development dependency along', () => {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  for (const name of Object.keys(dependencies))
    expect(existsSync(join(folder, 'node_modules', name)), name).toBe(true);
  expect(readdirSync(join(folder, 'node_modules'))).not.toContain('@foundry-rs');
});

test('npx polymorph-proxy --version', async () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  expect((await npx('--version')).stdout).toBe(`${version}\n`);
});

test('check accepts a good config and refuses a bad one with exit code 2', async () => {
  writeFileSync(join(folder, 'good.yaml'), 'upstreams:\n  - url: http://127.0.0.1:8545\n');
  await npx('check', 'good.yaml');
  writeFileSync(join(folder, 'bad.yaml'), 'upstream:\n  - url: http://127.0.0.1:8545\n');
  await expect(npx('check', 'bad.yaml')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('bad.yaml:1:1'),
  });
});

test('a bare start has no node to show and says how to name one', async () => {
  await expect(npx('start')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--upstream'),
  });
});

test('start --upstream answers a call and ends on SIGTERM', async () => {
  const node = createServer((request, response) => void answerAsNode(request, response)).listen(
    0,
    '127.0.0.1',
  );
  await once(node, 'listening');
  const upstream = `http://127.0.0.1:${(node.address() as AddressInfo).port}`;
  // Not through npx, which stands between us and the signal.
  const child = spawn(
    join(folder, 'node_modules/.bin/polymorph'),
    ['start', '--upstream', upstream, '--listen', '127.0.0.1:0', '--admin-listen', 'none'],
    { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  started.push(child);
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  child.stderr.on('data', (text: Buffer) => (output += text.toString()));
  const ended = once(child, 'exit');

  await expect.poll(() => output, { timeout: 20_000, interval: 100 }).toContain('"serving"');
  const [, address = ''] = /"url":"([^"]+)"/.exec(output) ?? [];
  const body = '{"jsonrpc":"2.0","id":1.0,"method":"eth_echo","params":["hello"]}';
  const answer = await fetch(address, { method: 'POST', body });
  expect(await answer.text()).toBe('{"jsonrpc":"2.0","id":1.0,"result":["hello"]}');

  child.kill('SIGTERM');
  expect(await ended, output).toEqual([0, null]);
  node.closeAllConnections();
  node.close();
});

/** Answers a call with its params, and what is no call with an error. */
const answerAsNode = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const body = await text(request);
  if (body === '') response.writeHead(400).end();
  else {
    const { id, params } = JSON.parse(body) as { id: unknown; params: unknown };
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result: params }));
  }
};
