import { hash } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AdminServer, type ExplainAsk, startAdminServer } from '../admin/index.ts';
import { hashKey } from '../identity/index.ts';
import { explain } from './explain.ts';
import { noStats } from '../admin/testing/no-stats.ts';

const asks: ExplainAsk[] = [];
let admin: AdminServer;
let url = '';

const openSocket = {
  ...{
    id: 's1',
    keyName: 'k',
    keyPrefix: 'p',
    address: '::1',
    network: 'n',
    openedAtMs: 0,
    subscriptions: [],
  },
};

const record = {
  requestId: 'known',
  item: -1,
  alike: 0,
  atMs: 0,
  worker: 0,
  generation: 1,
  transport: 'http',
  lane: 'fast',
  caller: {
    kind: 'address',
    keyNumber: -1,
    keyPrefix: '',
    keyName: null,
    foundIn: null,
    address: '192.0.2.1',
  },
  callerRequestId: null,
  network: 'default',
  method: 'eth_call',
  group: null,
  cost: 1,
  sharing: null,
  rules: [],
  buckets: [],
  quota: null,
  userQuota: null,
  outcome: 'allowed',
  refusal: null,
  reason: null,
  retryAfterMs: null,
  answeredFrom: null,
  upstream: null,
  totalMs: 1,
};

beforeEach(async () => {
  admin = await startAdminServer({
    host: '127.0.0.1',
    port: 0,
    token: { sha256: hash('sha256', 's3cret-token') },
    allowedHosts: [],
    onError: () => {},
    ports: {
      ...noStats,
      instanceId: 'i',
      readiness: () => ({ status: 'ready', checks: [] }),
      operations: { run: async () => ({}) },
      sockets: (filter) => ({ total: 1, sockets: [{ ...openSocket, ...filter }], feeds: [] }),
      explain: {
        byRequestId: async (requestId) => ({
          kind: 'recorded',
          requestId,
          records: requestId === 'known' ? [record] : [],
          workers: { asked: 1, answered: 1 },
        }),
        dryRun: async (ask) => {
          asks.push(ask);
          if (ask.network === 'nowhere') return { unanswerable: 'no network is named nowhere' };
          return { kind: 'dry-run', requestId: null, records: [record], workers: { asked: 0, answered: 0 } };
        },
      },
    },
  });
  url = `http://127.0.0.1:${admin.address.port}`;
});
afterEach(() => admin.close(0));

const token = { POLYMORPH_ADMIN_TOKEN: 's3cret-token' };

test('an id is explained as text or JSON', async () => {
  expect(await explain('known', { admin: url }, token)).toMatch(/^Request known\neth_call on default/);
  const json = await explain('known', { admin: url, token: 's3cret-token', json: true }, {});
  expect(JSON.parse(json)).toMatchObject({ kind: 'recorded', records: [{ requestId: 'known' }] });
});

test('an unknown id exits with 1, without the token 2', async () => {
  await expect(explain('unknown', { admin: url }, token)).rejects.toMatchObject({
    exitCode: 1,
    message: expect.stringMatching(/^Nothing to explain: no record of this request/) as string,
  });
  await expect(explain('../readyz', { admin: url }, token)).rejects.toMatchObject({ exitCode: 1 });
  await expect(explain('known', { admin: url }, {})).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringContaining('--token') as string,
  });
});

test('a dry run sends the key only as its digest', async () => {
  const key = 'abcdefghijklmnopqrstuvwxyz';
  expect(await explain(undefined, { admin: url, method: 'eth_call', key }, token)).toMatch(
    /nothing was taken/,
  );
  expect(asks.at(-1)).toEqual({ method: 'eth_call', keySha256: Buffer.from(hashKey(key)).toString('hex') });
  await explain(undefined, { admin: url, method: 'eth_call', keyName: 'acme', network: 'mainnet' }, token);
  expect(asks.at(-1)).toEqual({ method: 'eth_call', keyName: 'acme', network: 'mainnet' });
  await expect(
    explain(undefined, { admin: url, method: 'm', network: 'nowhere' }, token),
  ).rejects.toMatchObject({
    exitCode: 1,
    message: 'Nothing to explain: no network is named nowhere.',
  });
});

test('open sockets are listed, as text or JSON', async () => {
  const options = { admin: url, sockets: true };
  expect(await explain(undefined, options, token)).toContain('1 socket\n\nSockets\n  s1  key k (p…)  ::1');
  const json = await explain(undefined, { ...options, keyName: 'acme & co', json: true }, token);
  expect(JSON.parse(json)).toMatchObject({ total: 1, sockets: [{ keyName: 'acme & co' }] });
  await expect(explain(undefined, options, {})).rejects.toMatchObject({ exitCode: 2 });
});

test.each([
  [undefined, {}],
  ['known', { sockets: true }],
  [undefined, { sockets: true, method: 'm' }],
  ['known', { method: 'eth_call' }],
  [undefined, { method: 'm', key: 'short' }],
  [undefined, { method: 'm', key: 'abcdefghijklmnopqrstuvwxyz', keyName: 'acme' }],
  ['known', { admin: 'not a url' }],
  ['known', { admin: 'ftp://127.0.0.1' }],
  ['known', { admin: 'http://127.0.0.1:1' }],
])('%j with %j exits with 2', async (id, options) => {
  await expect(explain(id, { admin: url, ...options }, token)).rejects.toMatchObject({ exitCode: 2 });
});
