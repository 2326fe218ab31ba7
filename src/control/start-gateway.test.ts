import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startFakeUpstream } from '../../test/fakes/upstream.ts';
import { type Gateway, type GatewayOptions, startGateway } from './start-gateway.ts';

const stub = new URL('./testing/stub-worker.ts', import.meta.url);
let folder = '';
let gateway: Gateway | undefined;
let lines: string[] = [];
const servers: Server[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'polymorph-control-'));
  lines = [];
});
afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
  for (const server of servers.splice(0)) server.close();
  rmSync(folder, { recursive: true });
});

interface Written {
  requests?: number;
  upstream?: string;
  admin?: string;
  listen?: string;
  more?: string;
}

function write({
  requests = 10,
  upstream = 'http://127.0.0.1:1',
  admin = '127.0.0.1:0',
  listen = '127.0.0.1:0',
  more = '',
}: Written = {}) {
  const path = join(folder, 'polymorph.yaml');
  writeFileSync(
    path,
    `server: { listen: ${listen}, workers: 2, drain_timeout: 2s }
admin: { listen: ${admin} }
upstreams: [{ url: ${upstream} }]
limits: { default: { requests: ${requests}, period: 1s } }
keys:
  - { name: acme, key: canary-canary-canary-01 }
${more}`,
  );
  return path;
}

async function start(options: Partial<GatewayOptions> = {}): Promise<Gateway> {
  gateway = await startGateway({
    source: { kind: 'file', path: join(folder, 'polymorph.yaml') },
    env: {},
    version: 'test',
    terminal: false,
    colour: false,
    watch: true,
    logOutput: { write: (line) => void lines.push(line) },
    workerUrl: stub,
    ...options,
  });
  return gateway;
}

const ask = async (path: string, body?: object) => {
  const url = `${gateway?.adminUrl}${path}`;
  const answer = await fetch(
    url,
    body && { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } },
  );
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
};

