import { afterEach, describe, expect, it, vi } from 'vitest';
import { callText, type TestAnswer } from './testing/client.ts';
import { bucketOf, closeGateways, startTestGateway } from './testing/gateway.ts';

afterEach(async () => {
  vi.useRealTimers();
  await closeGateways();
});

/** One item of a list of structured fields (RFC 9651): a string and its integer parameters; anything else throws. */
function readItem(text: string | string[] | undefined): { name: string; parameters: Record<string, number> } {
  const match = /^"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"((?:;[a-z*][a-z0-9_.*-]*=-?\d{1,15})*)$/.exec(
    String(text),
  );
  if (match === null) throw new Error(`no structured field: ${String(text)}`);
  const parameters = match[2]!
    .split(';')
    .slice(1)
    .map((parameter) => parameter.split('='))
    .map(([key, value]) => [key, Number(value)]);
  return { name: match[1]!, parameters: Object.fromEntries(parameters) as Record<string, number> };
}

describe('RateLimit headers', () => {
  it('are structured fields: capacity, seconds of a full refill, tokens left, seconds until full', async () => {
    const gateway = await startTestGateway({
      methods: { costs: { m: 3 } },
      limits: { default: { requests: 10, period: '20s', burst_size: 5 } },
    });
    const first = await gateway.call('m');
    expect(first.headers['ratelimit-policy']).toBe('"default";q=15;w=30');
    expect(first.headers['ratelimit']).toBe('"default";r=12;t=6');
    const second = await gateway.call('m');
    expect(second.headers['ratelimit']).toMatch(/^"default";r=9;t=1[12]$/);
    for (const { headers } of [first, second]) {
      expect(readItem(headers['ratelimit-policy']).parameters).toEqual({ q: 15, w: 30 });
      expect(Object.keys(readItem(headers['ratelimit']).parameters)).toEqual(['r', 't']);
    }
  });

  it('round what is left down and times up', async () => {
    const gateway = await startTestGateway({
      limits: { default: { requests: 3, period: '10s', burst_size: 4 } },
    });
    const { headers } = await gateway.call();
    // 7 tokens at 0.3 a second: 23.3 s for all, 3.3 s for one.
    expect(headers['ratelimit-policy']).toBe('"default";q=7;w=24');
    expect(headers['ratelimit']).toBe('"default";r=6;t=4');
  });

  it('come with refusals too, where nothing was taken', async () => {
    const gateway = await startTestGateway({ limits: { default: bucketOf(1) } });
    await gateway.call();
    const { status, headers } = await gateway.call();
    expect([status, headers['ratelimit-policy'], headers['ratelimit']]).toEqual([
      429,
      '"default";q=1;w=86400',
      '"default";r=0;t=86400',
    ]);
  });

  it('of a batch show the bucket that is fullest used', async () => {
    const gateway = await startTestGateway({
      limits: { default: bucketOf(100), methods: { tight: bucketOf(4) } },
    });
    const body = `[${callText('m', '1')},${callText('tight', '2')},${callText('m', '3')}]`;
    const { headers } = await gateway.send({ body });
    expect(headers['ratelimit']).toMatch(/^"method:tight";r=3;t=\d+$/);
  });

  it('name a rule as a string that holds whatever a name may hold', async () => {
    const gateway = await startTestGateway({
      methods: { groups: { 'r.e-a_d': ['m'] } },
      limits: { groups: { 'r.e-a_d': bucketOf(5) }, methods: { 'eth_*': bucketOf(5) } },
    });
    expect(readItem((await gateway.call('m')).headers['ratelimit-policy']).name).toBe('group:r.e-a_d');
    expect(readItem((await gateway.call('eth_x')).headers['ratelimit-policy']).name).toBe('method:eth_*');
  });

  it('are of the older trio as well where asked for, or none', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2030-01-01T00:00:00Z') });
    const limits = { default: { requests: 10, period: '10s' } };
    const gateway = await startTestGateway({ limits: { ...limits, headers: 'both' } });
    const { headers } = await gateway.call();
    expect(headers).toMatchObject({
      'ratelimit-policy': '"default";q=10;w=10',
      ratelimit: '"default";r=9;t=1',
      'x-ratelimit-limit': '10',
      'x-ratelimit-remaining': '9',
      'x-ratelimit-reset': String(Date.parse('2030-01-01T00:00:01Z') / 1000),
    });
    gateway.apply({ limits: { ...limits, headers: 'standard' } });
    expect(Object.keys((await gateway.call()).headers).filter((name) => name.includes('ratelimit'))).toEqual([
      'ratelimit-policy',
      'ratelimit',
    ]);
    gateway.apply({ limits: { ...limits, headers: 'none' } });
    expect(Object.keys((await gateway.call()).headers).filter((name) => name.includes('ratelimit'))).toEqual(
      [],
    );
  });

  it('name no key', async () => {
    const key = 'acme-key-of-twenty-two-characters';
    const gateway = await startTestGateway({
      keys: [{ name: 'acme', key, limits: { default: bucketOf(1), methods: { m: bucketOf(1) } } }],
    });
    for (let k = 0; k < 2; k++) {
      for (const method of ['m', 'n']) {
        const answer = await gateway.call(method, { headers: { 'x-api-key': key } });
        expect(JSON.stringify([answer.headers, answer.body])).not.toContain('acme');
      }
    }
  });
});

