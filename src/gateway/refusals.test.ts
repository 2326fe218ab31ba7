import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RefusalCode } from '../jsonrpc/index.ts';
import { refusals } from '../jsonrpc/index.ts';
import { callText, notificationText, type TestAnswer, type TestRequest } from './testing/client.ts';
import {
  bucketOf,
  closeGateways,
  startTestGateway,
  type TestGateway,
  type TestGatewayOptions,
} from './testing/gateway.ts';
import { type Transport, transports } from './testing/transport.ts';

const key = 'a-key-of-twenty-two-characters';
const lanes = ['fast', 'fallback', 'websocket'] as const;

/** What every refusal has, whatever it is. */
function expectRefusal(
  { transport, answer }: { transport: Transport; answer: TestAnswer },
  code: RefusalCode,
  id: unknown,
  data: object = {},
): void {
  const { rpc, http, page } = refusals[code];
  expect(answer.status).toBe(http);
  expect(answer.headers['x-request-id']).toMatch(/^boot-0-[0-9a-z]+$/);
  expect(answer.json).toEqual({
    jsonrpc: '2.0',
    id,
    error: {
      code: rpc,
      message: expect.stringContaining(refusals[code].message) as string,
      data: { requestId: answer.headers['x-request-id'], docs: page, ...data },
    },
  });
  if (transport === 'websocket') return;
  expect(answer.headers['content-type']).toBe('application/json');
  expect(answer.headers['content-length']).toBe(String(answer.body.length));
  const retried = http === 429 || http === 503;
  if (retried) expect(answer.headers['retry-after']).toMatch(/^0[1-9]\d*$/);
  else expect(answer.headers['retry-after']).toBeUndefined();
}

