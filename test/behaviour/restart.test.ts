import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { callText, send } from '../../src/gateway/testing/client.ts';
import { bucketOf } from '../../src/gateway/testing/gateway.ts';
import { until } from '../../src/gateway/testing/until.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { ownEnvironment, type Program, startProgram } from '../program.ts';
import { startLoad } from './load.ts';
import { quiet } from '../quiet.ts';

const key = 'restart-key-of-twenty-two-characters';
let node: FakeUpstream;
let folder = '';
const programs: Program[] = [];

beforeAll(async () => {
  node = await startFakeUpstream();
});
beforeEach(async () => {
  node.behave({});
  folder = await mkdtemp(join(tmpdir(), 'polymorph-restart-'));
});
afterEach(async () => {
  for (const program of programs.splice(0)) await program.kill();
  await rm(folder, { recursive: true, force: true });
});
afterAll(() => node.close());

const configOf = (over: object = {}): object => ({
  ...quiet,
  server: { workers: 2, drain_timeout: '5s', ...over },
  upstreams: [{ url: node.url }],
  limits: { default: bucketOf(10) },
  keys: [{ name: 'acme', key, quota: { requests: 8, period: 'month' } }],
});

async function start(config: object): Promise<Program> {
  const program = await startProgram({ config, folder });
  programs.push(program);
  return program;
}

const headers = { 'x-api-key': key };
const left = async ({ port }: Program): Promise<string> =>
  /;r=(\d+)/.exec(String((await send(port, { headers, body: callText() })).headers['ratelimit']))?.[1] ?? '';

describe('SIGTERM', () => {
  it('answers what is under way, is not ready meanwhile, keeps buckets and quotas, and ends with 0', async () => {
    const first = await start(configOf());
    expect(await left(first)).toBe('9');
    const waiting: (() => void)[] = [];
    node.behave({ request: (x) => void waiting.push(() => x.send(x.http())) });
    const calls = Array.from({ length: 5 }, (_, k) =>
      send(first.port, { headers, body: callText('m', `${k}`, `[${k}]`) }),
    );
    await until(() => waiting.length === 5);
    first.signal('SIGTERM');
    await first.waitFor('"msg":"draining"');
    const ready = await fetch(`${first.adminUrl}/readyz`);
    expect(ready.status).toBe(503);
    await expect(send(first.port, { body: callText() })).rejects.toThrow(/ECONN/);
    for (const answer of waiting) answer();
    const answers = await Promise.all(calls);
    expect(answers.map(({ status, json }) => [status, json.result])).toEqual(
      [0, 1, 2, 3, 4].map((k) => [200, k]),
    );
    expect(await first.exited).toEqual({ code: 0, signal: null });
    const state = join(folder, '.polymorph', 'limits.state');
    expect((await stat(state)).mode & 0o777).toBe(0o600);

    node.behave({});
    const second = await start(configOf());
    expect(second.logs().map(({ msg }) => msg)).toContain('restored 1 bucket and 1 quota of the last run');
    // Six of ten tokens and six of eight calls went before the restart.
    expect(await left(second)).toBe('3');
    expect(await left(second)).toBe('2');
    const refused = await send(second.port, { headers, body: callText() });
    expect([refused.status, refused.json.error.data]).toMatchObject([402, { quota: 8, used: 8 }]);
  });

  it('drops no call of a load that goes on', async () => {
    const program = await start({ ...configOf(), limits: { default: 'none' }, keys: [] });
    const load = startLoad(program.port, { connections: 8 });
    await until(() => load.calls >= 200);
    program.signal('SIGTERM');
    expect((await program.exited).code).toBe(0);
    const { statuses, dropped } = await load.stop();
    expect(Object.keys(statuses)).toEqual(['200']);
    // Refused before anything was sent. A connection that closed while it was idle may cross a call on its way, once.
    const crossed = dropped.filter((error) => !error.includes('ECONNREFUSED'));
    expect(crossed.length).toBeLessThanOrEqual(8);
    for (const error of crossed) expect(error).toMatch(/ECONNRESET|socket hang up/);
  });

  it('cuts what is left at the deadline', async () => {
    let asked = false;
    const program = await start(configOf({ drain_timeout: '300ms' }));
    // Not before: the start asks the node, too, whether it is ourselves.
    node.behave({ request: () => void (asked = true) });
    const call = send(program.port, { headers, body: callText() }).catch((error: Error) => error.message);
    await until(() => asked);
    const began = performance.now();
    expect(await program.stop()).toEqual({ code: 0, signal: null });
    expect(performance.now() - began).toBeLessThan(5000);
    expect(await call).toMatch(/hang up|ECONNRESET/);
  });

  it('with state_dir: none leaves nothing behind', async () => {
    const program = await start(configOf({ state_dir: 'none' }));
    expect(await left(program)).toBe('9');
    await program.stop();
    expect(await readdir(folder)).toEqual(['polymorph.yaml']);
    expect(await left(await start(configOf({ state_dir: 'none' })))).toBe('9');
  });

  it('a spoiled state is not used, and said', async () => {
    const first = await start(configOf());
    await left(first);
    await first.stop();
    await writeFile(join(folder, '.polymorph', 'limits.state'), 'rubbish');
    const second = await start(configOf());
    expect(await left(second)).toBe('9');
    expect(second.logs().find(({ level }) => level === 'warn')!.msg).toMatch(
      /^the saved state of limits is not used/,
    );
  });
});

/** Runs `polymorph start` to its end: for starts that fail. */
function failedStart(config: object, args: string[]): Promise<{ code: number | null; stderr: string }> {
  const file = join(folder, 'other.yaml');
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
  return writeFile(file, JSON.stringify(config)).then(
    () =>
      new Promise((resolve) => {
        const child = spawn(process.execPath, [main, 'start', '--config', file, ...args], {
          env: ownEnvironment(),
          stdio: ['ignore', 'ignore', 'pipe'],
        });
        const limit = setTimeout(() => child.kill('SIGKILL'), 60_000);
        let stderr = '';
        child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
        child.on('close', (code) => {
          clearTimeout(limit);
          resolve({ code, stderr });
        });
      }),
  );
}

describe('a start that cannot be', () => {
  it('a second instance on the port says so, and the first goes on', async () => {
    const first = await start(configOf());
    const load = startLoad(first.port, { connections: 4 });
    const { code, stderr } = await failedStart(configOf(), [
      '--listen',
      `127.0.0.1:${first.port}`,
      '--admin-listen',
      '127.0.0.1:0',
    ]);
    expect(code).toBe(1);
    expect(stderr).toContain(`something already listens on 127.0.0.1:${first.port}`);
    const { dropped } = await load.stop();
    expect(dropped).toEqual([]);
  });

  it('an upstream that is ourselves is found out', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await new Promise<void>((resolve) => server.close(() => resolve()));
    // By another name than the listener's, which reading the config alone cannot know to be the same.
    const config = { ...configOf(), upstreams: [{ url: `http://localhost:${port}/` }] };
    const listen = ['--listen', `0.0.0.0:${port}`, '--admin-listen', '127.0.0.1:0'];
    const { code, stderr } = await failedStart(config, listen);
    expect(stderr).toMatch(/this very gateway|itself|ourselves/);
    expect(code).not.toBe(0);
  });
});
