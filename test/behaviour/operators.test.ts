import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callText, send, type TestAnswer, type TestRequest } from '../../src/gateway/testing/client.ts';
import { bucketOf } from '../../src/gateway/testing/gateway.ts';
import { newApiKey } from '../../src/identity/index.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { ownEnvironment, type Program, startProgram } from '../program.ts';
import { burst, workerOf } from './load.ts';

const good = newApiKey(randomBytes);
const own = `own-${randomBytes(18).toString('base64url')}`;
const token = `token-${randomBytes(18).toString('base64url')}`;
const password = `password${randomBytes(12).toString('hex')}`;
let node: FakeUpstream;
let program: Program;

beforeAll(async () => {
  node = await startFakeUpstream();
  program = await startProgram({
    config: {
      server: { workers: 2 },
      admin: { token },
      networks: {
        main: { path: '/', upstreams: [{ url: node.url.replace('//', `//user:${password}@`) }] },
        dead: { path: '/dead', upstreams: [{ url: `http://user:${password}@127.0.0.1:1/` }] },
      },
      methods: { blocked: ['blocked'] },
      limits: { default: 'none', methods: { limited: bucketOf(1), 'dry*': bucketOf(5) } },
      keys: [
        { name: 'acme', key: '${GOOD_KEY}', quota: { requests: 1000, period: 'day' } },
        { name: 'own', key: '${OWN_KEY}' },
      ],
      explain: { sample: 0 },
      logging: { level: 'debug', access_sample: 1 },
    },
    env: { GOOD_KEY: good, OWN_KEY: own },
  });
});
afterAll(async () => {
  await program.kill();
  await node.close();
});

interface Explained {
  kind: string;
  records: {
    item: number;
    alike: number;
    method: string;
    worker: number;
    outcome: string;
    caller: { keyName: string | null };
  }[];
}

