import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tarballBytesMax } from '../scripts/release/tarball.ts';
import { fetchNode, noNodes } from './nodes.ts';

/** The package as others get it: built, packed, installed in a project of its own and run by npx. */

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'polymorph-package-'));
const started: ChildProcess[] = [];
let tarball: string;
let contents: string[];

const manifest = () =>
  JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    version: string;
    dependencies: Record<string, string>;
  };

// What npm tells its scripts about this project must not steer the npm that installs in another.
const env = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^(npm_package_|npm_config_local_prefix$|INIT_CWD$)/.test(name),
  ),
);

/** The environment in which `node` is this binary. */
const envOf = (node: string) => ({ ...env, PATH: `${dirname(node)}${delimiter}${process.env['PATH']}` });

const npxBy = (node: string, ...args: string[]): Promise<{ stdout: string; stderr: string }> =>
  run('npx', ['--no-install', 'polymorph-proxy', ...args], { cwd: folder, env: envOf(node) });
const npx = (...args: string[]) => npxBy(process.execPath, ...args);

beforeAll(async () => {
  // The release names the very file that it is about to publish.
  const given = process.env['POLYMORPH_TARBALL'];
  if (given === undefined) await run('npm', ['pack', '--pack-destination', folder], { cwd: root, env });
  else copyFileSync(given, join(folder, basename(given)));
  tarball = join(folder, readdirSync(folder)[0] ?? '');
  contents = (await run('tar', ['-tzf', tarball])).stdout.trim().split('\n');
  writeFileSync(join(folder, 'package.json'), '{"private":true}');
  const quiet = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  // A download that stands still is begun again, and not waited for.
  quiet.push('--fetch-timeout=20000', '--fetch-retries=4');
  await run('npm', ['install', tarball, ...quiet], { cwd: folder, env });
}, 300_000);

afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

test('holds the program and its documents, no sources and no tests', () => {
  const outside = contents.filter((path) => !/^package\/(deploy|dist|docs|examples)\//.test(path));
  expect(outside.toSorted()).toEqual(
    ['CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE', 'README.md', 'SECURITY.md', 'package.json'].map(
      (name) => `package/${name}`,
    ),
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

test('is of 3 MB at most', () => {
  expect(statSync(tarball).size).toBeLessThanOrEqual(tarballBytesMax);
});

test('brings no development dependency along', () => {
  for (const name of Object.keys(manifest().dependencies))
    expect(existsSync(join(folder, 'node_modules', name)), name).toBe(true);
  expect(readdirSync(join(folder, 'node_modules'))).not.toContain('@foundry-rs');
});

test('npx polymorph-proxy --version', async () => {
  expect((await npx('--version')).stdout).toBe(`${manifest().version}\n`);
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

test('start --upstream answers a call, explains it and ends on SIGTERM', () => tryOut(process.execPath));

const long = process.env['POLYMORPH_TEST_LONG'] === '1';
const why = noNodes ?? (!long && 'only in npm run test:long');

// The floor of `engines`, and the newest of each line that is kept up.
describe.skipIf(why)(`on other versions of Node${why ? `: ${why}` : ''}`, () => {
  test.each(['22.19.0', '22', '24', '26'])('Node %s', async (version) => {
    const node = await fetchNode(version);
    expect((await run(node, ['--version'])).stdout).toMatch(`v${version}`);
    const { stdout } = await npxBy(node, '--version');
    expect(stdout.trim()).toBe(manifest().version);
    writeFileSync(join(folder, 'good.yaml'), 'upstreams:\n  - url: http://127.0.0.1:8545\n');
    // Nothing of Node's own, such as a warning that something is experimental.
    expect((await npxBy(node, 'check', 'good.yaml')).stderr).toBe('');
    await tryOut(node);
    // Without an installation, as somebody tries it.
    const tried = ['--yes', '--ignore-scripts', '--package', tarball, 'polymorph-proxy', '--version'];
    expect((await run('npx', tried, { cwd: tmpdir(), env: envOf(node) })).stdout.trim()).toBe(
      manifest().version,
    );
  });
});

/** Starts the installed package by this Node before a node of ours, calls it, asks why, and ends it. */
async function tryOut(binary: string): Promise<void> {
  const node = createServer((request, response) => void answerAsNode(request, response)).listen(
    0,
    '127.0.0.1',
  );
  await once(node, 'listening');
  const upstream = `http://127.0.0.1:${(node.address() as AddressInfo).port}`;
  writeFileSync(
    join(folder, 'tried.yaml'),
    JSON.stringify({
      server: { listen: '127.0.0.1:0', workers: 1, state_dir: join(folder, `state-${Date.now()}`) },
      admin: { listen: '127.0.0.1:0' },
      upstreams: [{ url: upstream }],
      explain: { sample: '100%' },
    }),
  );
  // Not through npx, which stands between us and the signal.
  const child = spawn(join(folder, 'node_modules/.bin/polymorph'), ['start', '--config', 'tried.yaml'], {
    cwd: folder,
    env: envOf(binary),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  child.stderr.on('data', (text: Buffer) => (output += text.toString()));
  const ended = once(child, 'exit');

  await expect.poll(() => output, { timeout: 20_000, interval: 100 }).toContain('"serving"');
  const [, address = ''] = /"url":"([^"]+)"/.exec(output) ?? [];
  const [, admin = ''] = /"admin":"([^"]+)"/.exec(output) ?? [];
  const body = '{"jsonrpc":"2.0","id":1.0,"method":"eth_echo","params":["hello"]}';
  const answer = await fetch(address, { method: 'POST', body });
  expect(await answer.text()).toBe('{"jsonrpc":"2.0","id":1.0,"result":["hello"]}');
  const id = answer.headers.get('x-request-id') ?? '';
  expect((await npxBy(binary, 'explain', id, '--admin', admin)).stdout).toContain('eth_echo');

  child.kill('SIGTERM');
  expect(await ended, output).toEqual([0, null]);
  node.closeAllConnections();
  node.close();
}

/** Answers a call with its params, and what is no call with an error. */
const answerAsNode = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const body = await text(request);
  if (body === '') response.writeHead(400).end();
  else {
    const { id, params } = JSON.parse(body) as { id: unknown; params: unknown };
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result: params }));
  }
};