/** A port where nobody listens. */
async function deadPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe.each(lanes)('the refusal table, by the %s lane', (lane) => {
  const transport = lane === 'websocket' ? 'websocket' : 'http';
  /** What no message of a socket can be like. */
  const overHttp = { skip: transport === 'websocket' };
  let gateway: TestGateway;
  const ask = (request: TestRequest): Promise<TestAnswer> =>
    gateway.send(lane === 'websocket' ? request : { lane, ...request });

  beforeAll(async () => {
    gateway = await startTestGateway(
      {
        server: { max_body_bytes: '2KiB', max_batch_size: 3 },
        methods: { blocked: ['admin_*'], costs: { costly: 7 } },
        networks: {
          main: { path: '/' },
          dead: { path: '/dead', upstreams: [{ url: `http://127.0.0.1:${await deadPort()}` }] },
        },
        limits: {
          default: 'none',
          methods: { limited: bucketOf(1), costly: { requests: 10, period: '10s', burst_size: 5 } },
        },
        keys: [
          { name: 'acme', key, quota: { requests: 1, period: 'month' } },
          { name: 'off', key: `${key}-disabled`, enabled: false },
          { name: 'old', key: `${key}-expired`, expires: '2020-01-01' },
        ],
      },
      { transport },
    );
    // Used up once for all that follows.
    await gateway.call('limited');
    await gateway.call('eth_call', { headers: { 'x-api-key': key } });
  });
  afterAll(closeGateways);

  it('not JSON: -32700 and 400, with the place', async () => {
    const answer = await ask({ body: '{"jsonrpc":"2.0",\n "id":7,,}' });
    expectRefusal({ transport, answer }, 'parse_error', null, { line: 2, column: 9, offset: 26 });
    expect(answer.json.error.message).toBe(
      "Parse error at 2:9: expected a member name in double quotes, found ','",
    );
  });

  it('invalid UTF-8: -32700', async () => {
    const body = Buffer.concat([
      Buffer.from('{"jsonrpc":"2.0","id":1,"method":"'),
      Buffer.from([0xff, 0x22, 0x7d]),
    ]);
    const answer = await ask({ body });
    expect(answer.json.error).toMatchObject({ code: -32700, data: { offset: 34 } });
    expect(answer.status).toBe(400);
  });

  it('no body at all: -32700', async () => {
    expectRefusal({ transport, answer: await ask({ body: '' }) }, 'parse_error', null, {
      line: 1,
      column: 1,
      offset: 0,
    });
  });

  it.each([
    ['no method', '{"jsonrpc":"2.0","id":"a"}', 'a'],
    ['another version', '{"jsonrpc":"1.0","id":1,"method":"m"}', 1],
    ['no version', '{"id":1,"method":"m"}', 1],
    ['an id that is an object', '{"jsonrpc":"2.0","id":{},"method":"m"}', null],
    ['params that are a string', '{"jsonrpc":"2.0","id":3,"method":"m","params":"x"}', 3],
    ['an empty method', '{"jsonrpc":"2.0","id":3,"method":""}', 3],
    ['a method of 257 bytes', `{"jsonrpc":"2.0","id":3,"method":"${'m'.repeat(257)}"}`, 3],
    ['a number', '12', null],
    ['an empty batch', ' [ ] ', null],
    ['nesting of 65', callText('m', '1', '['.repeat(64) + ']'.repeat(64)), null],
    ['the method twice', '{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}', 1],
    ['the method in another case', '{"jsonrpc":"2.0","id":1,"method":"a","Method":"b"}', 1],
    ['the method escaped', '{"jsonrpc":"2.0","id":1,"method":"a","\\u006dethod":"b"}', 1],
    ['the params in another case', '{"jsonrpc":"2.0","id":1,"method":"a","PARAMS":[]}', 1],
    ['the version in another case', '{"jsonrpc":"2.0","jsonRPC":"2.0","id":1,"method":"a"}', 1],
  ])('an invalid request (%s): -32600 and 400, with the place', async (_, body, id) => {
    const before = gateway.node.bodies.length;
    const answer = await ask({ body });
    expectRefusal({ transport, answer }, 'invalid_request', id, {
      line: expect.any(Number),
      column: expect.any(Number),
      offset: expect.any(Number),
    });
    expect(gateway.node.bodies).toHaveLength(before);
  });

  it('two ids, of any spelling: no id is echoed, since neither can be told to be the one', async () => {
    for (const body of [
      '{"jsonrpc":"2.0","id":1,"id":2,"method":"a"}',
      '{"jsonrpc":"2.0","id":1,"ID":2,"method":"a"}',
    ]) {
      const answer = await ask({ body });
      expect(answer.status).toBe(400);
      expect(answer.json.error.code).toBe(-32600);
    }
  });

  it('a nesting of 64 passes', async () => {
    const answer = await ask({ body: callText('m', '1', '['.repeat(63) + ']'.repeat(63)) });
    expect(answer.status).toBe(200);
  });

  it('a batch over max_batch_size: one object for the whole', async () => {
    const answer = await ask({ body: `[${Array(4).fill(callText()).join()}]` });
    expect(answer.json).toMatchObject({ id: null, error: { code: -32600 } });
    expect(answer.status).toBe(400);
    expect(answer.headers['x-request-id']).toBe(answer.json.error.data.requestId);
  });

  it('a body too large: -32600 and 413, with the bound', async () => {
    const body = callText('m', '1', `["${'x'.repeat(3000)}"]`);
    if (lane === 'websocket') return expect(ask({ body })).rejects.toThrow('closed with 0 of 1');
    const answer = await ask({ body });
    expectRefusal({ transport, answer }, 'body_too_large', null, { maxBodyBytes: 2048 });
  });

  it('over the rate limit: -32005 and 429, with the policy, and when to come back', async () => {
    const answer = await ask({ body: callText('limited', '"a"') });
    const retryAfterMs = answer.json.error.data.retryAfterMs as number;
    expectRefusal({ transport, answer }, 'rate_limited', 'a', {
      policy: 'method:limited',
      limit: 1,
      burst: 0,
      remaining: 0,
      retryAfterMs,
    });
    expect(retryAfterMs).toBeGreaterThan(86_000_000);
    if (transport === 'http')
      expect(answer.headers['retry-after']).toBe(`0${Math.ceil(retryAfterMs / 1000)}`);
  });

  it('tells what is left where it is not enough', async () => {
    await ask({ body: callText('costly') });
    await ask({ body: callText('costly') });
    const answer = await ask({ body: callText('costly') });
    expect(answer.status).toBe(429);
    expect(answer.json.error.data).toMatchObject({
      policy: 'method:costly',
      limit: 10,
      burst: 5,
      remaining: 1,
    });
    // Six more tokens at one a second.
    expect(answer.json.error.data.retryAfterMs).toBeGreaterThan(4000);
    expect(answer.json.error.data.retryAfterMs).toBeLessThanOrEqual(6000);
    if (transport === 'http') expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(6);
  });

  it('quota used up: 402 and 402, which no client retries', async () => {
    const answer = await ask({ body: callText(), headers: { 'x-api-key': key } });
    const now = new Date();
    const next = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1));
    expectRefusal({ transport, answer }, 'quota_exhausted', 1, {
      policy: 'quota:key',
      quota: 1,
      used: 1,
      resetsAt: next.toISOString(),
    });
  });

  it('method blocked: -32004 and 200', async () => {
    const answer = await ask({ body: callText('admin_addPeer', '1.0') });
    expectRefusal({ transport, answer }, 'method_blocked', 1, { method: 'admin_addPeer' });
    expect(answer.body).toContain('"id":1.0,');
  });

  it.each([
    ['unknown', 'no-such-key-no-such-key'],
    ['disabled', `${key}-disabled`],
    ['expired', `${key}-expired`],
    ['empty', ''],
  ])('%s key: -32001 and 401, and never anonymous', async (_, value) => {
    const before = gateway.node.bodies.length;
    const places: Record<string, string>[] = [{ 'x-api-key': value }, { authorization: `Bearer ${value}` }];
    for (const headers of places) {
      expectRefusal(
        { transport, answer: await ask({ body: callText('m', 'null'), headers }) },
        'unauthorized',
        null,
      );
    }
    expectRefusal(
      { transport, answer: await ask({ body: callText(), path: `/?api_key=${value}` }) },
      'unauthorized',
      // An upgrade has no id.
      lane === 'websocket' ? null : 1,
    );
    expect(gateway.node.bodies).toHaveLength(before);
  });

  it('no upstream: -32603 and 503', async () => {
    expectRefusal({ transport, answer: await ask({ path: '/dead', body: callText() }) }, 'no_upstream', 1);
  });

  it('unknown path: -32601 and 404; one shaped like a key: 401', async () => {
    expectRefusal(
      { transport, answer: await ask({ path: '/nowhere', body: callText() }) },
      'path_not_found',
      null,
    );
    expectRefusal(
      { transport, answer: await ask({ path: '/a/b/c', body: callText() }) },
      'path_not_found',
      null,
    );
    for (const path of [`/${'k'.repeat(22)}`, `/nowhere/${'k'.repeat(22)}`, '/pp_live_cut']) {
      const answer = await ask({ path, body: callText() });
      expect(answer.status).toBe(401);
      expect(answer.json.error.code).toBe(-32001);
    }
  });

  it('compressed: -32600 and 415', overHttp, async () => {
    const answer = await ask({ body: callText(), headers: { 'content-encoding': 'gzip' } });
    expectRefusal({ transport, answer }, 'encoding_unsupported', null);
  });

  it.each(['GET', 'PUT', 'DELETE'])('%s: 405, with what is allowed', overHttp, async (method) => {
    const answer = await ask({ method });
    expectRefusal({ transport, answer }, 'http_method_unsupported', null);
    expect(answer.headers.allow).toBe('POST, OPTIONS');
  });

  it.each([
    ['over the limit', {}, 'limited', 429],
    ['beyond the quota', { 'x-api-key': key }, 'm', 402],
    // 204 is what an empty 200 is called.
    ['blocked', {}, 'admin_x', 204],
    ['by an unknown key', { 'x-api-key': 'x'.repeat(30) }, 'm', 401],
  ])('a refused notification (%s) gets its status and no body', async (_, headers, method, status) => {
    const answer = await ask({ body: notificationText(method), headers });
    expect(answer.status).toBe(status);
    // Refused with its upgrade: no notification was read.
    if (lane === 'websocket' && status === 401) return;
    expect(answer.body).toBe('');
    expect(answer.headers['content-type']).toBeUndefined();
    expect(answer.headers['x-request-id']).toMatch(/^boot-0-/);
    if (transport === 'http') expect(answer.headers['retry-after'] !== undefined).toBe(status === 429);
  });

  it('a failed notification gets its status and no body', async () => {
    const answer = await ask({ path: '/dead', body: notificationText() });
    expect(answer).toMatchObject({ status: 503, body: '' });
  });

  it.each([
    '9007199254740993',
    '1.0',
    '1e400',
    '-0',
    '"\\u0000"',
    '"\\ud800"',
    '"ü€😀"',
    'null',
    '""',
    '1E+2',
  ])('the id %s is echoed byte for byte, answered or refused', async (id) => {
    const bytes = Buffer.from(id).toString('latin1');
    const answered = await ask({ body: callText('m', id, '[7]') });
    expect(answered.body).toBe(`{"jsonrpc":"2.0","id":${bytes},"result":7}`);
    for (const method of ['limited', 'admin_x']) {
      const refused = await ask({ body: callText(method, id) });
      expect(refused.body.startsWith(`{"jsonrpc":"2.0","id":${bytes},"error":`)).toBe(true);
    }
    const unsound = await ask({ body: `{"jsonrpc":"2.0","id":${id},"method":5}` });
    expect(unsound.body.startsWith(`{"jsonrpc":"2.0","id":${bytes},"error":`)).toBe(true);
  });

  it('needs no Content-Type', async () => {
    const answer = await ask({ body: callText() });
    expect(answer.json).toEqual({ jsonrpc: '2.0', id: 1, result: 'here' });
  });

  it('every response carries a request id of our own', overHttp, async () => {
    const preflight = { origin: 'https://app.example', 'access-control-request-method': 'POST' };
    const answers = [
      await ask({ body: callText(), headers: { 'x-request-id': 'theirs' } }),
      await ask({ method: 'OPTIONS', headers: preflight }),
      await ask({ method: 'GET', path: '/healthz' }),
      await ask({ body: notificationText() }),
    ];
    const ids = answers.map(({ headers }) => headers['x-request-id']);
    for (const id of ids) expect(id).toMatch(/^boot-0-/);
    expect(new Set(ids).size).toBe(ids.length);
    expect(gateway.explain(answers[0]!)[0]!.callerRequestId).toBe('theirs');
  });
});

