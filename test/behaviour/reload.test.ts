import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { send, callText } from '../../src/gateway/testing/client.ts';
import { bucketOf } from '../../src/gateway/testing/gateway.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { type Program, startProgram } from '../program.ts';
import { startLoad } from './load.ts';
import { quiet } from '../quiet.ts';

const key = 'reload-key-of-twenty-two-characters';
let node: FakeUpstream;
let program: Program | undefined;

beforeAll(async () => {
  node = await startFakeUpstream();
});
afterEach(async () => {
  await program?.kill();
  program = undefined;
});
afterAll(() => node.close());

const configOf = (over: object = {}): object => ({
  ...quiet,
  server: { workers: 2, state_dir: 'none' },
  upstreams: [{ url: node.url }],
  limits: { default: 'none' },
  keys: [{ name: 'acme', key }],
  ...over,
});

const asks = async (port: number, headers: Record<string, string> = {}, method = 'm') =>
  send(port, { headers, body: callText(method) });

describe('a reload', () => {
  it('keeps ratios over all workers, raises limits at once, and refuses a removed key at once', async () => {
    const headers = { 'x-api-key': key };
    const limited = (tokens: number) => configOf({ limits: { default: bucketOf(tokens) } });
    program = await startProgram({ config: limited(10) });
    const { port } = program;
    for (let k = 0; k < 5; k++) expect((await asks(port, headers)).status).toBe(200);

    expect(await program.reload(limited(1000))).toMatchObject({ level: 'info', msg: 'config reloaded' });
    expect((await asks(port, headers)).headers['ratelimit']).toMatch(/^"default";r=499;/);

    await program.reload(configOf({ limits: { default: bucketOf(1000) }, keys: [] }));
    // Whichever worker takes the connection.
    const statuses = await Promise.all(
      Array.from({ length: 20 }, async () => (await asks(port, headers)).status),
    );
    expect(new Set(statuses)).toEqual(new Set([401]));
    expect((await asks(port)).status).toBe(200);

    await program.reload(limited(1000));
    expect((await asks(port, headers)).headers['ratelimit']).toMatch(/^"default";r=498;/);
  });

  it('50 bad configs under load drop nothing, and the last good one serves', async () => {
    program = await startProgram({ config: configOf() });
    const load = startLoad(program.port, { connections: 16, headers: { 'x-api-key': key } });
    const bad: (object | string)[] = [
      'upstreams: [',
      '',
      '\0',
      '{}',
      'a: &a [*a]',
      configOf({ limits: { default: { requests: 0, period: '1s' } } }),
      configOf({ upstreams: [{ url: 'nonsense' }] }),
      configOf({ keys: [{ name: 'acme', key: 'short' }] }),
      configOf({ unknown_section: 1 }),
      configOf({ upstreams: [{ url: program.url }] }),
    ];
    for (let k = 0; k < 50; k++) {
      const line = await program.reload(bad[k % bad.length]!);
      expect(line).toMatchObject({
        level: 'error',
        msg: expect.stringMatching(/^config not reloaded/) as string,
      });
    }
    const { statuses, dropped } = await load.stop();
    expect(dropped).toEqual([]);
    expect(Object.keys(statuses)).toEqual(['200']);
    const ready = (await (await fetch(`${program.adminUrl}/readyz`)).json()) as { status: string };
    expect(ready.status).toBe('degraded');
    expect(program.output()).not.toContain(key);

    expect((await program.reload(configOf({ methods: { blocked: ['n'] } }))).msg).toBe('config reloaded');
    expect((await asks(program.port, {}, 'n')).json.error.code).toBe(-32004);
    expect(((await (await fetch(`${program.adminUrl}/readyz`)).json()) as { status: string }).status).toBe(
      'ready',
    );
  });

  it('50 swaps of ..data, as Kubernetes does them, under load: each applied, nothing dropped', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'polymorph-data-'));
    const version = async (k: number): Promise<void> => {
      const tokens = 1_000_000 + k;
      await mkdir(join(folder, `..v${k}`));
      await writeFile(
        join(folder, `..v${k}`, 'polymorph.yaml'),
        JSON.stringify(configOf({ limits: { default: bucketOf(tokens) } })),
      );
      await symlink(`..v${k}`, join(folder, '..data_tmp'));
      await rename(join(folder, '..data_tmp'), join(folder, '..data'));
    };
    try {
      await version(0);
      await symlink(join('..data', 'polymorph.yaml'), join(folder, 'polymorph.yaml'));
      program = await startProgram({
        config: configOf({ limits: { default: bucketOf(1_000_000) } }),
        folder,
      });
      const load = startLoad(program.port, { connections: 16 });
      const took: number[] = [];
      for (let k = 1; k <= 50; k++) {
        const from = program.logs().length;
        await version(k);
        const line = await program.waitFor(/"msg":"config reloaded"/, from);
        took.push(Number(line['tookMs']));
        await rm(join(folder, `..v${k - 1}`), { recursive: true });
      }
      const { statuses, dropped } = await load.stop();
      expect(dropped).toEqual([]);
      expect(Object.keys(statuses)).toEqual(['200']);
      expect((await asks(program.port)).headers['ratelimit-policy']).toContain(';q=1000050;');
      expect(program.logs().filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
      // The bound is 100 ms; on a crowded machine the middle one shall hold it.
      expect(took.toSorted((a, b) => a - b)[25]).toBeLessThan(100);
    } finally {
      await program?.kill();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
