import { hash } from 'node:crypto';
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { AccountsError } from '../accounts/index.ts';
import type { AdminPorts, ExplainAsk, ExplainReply } from './ports.ts';
import { type AdminServer, startAdminServer } from './server.ts';
import { noStats } from './testing/no-stats.ts';

let server: AdminServer | undefined;
afterEach(() => server?.close(0));

const asks: ExplainAsk[] = [];
const errors: unknown[] = [];

function reply(records: object[], kind: ExplainReply['kind'] = 'recorded'): ExplainReply {
  return { kind, requestId: null, records, workers: { asked: 2, answered: 2 } };
}

const ports: AdminPorts = {
  ...noStats,
  instanceId: 'instance-1',
  readiness: () => ({
    status: 'ready',
    checks: [{ name: 'workers', status: 'up', detail: { up: 2, of: 2 } }],
  }),
  sockets: (filter) => ({ total: 0, sockets: [], feeds: [{ filter }] }),
  operations: {
    run: async (name, input) => {
      if (name === 'boom') throw new Error('secret inside');
      if (name !== 'users.show') throw new AccountsError('unknown_operation', 'There is no such operation');
      const { user } = input as { user: string };
      if (user === 'away') throw new AccountsError('unavailable', 'The store is not available now');
      if (user === 'twice') throw new AccountsError('ambiguous', '2 keys are called so');
      return { email: user };
    },
  },
  explain: {
    byRequestId: async (id) => {
      if (id === 'boom') throw new Error('secret inside');
      return reply(id === 'known' ? [{ requestId: id }] : []);
    },
    dryRun: async (ask) => {
      asks.push(ask);
      return ask.network === 'nowhere'
        ? { unanswerable: 'no such network' }
        : reply([{ method: ask.method }], 'dry-run');
    },
  },
};

const digest = (token: string | null) => (token === null ? null : { sha256: hash('sha256', token) });

async function start(token: string | null = null, overrides: Partial<AdminPorts> = {}): Promise<AdminServer> {
  server = await startAdminServer({
    host: '127.0.0.1',
    port: 0,
    token: digest(token),
    allowedHosts: [],
    ports: { ...ports, ...overrides },
    onError: (error) => errors.push(error),
  });
  return server;
}

/** Sends bytes as they are and returns what came back until the listener closed. */
function raw(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(server?.address.port ?? 0, '127.0.0.1');
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => (text += chunk));
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
    socket.end(bytes);
  });
}

const get = (path: string, headers = 'Host: localhost\r\n') => raw(`GET ${path} HTTP/1.1\r\n${headers}\r\n`);

