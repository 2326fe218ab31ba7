import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { newApiKey } from '../identity/index.ts';
import { callText, notificationText, type TestAnswer, type TestRequest } from './testing/client.ts';
import { bucketOf, closeGateways, startTestGateway, type TestGateway } from './testing/gateway.ts';

afterEach(closeGateways);

const good = newApiKey(randomBytes);
const own = `own-${randomBytes(18).toString('base64url')}`;
const disabled = newApiKey(randomBytes);
const unknown = newApiKey(randomBytes);
const mistyped = `${unknown.slice(0, -1)}!`;
const canaries = [good, own, disabled, unknown];

/** Every way in which a key may arrive, those that are refused before anything is understood included. */
function requestsWith(key: string): TestRequest[] {
  const bodies = [
    callText(),
    notificationText(),
    `[${callText()},${notificationText('blocked')}]`,
    '{',
    '[]',
    '[1]',
    '',
  ];
  const places: TestRequest[] = [
    { headers: { 'x-api-key': key } },
    { headers: { 'x-api-key': ` ${key}` } },
    { headers: { 'x-api-key': `"${key}"` } },
    { headers: { 'x-api-key': [key, unknown] } },
    { headers: { authorization: `Bearer ${key}` } },
    { headers: { authorization: `Bearer  ${key} trailing` } },
    { headers: { authorization: `Basic ${btoa(`user:${key}`)}` } },
    { headers: { authorization: key } },
    { path: `/${key}` },
    { path: `/main/${key}` },
    { path: `/main/${key}/` },
    { path: `/main/${key}/more` },
    { path: `/nowhere/${key}` },
    { path: `/${key}/main` },
    { path: `/main/${key}%2F` },
    { path: `/main/${mistyped}` },
    { path: `/main?api_key=${key}` },
    { path: `/main?API_KEY=${key}` },
    { path: `/main?x=${key}` },
    { path: `/main?api_key=${key}&api_key=${unknown}` },
    { path: `/main?api_key=${key}%zz` },
    { path: `/main/${key}?api_key=${unknown}` },
  ];
  return places.flatMap((place): TestRequest[] => [
    ...bodies.map((body) => ({ path: '/main', ...place, body })),
    { path: '/main', ...place, body: callText('limited') },
    { path: '/main', ...place, body: callText('blocked') },
    { path: '/main', ...place, body: callText(), lane: 'fallback' },
    { path: '/main', ...place, body: callText('m', '1', `["${'x'.repeat(5000)}"]`) },
    { path: '/dead', ...place, body: callText() },
    { path: '/main', ...place, method: 'GET' },
    {
      path: '/main',
      ...place,
      method: 'OPTIONS',
      headers: { ...place.headers, origin: 'https://app.example' },
    },
    { path: '/main', ...place, body: callText(), headers: { ...place.headers, 'content-encoding': 'gzip' } },
  ]);
}