describe.each(transports)('an upstream that fails, by %s', (transport) => {
  const start = (config: object = {}, options: TestGatewayOptions = {}): Promise<TestGateway> =>
    startTestGateway(config, { ...options, transport });

  afterEach(closeGateways);

  it('in time: -32002 and 504', async () => {
    const gateway = await start({}, { vice: { request() {} } });
    gateway.apply({ upstreams: [{ url: gateway.node.url, timeout: '150ms', first_byte_timeout: '100ms' }] });
    expectRefusal({ transport, answer: await gateway.call() }, 'upstream_timeout', 1);
  });

  it.each([
    ['rubbish', 'not json'],
    ['another id', '{"jsonrpc":"2.0","id":99,"result":1}'],
    ['result and error', '{"jsonrpc":"2.0","id":1,"result":1,"error":{"code":1,"message":""}}'],
  ])('with %s: -32603 and 502', async (_, text) => {
    const gateway = await start({}, { vice: { request: (x) => x.send(x.http(text)) } });
    expectRefusal({ transport, answer: await gateway.call() }, 'upstream_invalid', 1);
  });

  it('with more than max_response_bytes: -32603 and 502', async () => {
    const gateway = await start({}, { vice: { request: (x) => x.send(x.http(x.answer.padEnd(3000))) } });
    gateway.apply({ upstreams: [{ url: gateway.node.url, max_response_bytes: '2KiB' }] });
    expectRefusal({ transport, answer: await gateway.call() }, 'upstream_invalid', 1);
    gateway.apply({ upstreams: [{ url: gateway.node.url, max_response_bytes: '3KiB' }] });
    expect((await gateway.call()).json).toEqual({ jsonrpc: '2.0', id: 1, result: 'here' });
  });

  it('is told with the page where server.docs_url says', async () => {
    const gateway = await start({ server: { docs_url: 'https://docs.example/errors/' } });
    const { json } = await gateway.send({ body: '{' });
    expect(json.error.data.docs).toBe('https://docs.example/errors/parse_error');
  });

  it('of itself: its own error goes through, with 200', async () => {
    const gateway = await start(
      {},
      {
        vice: {
          request: (x) =>
            x.send(
              x.http(
                '{"jsonrpc":"2.0","id":1,"error":{"code":3,"message":"execution reverted","data":"0x08c3"}}',
              ),
            ),
        },
      },
    );
    const answer = await gateway.call();
    expect(answer.status).toBe(200);
    expect(answer.body).toBe(
      '{"jsonrpc":"2.0","id":1,"error":{"code":3,"message":"execution reverted","data":"0x08c3"}}',
    );
  });
});