function post(
  body: string,
  headers = 'Content-Type: application/json\r\n',
  path = '/explain',
): Promise<string> {
  return raw(
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

test('healthz and readyz answer, with the instance id', async () => {
  await start();
  expect(await get('/healthz')).toMatch(
    /^HTTP\/1.1 200 [^]*x-polymorph-instance: instance-1\r\n[^]*\{"status":"ok"\}/,
  );
  expect(await get('/readyz')).toContain(
    '{"status":"ready","checks":[{"name":"workers","status":"up","up":2,"of":2}]}',
  );
});

test.each(['starting', 'draining', 'failed'] as const)('readyz is 503 while %s', async (status) => {
  await start(null, { readiness: () => ({ status, checks: [] }) });
  expect(await get('/readyz')).toMatch(/^HTTP\/1.1 503 /);
});

test('with a token, readyz shows details and explain answers only to its bearer', async () => {
  await start('s3cret');
  expect(await get('/readyz')).toContain('{"name":"workers","status":"up"}]');
  expect(await get('/readyz', 'Host: localhost\r\nAuthorization: Bearer s3cret\r\n')).toContain('"of":2');
  expect(await get('/explain/known')).toMatch(/^HTTP\/1.1 401 [^]*www-authenticate: Bearer/);
  expect(await get('/explain/known', 'Host: localhost\r\nAuthorization: Bearer wrong\r\n')).toMatch(
    /^HTTP\/1.1 401 /,
  );
  expect(await get('/explain/known', 'Host: localhost\r\nAuthorization: Bearer s3cret\r\n')).toMatch(
    /^HTTP\/1.1 200 /,
  );
  server?.setAccess({ token: digest('rotated'), allowedHosts: ['ops.example'] });
  expect(await get('/explain/known', 'Host: ops.example\r\nAuthorization: Bearer rotated\r\n')).toMatch(
    /^HTTP\/1.1 200 /,
  );
  expect(await get('/explain/known', 'Host: localhost\r\nAuthorization: Bearer s3cret\r\n')).toMatch(
    /^HTTP\/1.1 401 /,
  );
});

test('a foreign, doubled or missing Host is refused, on every path', async () => {
  await start();
  expect(await get('/healthz', 'Host: evil.example\r\n')).toMatch(/^HTTP\/1.1 403 [^]*"code":"host_refused"/);
  expect(await get('/explain/known', 'Host: evil.example\r\n')).toMatch(/^HTTP\/1.1 403 /);
  expect(await get('/healthz', 'Host: localhost\r\nHost: evil.example\r\n')).toMatch(/^HTTP\/1.1 40[03] /);
  expect(await get('/healthz', '')).toMatch(/^HTTP\/1.1 400 /);
  expect(await raw('GET /healthz HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1.1 403 /);
  expect(await raw('GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')).toMatch(
    /^HTTP\/1.1 400 /,
  );
});

test('explain by id: found, unknown, odd', async () => {
  await start();
  expect(await get('/explain/known')).toContain('"records":[{"requestId":"known"}]');
  expect(await get('/explain/unknown')).toMatch(
    /^HTTP\/1.1 404 [^]*application\/problem\+json[^]*"code":"not_found"/,
  );
  expect(await get('/explain/%0a')).toMatch(/^HTTP\/1.1 400 /);
  expect(await get('/explain/%zz')).toMatch(/^HTTP\/1.1 400 /);
  expect(await get('/explain/__proto__')).toMatch(/^HTTP\/1.1 404 /);
  expect(await get('/nothing')).toMatch(/^HTTP\/1.1 404 /);
  expect(await raw('DELETE /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')).toMatch(
    /^HTTP\/1.1 405 [^]*allow: GET, HEAD/,
  );
  expect(await raw('HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')).toMatch(
    /^HTTP\/1.1 200 [^]*\r\n\r\n$/,
  );
});

test('open sockets are listed by what is asked of them', async () => {
  await start();
  expect(await get('/sockets?keyName=a%20b&network=n')).toContain(
    '{"filter":{"keyName":"a b","network":"n"}}',
  );
  expect(await get('/sockets?key=x')).toMatch(/^HTTP\/1.1 400 [^]*there is no filter key/);
  expect(await get('/sockets?network=a&network=b')).toMatch(/^HTTP\/1.1 400 [^]*network is there twice/);
});

test('a dry run takes a strict body', async () => {
  await start();
  expect(await post('{"method":"eth_call","address":"192.0.2.1"}')).toContain('"kind":"dry-run"');
  expect(asks.at(-1)).toEqual({ method: 'eth_call', address: '192.0.2.1' });
  expect(await post('{"method":"eth_call","network":"nowhere"}')).toMatch(
    /^HTTP\/1.1 404 [^]*no such network/,
  );
  for (const bad of [
    '',
    '{',
    '[]',
    '{}',
    '{"method":1}',
    '{"method":"m","more":1}',
    '{"method":"m","keySha256":"x"}',
  ]) {
    expect(await post(bad), bad).toMatch(/^HTTP\/1.1 400 /);
  }
  expect(await post('{"method":"m"}', 'Content-Type: text/plain\r\n')).toMatch(/^HTTP\/1.1 415 /);
  expect(await post(`"${'x'.repeat(1_048_576)}"`)).toMatch(/^HTTP\/1.1 413 /);
});

test('broken input and failing ports leave the listener serving, and tell nothing', async () => {
  await start();
  const internal = await get('/explain/boom');
  expect(internal).toMatch(/^HTTP\/1.1 500 /);
  expect(internal).not.toContain('secret inside');
  expect(errors.at(-1)).toBeInstanceOf(Error);
  await Promise.all(
    [
      '\0\0\0',
      'GET / HTTP/9.9\r\n\r\n',
      `GET /${'a'.repeat(40_000)} HTTP/1.1\r\n\r\n`,
      'POST /explain HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{',
      'GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
      'CONNECT evil:1 HTTP/1.1\r\nHost: evil:1\r\n\r\n',
      '',
    ].map((bytes) => raw(bytes).catch(() => '')),
  );
  expect(await get('/healthz')).toMatch(/^HTTP\/1.1 200 /);
});

test('a taken port is an error of the start', async () => {
  const first = await start();
  await expect(
    startAdminServer({
      host: '127.0.0.1',
      port: first.address.port,
      token: null,
      allowedHosts: [],
      ports,
      onError: () => {},
    }),
  ).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test('operations are done by who shows the token, and refused as problems with the reason', async () => {
  await start('s3cret');
  const json = 'Content-Type: application/json\r\n';
  const run = (name: string, body: string, bearer = 's3cret') =>
    post(body, `${json}Authorization: Bearer ${bearer}\r\n`, `/operations/${name}`);
  expect(await run('users.show', '{"user":"ada@example.com"}')).toMatch(
    /^HTTP\/1.1 200 [^]*\{"email":"ada@example.com"\}\n$/,
  );
  expect(await run('users.show', '{"user":"x"}', 'wrong')).toMatch(/^HTTP\/1.1 401 /);
  expect(await run('users.show', '{"user":"twice"}')).toMatch(
    /^HTTP\/1.1 409 [^]*"code":"conflict","detail":"2 keys are called so","reason":"ambiguous"/,
  );
  expect(await run('users.show', '{"user":"away"}')).toMatch(/^HTTP\/1.1 503 [^]*retry-after: 5/);
  expect(await run('users.shw', '{}')).toMatch(/^HTTP\/1.1 404 [^]*"reason":"unknown_operation"/);
  // Counts from outside, as `polymorph reconcile` sends them.
  const many = JSON.stringify({ user: 'x'.repeat(1_000_000) });
  expect(await run('users.show', many)).toMatch(/^HTTP\/1.1 200 /);
  const failed = await run('boom', '{}');
  expect(failed).toMatch(/^HTTP\/1.1 500 /);
  expect(failed).not.toContain('secret inside');
});