const admin = (path: string, body?: object): Promise<Response> =>
  fetch(`${program.adminUrl}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });

const explain = async (answer: TestAnswer): Promise<Explained> =>
  (await (await admin(`/explain/${String(answer.headers['x-request-id'])}`)).json()) as Explained;

function cli(args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [main, ...args], { env: ownEnvironment() });
    const limit = setTimeout(() => child.kill('SIGKILL'), 60_000);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('close', (code) => {
      clearTimeout(limit);
      resolve({ code, stdout, stderr });
    });
  });
}

describe('explain', () => {
  it('finds a refusal by its id, whichever worker made it, with the key’s name', async () => {
    const answers = await burst(program.port, 40, 20, { headers: { 'x-api-key': good }, method: 'limited' });
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(39);
    expect(new Set(refused.map(workerOf))).toEqual(new Set(['0', '1']));
    for (const answer of refused) {
      expect(await explain(answer)).toMatchObject({
        kind: 'recorded',
        records: [{ worker: Number(workerOf(answer)), outcome: 'exceeded', caller: { keyName: 'acme' } }],
      });
    }
    const passed = answers.find(({ status }) => status === 200)!;
    expect((await admin(`/explain/${String(passed.headers['x-request-id'])}`)).status).toBe(404);
  });

  it('finds the refused items of a batch, in order', async () => {
    const body = `[${callText('m', '1')},${callText('blocked', '2')},{},${callText('blocked', '4')}]`;
    const { records } = await explain(await send(program.port, { body }));
    // Those that were refused alike are one record.
    expect(records.map(({ item, method, alike }) => [item, method, alike])).toEqual([
      [1, 'blocked', 1],
      [2, '', 0],
    ]);
  });

  it('foresees a call without taking anything', async () => {
    const ask = { method: 'dry_run', keyName: 'acme' };
    for (let k = 0; k < 20; k++) {
      expect(await (await admin('/explain', ask)).json()).toMatchObject({
        kind: 'dry-run',
        records: [{ outcome: 'allowed', buckets: [{ policy: 'method:dry*', before: 5, after: 4 }] }],
      });
    }
    const answer = await send(program.port, { headers: { 'x-api-key': good }, body: callText('dry_run') });
    expect(answer.headers['ratelimit']).toMatch(/^"method:dry\*";r=4;/);
  });

  it('by the command, with an id or as a dry run by key', async () => {
    const refused = await send(program.port, { headers: { 'x-api-key': own }, body: callText('blocked') });
    const id = String(refused.headers['x-request-id']);
    const access = ['--admin', program.adminUrl, '--token', token];
    const byId = await cli(['explain', id, ...access]);
    expect([byId.code, byId.stderr]).toEqual([0, '']);
    expect(byId.stdout).toContain('blocked');
    expect(byId.stdout).toContain('own');
    const dry = await cli(['explain', '--key', own, '--method', 'dry_run', '--json', ...access]);
    expect(dry.code).toBe(0);
    expect(JSON.parse(dry.stdout)).toMatchObject({
      kind: 'dry-run',
      records: [{ caller: { keyName: 'own' } }],
    });
    expect(byId.stdout + dry.stdout).not.toContain(own);
    expect((await cli(['explain', `${id}zz`, ...access])).code).toBe(1);
  });
});

describe('health', () => {
  it('is told by both listeners, readiness by the admin one, details only with the token', async () => {
    expect((await fetch(`${program.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${program.adminUrl}/healthz`)).status).toBe(200);
    expect((await fetch(`${program.url}/readyz`)).status).toBe(404);
    const open = (await (await fetch(`${program.adminUrl}/readyz`)).json()) as {
      status: string;
      checks: object[];
    };
    expect(open).toEqual({
      status: 'ready',
      checks: [
        { name: 'workers', status: 'up' },
        { name: 'config', status: 'up' },
        { name: 'store', status: 'up' },
        { name: 'usage', status: 'up' },
        // The node of one network does not exist: found out by now, or soon.
        { name: 'upstreams', status: expect.stringMatching(/^(?:up|down)$/) },
      ],
    });
    expect(await (await admin('/readyz')).json()).toMatchObject({
      status: 'ready',
      checks: [
        { up: 2, of: 2, restarts: 0 },
        { problem: null },
        { kind: 'sqlite', problem: null },
        { lagBytes: expect.any(Number), damaged: 0 },
        { networks: [{ network: 'main' }, { network: 'dead' }] },
      ],
    });
    expect((await fetch(`${program.adminUrl}/explain/x`)).status).toBe(401);
  });
});

describe('secrets', () => {
  it('of callers and upstreams reach no log, no explanation, no answer and no kept file', async () => {
    const answers: TestAnswer[] = [];
    const explanations: string[] = [];
    for (const key of [good, own]) {
      const requests: TestRequest[] = [
        { headers: { 'x-api-key': key }, body: callText('m') },
        { headers: { authorization: `Bearer ${key}` }, body: callText('blocked') },
        { path: `/${key}`, body: callText('limited') },
        { path: `/${key}/x`, body: callText('m') },
        { path: `/?api_key=${key}`, body: '{' },
        { path: `/dead/${key}`, body: callText('m') },
        { path: `/nowhere/${key}`, body: callText('m') },
        // Put where no key belongs, by mistake.
        { headers: { 'x-api-key': key, 'x-request-id': key }, body: callText('blocked') },
        { headers: { 'x-api-key': `${key}x` }, body: callText('m') },
        {
          headers: { 'x-api-key': key, 'x-forwarded-for': key, forwarded: `for=${key}` },
          body: callText('m'),
        },
        { path: `/${key}`, method: 'GET' },
      ];
      for (const request of requests) {
        const answer = await send(program.port, request);
        answers.push(answer);
        const explained = await admin(`/explain/${String(answer.headers['x-request-id'])}`);
        explanations.push(await explained.text());
      }
    }
    expect(
      (await program.reload(`upstreams: [{ url: "${password}" }]\nkeys: [{ key: ${good} }]`)).level,
    ).toBe('error');
    await program.waitFor('"kind":"access"');
    program.signal('SIGTERM');
    await program.exited;
    const state = await readFile(`${program.folder}/.polymorph/limits.state`, 'latin1').catch(() => '');
    const seen = {
      log: program.output(),
      answers: JSON.stringify(answers),
      explanations: explanations.join('\n'),
      heads: node.heads.join('\n').replaceAll(/authorization: .*/gi, ''),
      bodies: node.bodies.join('\n'),
      state,
    };
    expect(seen.log).toContain(good.slice(8, 16));
    expect(state).not.toBe('');
    for (const [where, text] of Object.entries(seen)) {
      for (const secret of [good.slice(16), own, token, password, btoa(`user:${password}`)]) {
        expect({ where, secret, found: text.includes(secret) }).toEqual({ where, secret, found: false });
      }
    }
  });
});