/** Heads that are broken around a key. */
function brokenHeads(key: string): string[] {
  return [
    `POST /main/${key} HTTP/9.9\r\nHost: x\r\n\r\n`,
    `POST /main HTTP/1.1\r\nHost: x\r\nX-API-Key : ${key}\r\nContent-Length: 0\r\n\r\n`,
    `POST /main HTTP/1.1\r\nHost: x\r\nX-API-Key: ${key}\0\r\nContent-Length: 0\r\n\r\n`,
    `POST /main HTTP/1.1\r\nX-API-Key: ${key}\r\nContent-Length: 0\r\n\r\n`,
    `POST /main HTTP/1.1\r\nHost: x\r\nX-API-Key: ${key}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n`,
    `POST /main HTTP/1.1\r\nHost: x\r\nX-API-Key: ${key}\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`,
    `GET http://${key}@host/main HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    `CONNECT ${key}:443 HTTP/1.1\r\nHost: x\r\n\r\n`,
    `${key}\r\n\r\n`,
  ];
}

function raw(gateway: TestGateway, head: string): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(gateway.port, '127.0.0.1', () => socket.write(head));
    socket.setTimeout(500, () => socket.destroy());
    socket.on('data', (bytes) => (text += bytes.toString('latin1')));
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
  });
}

it('keys reach no answer, no upstream request, no decision record and no log line', async () => {
  const gateway = await startTestGateway({
    server: { max_body_bytes: '4KiB', max_header_bytes: '16KiB' },
    networks: {
      main: { path: '/main' },
      dead: { path: '/dead', upstreams: [{ url: 'http://127.0.0.1:1' }] },
    },
    methods: { blocked: ['blocked'] },
    limits: { default: 'none', methods: { limited: bucketOf(1) }, headers: 'both' },
    keys: [
      { name: 'good', key: good, quota: { requests: 20, period: 'day' } },
      { name: 'own', key: own },
      { name: 'disabled', key: disabled, enabled: false },
    ],
  });
  const answers: TestAnswer[] = [];
  for (const key of canaries) {
    answers.push(...(await Promise.all(requestsWith(key).map((request) => gateway.send(request)))));
  }
  const statuses = new Set(answers.map(({ status }) => status));
  expect([...statuses].toSorted((a, b) => a - b)).toEqual([
    200, 204, 400, 401, 402, 404, 405, 413, 415, 429, 503,
  ]);
  const texts = await Promise.all(canaries.flatMap(brokenHeads).map((head) => raw(gateway, head)));
  for (const text of texts) expect(text).toMatch(/^HTTP\/1\.1 4\d\d |^$/);

  const seen = {
    answers: answers.map(({ headers, body }) => [headers, body]),
    texts,
    heads: gateway.node.heads,
    bodies: gateway.node.bodies,
    records: answers.flatMap((answer) => gateway.explain(answer)),
    told: gateway.told,
  };
  expect(seen.records.length).toBeGreaterThan(500);
  expect(gateway.logLines().length).toBeGreaterThan(100);
  for (const [where, what] of Object.entries(seen)) {
    const text = JSON.stringify(what);
    for (const canary of canaries) {
      // Not even the better half of one.
      expect({ where, found: text.includes(canary.slice(-16)) }).toEqual({ where, found: false });
    }
  }
});

it('a key put where none belongs is neither logged nor explained', async () => {
  const gateway = await startTestGateway({ keys: [{ name: 'own', key: own }] });
  const requests: TestRequest[] = [
    { headers: { 'x-request-id': own }, body: callText() },
    { headers: { 'x-api-key': own, 'x-request-id': own }, body: `[${callText()}]` },
    { body: callText(own) },
  ];
  for (const request of requests) {
    const [record] = gateway.explain(await gateway.send(request));
    expect([record!.callerRequestId, record!.method]).toContain('[redacted]');
  }
  await new Promise((resolve) => setImmediate(resolve));
  expect(gateway.logLines()).toHaveLength(3);
  expect(JSON.stringify(gateway.told)).not.toContain(own);
  const [record] = gateway.explain(
    await gateway.call('m', { headers: { 'x-request-id': crypto.randomUUID() } }),
  );
  expect(record!.callerRequestId).toMatch(/^[0-9a-f-]{36}$/);
});

it('an upstream is sent nothing of a caller’s head', async () => {
  const gateway = await startTestGateway();
  await gateway.call('m', {
    path: '/?secret=1',
    headers: {
      cookie: 'secret',
      'user-agent': 'secret',
      'x-forwarded-for': '192.0.2.1',
      origin: 'https://secret',
      accept: 'secret',
    },
  });
  expect(gateway.node.heads[0]!.split('\r\n').map((line) => line.split(':')[0]!.toLowerCase())).toEqual([
    'post / http/1.1',
    'host',
    'content-type',
    'user-agent',
    'content-length',
  ]);
  expect(gateway.node.heads[0]).not.toContain('secret');
});
