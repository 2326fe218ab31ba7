import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import type { z } from 'zod';
import { startFakeUpstream, type FakeUpstream } from '../../../test/fakes/upstream.ts';
import { quiet } from '../../../test/quiet.ts';
import { statisticsPage, statsSchemas } from '../../admin/index.ts';
import { callText, send } from '../../gateway/testing/client.ts';
import { type Gateway, startGateway } from '../start-gateway.ts';

const { identity, methods, range, summary, top } = statsSchemas;
const acme = 'acme-key-of-twenty-two-characters';
let folder: string;
let node: FakeUpstream;
let gateway: Gateway;

function start(config: object, directory: string): Promise<Gateway> {
  return startGateway({
    source: {
      kind: 'value',
      name: 'test',
      directory,
      value: {
        ...quiet,
        admin: { listen: '127.0.0.1:0' },
        upstreams: [{ url: node.url, name: 'one' }],
        methods: { blocked: ['admin_*'], costs: { dear: 9 } },
        limits: { default: 'none', methods: { eth_call: { requests: 2, period: '24h', mode: 'shadow' } } },
        keys: [{ name: 'acme', key: acme }],
        // What callers without a key are refused is told where a sink wants it.
        events: { sinks: [{ name: 'out', type: 'stdout', events: ['method.blocked'] }] },
        ...config,
      },
    },
    env: {},
    version: '1.2.3',
    terminal: false,
    colour: false,
    watch: false,
    logOutput: { write() {} },
  });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'polymorph-'));
  node = await startFakeUpstream();
  gateway = await start({ server: { listen: '127.0.0.1:0', workers: 1, state_dir: folder } }, folder);
  const call = (method: string, key?: string) =>
    send(gateway.address.port, {
      headers: key === undefined ? {} : { 'x-api-key': key },
      body: callText(method),
    });
  for (let k = 0; k < 3; k++) await call('eth_call', acme);
  for (let k = 0; k < 2; k++) await call('dear');
  for (let k = 0; k < 6; k++) await call('admin_peers');
  await operate('users.create', { email: 'ada@example.com', name: 'Ada' });
  for (const name of ['twin', 'twin', 'lone'])
    await operate('keys.create', { user: 'ada@example.com', name }).catch(() => undefined);
});
afterAll(async () => {
  await gateway.stop();
  await node.close();
  await rm(folder, { recursive: true });
});