async function until(what: () => boolean): Promise<void> {
  const end = performance.now() + 8000;
  while (!what()) {
    if (performance.now() > end) throw new Error(`did not happen in time\n${lines.join('')}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const logged = (text: string) => lines.filter((line) => line.includes(text)).length;

test('serves, explains and drains, leaving its state', async () => {
  write();
  const { url, address } = await start();
  expect(url).toBe(`http://127.0.0.1:${address.port}`);
  expect(await ask('/readyz')).toMatchObject({ status: 200, body: { status: 'ready' } });
  expect((await ask('/explain/made-by-1')).body).toMatchObject({
    kind: 'recorded',
    records: [{ requestId: 'made-by-1', caller: { keyName: 'acme' } }],
    workers: { asked: 2, answered: 2 },
  });
  expect((await ask('/explain/nobody')).status).toBe(404);
  await gateway?.drain();
  expect(statSync(join(folder, '.polymorph', 'limits.state')).mode & 0o777).toBe(0o600);
  await expect(ask('/healthz')).rejects.toThrow();
  expect(logged('"msg":"drained"')).toBe(1);
});

test('a dry run takes nothing, knows keys by name and says what it does not know', async () => {
  write();
  await start();
  for (let twice = 0; twice < 2; twice += 1) {
    const { body } = await ask('/explain', { method: 'eth_call', keyName: 'acme' });
    expect(body).toMatchObject({
      kind: 'dry-run',
      records: [{ caller: { kind: 'key', keyName: 'acme' }, buckets: [{ before: 10, after: 9 }] }],
    });
  }
  expect(await ask('/explain', { method: 'm', keyName: 'nobody' })).toMatchObject({
    status: 404,
    body: { detail: 'no key is named nobody' },
  });
  expect(await ask('/explain', { method: 'm', network: 'moon' })).toMatchObject({
    status: 404,
    body: { detail: 'no network is named moon' },
  });
});

test('upstreams are checked while it serves, as the file says; a reload may end it', async () => {
  write({ more: 'health: { interval: 100ms }\n' });
  await start();
  await until(() => logged('is down: unreachable') === 1);
  const { status, body } = await ask('/readyz');
  expect({ status, body }).toMatchObject({
    status: 200,
    body: {
      status: 'ready',
      checks: [{}, {}, { name: 'upstreams', status: 'down', networks: [{ upstreams: [{ state: 'down' }] }] }],
    },
  });
  write({ more: 'health: { interval: 0 }\n' });
  await until(() => logged('config reloaded') === 1);
  expect((await ask('/readyz')).body).toMatchObject({
    checks: [{}, {}, { name: 'upstreams', status: 'up', networks: [] }],
  });
});

test('a changed file is applied by itself; a bad one is refused with its place and leaves the old', async () => {
  write();
  await start();
  write({ requests: 20 });
  await until(() => logged('config reloaded') === 1);
  const reloaded = JSON.parse(lines.find((line) => line.includes('config reloaded')) ?? '{}') as {
    tookMs: number;
    changes: string[];
  };
  expect(reloaded.changes.join()).toMatch(/from 10 per 1s to 20 per 1s/);
  expect(reloaded.tookMs).toBeGreaterThan(0);
  write({ more: 'nonsense: 1\n' });
  await until(() => logged('config not reloaded') === 1);
  expect(lines.join('')).toMatch(/polymorph\.yaml:7:1: error/);
  expect(await ask('/readyz')).toMatchObject({ status: 200, body: { status: 'degraded' } });
  expect((await ask('/explain', { method: 'm' })).body).toMatchObject({
    records: [{ buckets: [{ capacity: 20 }] }],
  });
  write({ requests: 20, listen: '127.0.0.1:2' });
  await until(() => logged('waits for a restart') === 1);
  expect(await gateway?.reload()).toMatchObject({
    outcome: 'unchanged',
    restartNeeded: [expect.stringContaining('server.listen') as string],
  });
});

test('the token and hosts of the admin listener follow a reload', async () => {
  write();
  await start();
  write({ admin: '127.0.0.1:0, token: canary-canary-token' });
  await until(() => logged('config reloaded') === 1);
  expect((await ask('/explain/made-by-1')).status).toBe(401);
  expect(lines.join('')).not.toContain('canary');
});

test('a port that is taken is told by its address, for both listeners', async () => {
  const holder = createServer();
  servers.push(holder);
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  const taken = `127.0.0.1:${(holder.address() as AddressInfo).port}`;
  write({ listen: taken });
  await expect(start()).rejects.toMatchObject({
    code: 'cannot_listen',
    exitCode: 1,
    message: `port taken: something already listens on ${taken}`,
  });
  write({ admin: taken });
  await expect(start()).rejects.toMatchObject({
    code: 'cannot_listen',
    message: `port taken: something already listens on ${taken}`,
  });
});

test('a bad config is told with its place', async () => {
  write({ more: 'limit: {}\n' });
  await expect(start()).rejects.toMatchObject({
    code: 'config_invalid',
    exitCode: 2,
    message: expect.stringMatching(/polymorph\.yaml:7:1: error: .*limits/) as string,
  });
});

test('a worker that cannot start fails the start with its reason', async () => {
  write();
  const workerUrl = new URL('data:text/javascript,throw new Error("cannot be a worker")');
  await expect(start({ workerUrl })).rejects.toMatchObject({
    code: 'worker_failed',
    exitCode: 1,
    message: expect.stringContaining('cannot be a worker') as string,
  });
});

test.each([
  ['an upstream', (url: string) => url],
  [
    'the WebSocket of an upstream',
    (url: string) => `"http://127.0.0.1:1", ws_url: "${url.replace('http', 'ws')}"`,
  ],
])('%s that leads back here is refused, at start and at a reload', async (_what, named) => {
  const target = createServer();
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
  const { port } = target.address() as AddressInfo;
  await new Promise((resolve) => target.close(resolve));
  const forwarder = createServer((from) => {
    const to = connect(port, '127.0.0.1');
    from.pipe(to).pipe(from);
    for (const socket of [from, to]) socket.on('error', () => {});
  });
  servers.push(forwarder);
  await new Promise<void>((resolve) => forwarder.listen(0, '127.0.0.1', resolve));
  const leading = `http://127.0.0.1:${(forwarder.address() as AddressInfo).port}`;
  const upstream = named(leading);
  write({ upstream, admin: `127.0.0.1:${port}` });
  await expect(start()).rejects.toMatchObject({
    code: 'upstream_is_ourselves',
    exitCode: 2,
    message: expect.stringContaining(leading) as string,
  });
  write({ admin: `127.0.0.1:${port}` });
  await start();
  write({ admin: `127.0.0.1:${port}`, upstream });
  await until(() => logged('config not reloaded') === 1);
  expect(lines.join('')).toContain('an upstream is this very gateway');
});

test('an admin listener beyond loopback asks for its token until a restart, whatever the file says', async () => {
  const config = (admin: string) =>
    `server: { listen: 127.0.0.1:0, workers: 1, state_dir: none }
admin: ${admin}
upstreams: [{ url: http://127.0.0.1:1 }]
`;
  const path = join(folder, 'polymorph.yaml');
  writeFileSync(path, config('{ listen: 0.0.0.0:0, token: s3cret-token-of-the-test }'));
  const { adminUrl } = await start();
  const { port } = new URL(adminUrl ?? '');
  const status = () => fetch(`http://127.0.0.1:${port}/explain/nobody`).then((answer) => answer.status);
  expect(await status()).toBe(401);
  writeFileSync(path, config('{ listen: 127.0.0.1:0 }'));
  await until(() => logged('config reloaded') === 1);
  expect(await status()).toBe(401);
  writeFileSync(path, config('{ listen: none }'));
  await until(() => logged('config reloaded') === 2);
  expect(await status()).toBe(401);
});

test('what the command line says goes before the file, also after a reload', async () => {
  write();
  await start({ overrides: { adminListen: 'none', workers: 1, logLevel: 'debug' } });
  expect(gateway?.adminUrl).toBeNull();
  expect(logged('worker up')).toBe(1);
  write({ requests: 11 });
  await until(() => logged('config reloaded') === 1);
  expect(gateway?.logger.level).toBe('debug');
  write();
  await expect(start({ overrides: { adminListen: { host: '0.0.0.0', port: 0 } } })).rejects.toMatchObject({
    code: 'config_invalid',
  });
});

test('where the chain id is configured nothing is served before each upstream was checked, unless one is silent', async () => {
  const block = { number: '0x64', hash: `0x${'1'.repeat(64)}`, parentHash: `0x${'2'.repeat(64)}` };
  const onChain = (chainId: string, delayMs: number) =>
    startFakeUpstream({
      vice: {
        request(x) {
          if (!x.body.startsWith('{"')) return x.send(x.http());
          const { id, method } = JSON.parse(x.body) as { id: number; method: string };
          const result = method === 'eth_chainId' ? chainId : method === 'eth_syncing' ? false : block;
          setTimeout(() => x.send(x.http(JSON.stringify({ jsonrpc: '2.0', id, result }))), delayMs);
        },
      },
    });
  const nodes = [
    await onChain('0x5', 600),
    await onChain('0x1', 0),
    await startFakeUpstream({ vice: { request: () => {} } }),
  ];
  const urls = nodes.map(({ port }) => `{ url: 'http://127.0.0.1:${port}' }`);
  const states = async () => {
    const { checks } = (await ask('/readyz')).body as {
      checks: { name: string; networks: { upstreams: { state: string }[] }[] }[];
    };
    const { networks } = checks.find(({ name }) => name === 'upstreams')!;
    return networks[0]!.upstreams.map(({ state }) => state);
  };
  const writeNetwork = (upstreams: string[]) =>
    writeFileSync(
      join(folder, 'polymorph.yaml'),
      `server: { listen: 127.0.0.1:0, workers: 1 }
admin: { listen: 127.0.0.1:0 }
networks: { main: { chain_id: 1, upstreams: [${upstreams.join(', ')}] } }
`,
    );
  writeNetwork(urls.slice(0, 2));
  await start();
  expect(await states()).toEqual(['down', 'up']);
  await gateway?.stop();
  writeNetwork(urls.slice(1));
  const beganMs = performance.now();
  await start();
  expect(performance.now() - beganMs).toBeLessThan(6000);
  expect(await states()).toEqual(['up', 'unknown']);
  await gateway?.stop();
  for (const node of nodes) await node.close();
});