describe('browsers', () => {
  const origin = 'https://app.example';
  const exposed = (answer: TestAnswer) =>
    (answer.headers['access-control-expose-headers'] ?? '')
      .split(',')
      .map((name) => name.trim().toLowerCase());

  it('of any origin may call, unless configured otherwise, and read all our headers, refused or not', async () => {
    const gateway = await startTestGateway({
      server: { max_body_bytes: '1KiB' },
      limits: { default: bucketOf(1), headers: 'both' },
    });
    const headers = { origin };
    const answers = [
      await gateway.call('m', { headers }),
      await gateway.call('m', { headers }),
      await gateway.send({ headers, body: '{' }),
      await gateway.send({ headers, path: '/nowhere', body: callText() }),
      await gateway.call('m', { headers: { ...headers, 'x-api-key': 'x'.repeat(22) } }),
      await gateway.send({ headers, body: 'x'.repeat(2000) }),
      await gateway.send({ headers, body: 'x'.repeat(2000), lane: 'fallback' }),
      await gateway.send({ headers, body: callText(), lane: 'fallback' }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 429, 400, 404, 401, 413, 413, 429]);
    for (const answer of answers) {
      expect(answer.headers['access-control-allow-origin']).toBe('*');
      expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
      expect(exposed(answer)).toEqual([
        'x-request-id',
        'retry-after',
        'ratelimit-policy',
        'ratelimit',
        'x-ratelimit-limit',
        'x-ratelimit-remaining',
        'x-ratelimit-reset',
      ]);
    }
  });

  it('that ask first are told what they may send', async () => {
    const gateway = await startTestGateway();
    const answer = await gateway.send({
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,x-api-key',
      },
    });
    expect([answer.status, answer.body]).toEqual([204, '']);
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'POST, OPTIONS',
      'access-control-allow-headers': 'content-type, authorization, x-api-key, x-request-id',
      'access-control-max-age': '7200',
    });
    expect(gateway.node.bodies).toEqual([]);
  });

  it('ask first on any path, with a key in it or without, and need no key for it', async () => {
    const gateway = await startTestGateway({ identity: { anonymous: 'deny' } });
    for (const path of ['/', `/${'k'.repeat(22)}`, '/?api_key=x', '/nowhere']) {
      const answer = await gateway.send({ method: 'OPTIONS', path, headers: { origin } });
      expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([204, '*']);
    }
  });

  it('of origins not on the list read nothing; of those on it, by name', async () => {
    const gateway = await startTestGateway({
      server: { cors: { allow_origins: [origin, 'https://b.example'] } },
    });
    const ask = (from: string) => gateway.call('m', { headers: { origin: from } });
    const allowed = await ask(origin);
    expect(allowed.headers).toMatchObject({ 'access-control-allow-origin': origin, vary: 'Origin' });
    for (const from of ['https://evil.example', 'null', `${origin}.evil.example`, 'http://app.example']) {
      const answer = await ask(from);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
      expect(answer.headers['access-control-expose-headers']).toBeUndefined();
      const preflight = await gateway.send({ method: 'OPTIONS', headers: { origin: from } });
      expect(preflight.headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  it('are told nothing where CORS is off; who is no browser neither', async () => {
    const gateway = await startTestGateway();
    expect(
      Object.keys((await gateway.call()).headers).some((name) => name.startsWith('access-control')),
    ).toBe(false);
    gateway.apply({ server: { cors: { allow_origins: [] } } });
    const answer = await gateway.call('m', { headers: { origin } });
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([200, undefined]);
    expect((await gateway.send({ method: 'OPTIONS', headers: { origin } })).status).toBe(405);
  });
});

it('/healthz answers without a key, by GET and HEAD', async () => {
  const gateway = await startTestGateway({ identity: { anonymous: 'deny' } });
  const got = await gateway.send({ method: 'GET', path: '/healthz' });
  expect([got.status, got.json]).toEqual([200, { status: 'ok' }]);
  const head = await gateway.send({ method: 'HEAD', path: '/healthz' });
  expect([head.status, head.body, head.headers['content-length']]).toEqual([
    200,
    '',
    String(got.body.length),
  ]);
  expect((await gateway.send({ path: '/healthz', body: callText() })).status).toBe(404);
});