async function operate(name: string, input: object): Promise<any> {
  const answer = await fetch(`${gateway.adminUrl}/operations/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(input),
  });
  return answer.json();
}

async function ask(path: string): Promise<{ status: number; body: any }> {
  const answer = await fetch(`${gateway.adminUrl}${path}`);
  return { status: answer.status, body: await answer.json() };
}

/** The answer, which must be as documented. */
async function get<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema>> {
  const { status, body } = await ask(path);
  expect(status, JSON.stringify(body)).toBe(200);
  return schema.parse(body);
}

describe('statistics', () => {
  it('say what there was, in all and by method', async () => {
    const all = await get('/stats/summary', summary);
    expect(all).toMatchObject({
      version: '1.2.3',
      totals: { calls: 11, allowed: 5, blocked: 6, cost: 3 + 2 * 9 },
      networks: [{ network: 'default', calls: 11 }],
      upstreams: [{ upstream: 'one', state: 'unknown', breaker: 'closed', latency: { count: 5 } }],
      shadow: [{ rule: 'method:eth_call', wouldRefuse: 1 }],
      usage: { lost: 0 },
      workers: [{ worker: 0, state: 'up', restarts: 0 }],
    });
    expect(all.latency.total.count).toBe(5);
    const by = await get('/stats/methods', methods);
    expect(by.methods.map(({ method, calls }) => [method, calls])).toEqual([
      ['admin_*', 6],
      ['eth_call', 3],
      ['dear', 2],
    ]);
  });

  it('say who calls most, by what is asked', async () => {
    const order = async (by: string) =>
      (await get(`/stats/top?by=${by}`, top)).entries.map(({ kind, name }) => name ?? kind);
    expect(await order('calls')).toEqual(['address', 'acme']);
    expect(await order('cost')).toEqual(['address', 'acme']);
    // Who has none of it is not among them.
    expect(await order('refused')).toEqual(['address']);
    expect(await order('bytes')).toEqual(['acme', 'address']);
    expect((await get('/stats/top?limit=1', top)).entries).toHaveLength(1);
  });

  it('know one key by its id, name and prefix, and an address', async () => {
    const { id, prefix } = await get('/stats/identity/acme', identity);
    for (const ref of [id, prefix, 'acme'])
      expect(await get(`/stats/identity/${ref}`, identity)).toMatchObject({
        kind: 'key',
        ...{ id, prefix, name: 'acme', missedCallsMax: 0 },
        counts: { calls: 3, allowed: 3 },
      });
    for (const ref of ['127.0.0.1', '::ffff:127.0.0.1', '127.0.0.1%2F32'])
      expect(await get(`/stats/identity/${ref}`, identity)).toMatchObject({
        kind: 'address',
        id: '127.0.0.1',
        counts: { calls: 8, blocked: 6 },
      });
    expect(await get('/stats/identity/192.0.2.1', identity)).toMatchObject({
      counts: { calls: 0 },
      lastSeenAt: null,
    });
    // A key of the store that nobody used yet.
    for (const end = performance.now() + 10_000; performance.now() < end; await delay(20))
      if ((await ask('/stats/identity/lone')).status === 200) break;
    expect(await get('/stats/identity/lone', identity)).toMatchObject({ name: 'lone', counts: { calls: 0 } });
  });

  it('have the events and bans that there are', async () => {
    const refused = async () => (await get('/stats/summary', summary)).events.emitted['method.blocked'];
    for (const end = performance.now() + 10_000; performance.now() < end; await delay(20))
      if ((await refused()) !== undefined) break;
    // Six of one address: one event at once, and one of the rest later.
    expect(await refused()).toBe(1);
    const before = (await get('/stats/summary', summary)).bans;
    const ban = await fetch(`${gateway.adminUrl}/operations/blocklist.add`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ address: '203.0.113.9' }),
    });
    expect(ban.status).toBe(200);
    expect((await get('/stats/summary', summary)).bans).toBe(before + 1);
  });

  it('of a time come from the ledger', async () => {
    const path = '/stats/summary?from=1h';
    for (const end = performance.now() + 10_000; performance.now() < end; await delay(100))
      if ((await ask(path)).body.totals.calls === 5) break;
    expect(await get(path, range)).toMatchObject({ step: null, totals: { calls: 5, cost: 21 } });
    const minutes = await get('/stats/methods?from=1h&step=minute', range);
    expect(minutes.lines.map(({ method }) => method)).toEqual(expect.arrayContaining(['dear', 'eth_call']));
    expect(minutes.lines[0]!.at).toMatch(/:00.000Z$/);
    const callers = await get('/stats/top?from=1h&by=cost&limit=1', range);
    expect(callers.lines).toMatchObject([{ key: { name: 'without a key' }, cost: 18 }]);
    expect(await get('/stats/identity/acme?step=day', range)).toMatchObject({ totals: { calls: 3 } });
  });

  it.each([
    ['/stats/summary?fron=1h', 400, 'there is no parameter fron'],
    ['/stats/summary?from=1h&from=2h', 400, 'from is there twice'],
    ['/stats/summary?from=yesterday', 400, 'how long ago'],
    ['/stats/summary?from=1h&to=2h', 400, 'is not before'],
    ['/stats/summary?step=week', 400, 'expected minute, hour, day'],
    ['/stats/top?by=height', 400, 'expected calls, cost, refused, bytes'],
    ['/stats/top?limit=0', 400, 'from 1 to 1000'],
    ['/stats/identity/127.0.0.1?from=1h', 400, 'by key, not by address'],
    ['/stats/identity/nobody', 404, 'no key of that id, name or prefix'],
    ['/stats/identity/nobody?from=1h', 404, 'nobody'],
    ['/stats/nothing', 404, 'no such path'],
  ])('%s is a clear error', async (path, status, detail) => {
    const answer = await ask(path);
    expect(answer.status).toBe(status);
    expect(answer.body.detail).toContain(detail);
  });

  it('repeat no key that was taken for a name', async () => {
    const answer = await ask(`/stats/identity/${acme}`);
    expect([answer.status, JSON.stringify(answer.body).includes(acme)]).toEqual([404, false]);
  });

  it('ask for the token, and without a store for no time', async () => {
    const other = await start(
      {
        server: { listen: '127.0.0.1:0', workers: 1, state_dir: 'none' },
        admin: { listen: '127.0.0.1:0', token: 'secret-of-this-test' },
      },
      '/',
    );
    try {
      const paths = ['/metrics', '/stats/summary', '/stats/methods', '/stats/top', '/stats/identity/acme'];
      for (const path of paths) expect((await fetch(other.adminUrl + path)).status).toBe(401);
      const headers = { authorization: 'Bearer secret-of-this-test' };
      for (const path of paths) expect((await fetch(other.adminUrl + path, { headers })).status).toBe(200);
      const answer = await fetch(`${other.adminUrl}/stats/top?from=1h`, { headers });
      expect([answer.status, await answer.json()]).toEqual([
        409,
        expect.objectContaining({ detail: expect.stringContaining('keeps no store') }),
      ]);
    } finally {
      await other.stop();
    }
  });
});

test('docs/statistics.md is of these schemas, and its commands ask for what there is', async () => {
  const page = readFileSync(new URL('../../../docs/statistics.md', import.meta.url), 'utf8');
  expect(page).toBe(statisticsPage());
  const paths = [...page.matchAll(/^curl '?http:\/\/127\.0\.0\.1:9540(?<path>[^\s']+)/gm)];
  expect(paths.length).toBeGreaterThan(3);
  for (const { groups } of paths) expect((await ask(groups!['path']!)).status).toBe(200);
});
