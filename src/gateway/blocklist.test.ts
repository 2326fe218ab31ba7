import { afterEach, describe, expect, it } from 'vitest';
import { Agent } from 'node:http';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { certA, keyA } from '../config/testing/certificates.ts';
import { callText, type TestRequest } from './testing/client.ts';
import { bucketOf, closeGateways, startTestGateway, type TestGateway } from './testing/gateway.ts';
import { connectSocket, upgradeStatus } from './testing/socket.ts';
import { until } from './testing/until.ts';

afterEach(closeGateways);

const key = 'k'.repeat(32);
const behindProxy = { server: { trusted_proxies: ['127.0.0.0/8'] } };
const from = (address: string, body = callText()) => ({ body, headers: { 'x-forwarded-for': address } });
const refusal = { code: -32011, data: { reason: 'address' } };

describe.each(['fast', 'fallback'] as const)('the blocklist, on the %s lane,', (lane) => {
  it('refuses denied addresses, calls and items alike, and no others', async () => {
    const gateway = await startTestGateway({
      ...behindProxy,
      blocklist: { deny: ['203.0.113.0/24', '2001:db8::/32'] },
    });
    const call = (address: string) => gateway.send({ ...from(address), lane });
    for (const address of ['203.0.113.9', '2001:db8::5', '::ffff:203.0.113.9']) {
      const answer = await call(address);
      expect(answer.status).toBe(403);
      expect(answer.json).toMatchObject({ id: 1, error: refusal });
      expect(answer.body).not.toContain('/24');
      expect(gateway.explain(answer)[0]).toMatchObject({ refusal: 'forbidden', outcome: 'refused' });
      expect(gateway.explain(answer)[0]?.reason).toMatch(/^address denied by the blocklist: 2/);
    }
    expect((await call('203.0.114.1')).status).toBe(200);
    const batch = await gateway.send({
      ...from('203.0.113.9', `[${callText()},${callText('m', '"x"')}]`),
      lane,
    });
    expect(batch.status).toBe(403);
    expect(batch.json).toMatchObject([
      { id: 1, error: refusal },
      { id: 'x', error: refusal },
    ]);
    expect(gateway.counted('forbidden')).toBe(5);
    expect(gateway.node.calls.length).toBe(1);
  });

  it('tells a banned address 403 whatever it sends, and no more', async () => {
    const gateway = await startTestGateway({
      server: { ...behindProxy.server, max_body_bytes: '1KiB' },
      blocklist: { deny: ['203.0.113.9'] },
    });
    const requests: TestRequest[] = [
      { body: '{"jsonrpc"' },
      { body: '[]' },
      { body: '{"jsonrpc":"2.0","id":7}' },
      { body: `[1,${callText()}]` },
      { body: callText(), path: '/nowhere' },
      { method: 'GET' },
      {
        method: 'OPTIONS',
        headers: { origin: 'https://a.example', 'access-control-request-method': 'POST' },
      },
      { body: callText(), headers: { 'content-encoding': 'br' } },
      { body: 'x'.repeat(5000) },
    ];
    const send = (request: TestRequest, address: string) =>
      gateway.send({ ...request, lane, headers: { ...request.headers, 'x-forwarded-for': address } });
    for (const request of requests) {
      expect((await send(request, '203.0.113.8')).status).not.toBe(403);
      const answer = await send(request, '203.0.113.9');
      expect({ request, status: answer.status }).toEqual({ request, status: 403 });
      for (const one of [answer.json].flat()) {
        expect(one).toMatchObject({ error: refusal });
        expect(Object.keys(one.error.data).sort()).toEqual(['docs', 'reason', 'requestId']);
      }
      expect(gateway.explain(answer)[0]).toMatchObject({ refusal: 'forbidden' });
    }
    expect((await send(requests[2]!, '203.0.113.9')).json.id).toBe(7);
    expect((await send({ method: 'GET', path: '/healthz' }, '203.0.113.9')).status).toBe(200);
    expect(gateway.node.calls).toHaveLength(1);
  });

  it('sees a ban, and its end, at the next call of an open connection', async () => {
    const gateway = await startTestGateway();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const status = async () => (await gateway.send({ body: callText(), lane, agent })).status;
    expect(await status()).toBe(200);
    gateway.ban('127.0.0.1');
    expect(await status()).toBe(403);
    gateway.ban('127.0.0.1', false);
    gateway.ban('127.0.0.0/8');
    expect(await status()).toBe(403);
    gateway.ban('127.0.0.0/8', false);
    expect(await status()).toBe(200);
    agent.destroy();
  });
});

describe('the blocklist', () => {
  it('lets the allow-list win, over lists and bans', async () => {
    const gateway = await startTestGateway({
      ...behindProxy,
      blocklist: { deny: ['203.0.113.0/24'], allow: ['203.0.113.7', '203.0.113.128/25'] },
    });
    gateway.ban('203.0.113.0/24');
    gateway.ban('203.0.113.7');
    const statuses = ['203.0.113.7', '203.0.113.200', '203.0.113.8'].map(
      async (address) => (await gateway.send(from(address))).status,
    );
    expect(await Promise.all(statuses)).toEqual([200, 200, 403]);
  });

  it('tells a banned caller nothing of keys', async () => {
    const gateway = await startTestGateway({ keys: [{ name: 'acme', key }] });
    gateway.ban('127.0.0.1');
    const answers = await Promise.all(
      [key, 'x'.repeat(32)].map((one) => gateway.call('m', { headers: { 'x-api-key': one } })),
    );
    expect(answers.map(({ status }) => status)).toEqual([403, 403]);
    const [one, two] = answers.map(({ json }) => ({ ...json.error.data, requestId: '' }));
    expect(one).toEqual(two);
  });

  it('only counts in simulate mode', async () => {
    const gateway = await startTestGateway({ blocklist: { mode: 'simulate', deny: ['127.0.0.0/8'] } });
    expect((await gateway.call()).status).toBe(200);
    const batch = await gateway.send({ body: `[${callText()},${callText()}]` });
    expect(batch.status).toBe(200);
    expect(gateway.counter('bansSimulated')).toBe(3);
    // What is refused for something else would have been refused for this.
    expect((await gateway.call('m', { headers: { 'x-api-key': 'x'.repeat(32) } })).status).toBe(401);
    expect((await gateway.send({ body: '{"jsonrpc"' })).status).toBe(400);
    expect((await gateway.send({ body: `[1,${callText()}]` })).status).toBe(200);
    expect((await gateway.send({ method: 'GET' })).status).toBe(405);
    expect(gateway.counter('bansSimulated')).toBe(8);
    const badKey = { 'x-api-key': 'x'.repeat(32) };
    expect(await upgradeStatus(gateway.port, { headers: badKey })).toMatchObject({ status: 401 });
    expect(gateway.counter('bansSimulated')).toBe(9);
    const socket = await connectSocket(gateway.port);
    expect(gateway.counter('bansSimulated')).toBe(10);
    socket.close();
    gateway.apply({ blocklist: { deny: ['127.0.0.0/8'] } });
    expect((await gateway.call()).status).toBe(403);
    expect(gateway.counter('bansSimulated')).toBe(10);
  });

  it('shows a ban in a dry run', async () => {
    const gateway = await startTestGateway();
    gateway.ban('198.51.100.0/24');
    expect(gateway.foresee({ address: '198.51.100.1', method: 'eth_call' })).toMatchObject({
      refusal: 'forbidden',
      reason: 'address banned: 198.51.100.0/24',
    });
    expect(gateway.foresee({ address: '198.51.101.1', method: 'eth_call' })?.refusal).toBeNull();
  });

  it('closes connections at accept where it is asked to, but never those of trusted proxies', async () => {
    const blocklist = { deny: ['127.0.0.1'], close_connections: true };
    const gateway = await startTestGateway({ blocklist });
    await expect(gateway.call()).rejects.toThrow(/hang up|ECONNRESET/);
    await until(() => gateway.counter('connectionsBanned') === 1);
    gateway.apply({ blocklist, ...behindProxy });
    expect((await gateway.send(from('192.0.2.1'))).status).toBe(200);
    gateway.apply({ blocklist: { ...blocklist, mode: 'simulate' } });
    expect((await gateway.call()).status).toBe(200);
    gateway.apply({ blocklist: { close_connections: true } });
    gateway.ban('127.0.0.0/8');
    const bytes = await new Promise<number>((resolve) => {
      const socket = connect(gateway.port, '127.0.0.1').on('error', () => {});
      let read = 0;
      socket.on('data', (data) => (read += data.length)).on('close', () => resolve(read));
    });
    expect(bytes).toBe(0);
  });
});

describe('the blocklist, over TLS,', () => {
  it('closes connections at accept, before TLS is spoken', async () => {
    const tls = { cert: certA, key: keyA };
    const gateway = await startTestGateway({ blocklist: { close_connections: true } }, { tls });
    const outcome = (): Promise<string> =>
      new Promise((resolve) => {
        const socket = connectTls({ port: gateway.port, host: '127.0.0.1', rejectUnauthorized: false });
        socket.on('secureConnect', () => {
          resolve('served');
          socket.destroy();
        });
        socket.on('error', () => resolve('closed')).on('close', () => resolve('closed'));
      });
    expect(await outcome()).toBe('served');
    gateway.ban('127.0.0.1');
    expect(await outcome()).toBe('closed');
    await until(() => gateway.counter('connectionsBanned') === 1);
  });
});

describe('a WebSocket', () => {
  it('is not opened by a banned address', async () => {
    const gateway = await startTestGateway();
    gateway.ban('127.0.0.1');
    expect(await upgradeStatus(gateway.port, {})).toMatchObject({ status: 403, json: { error: refusal } });
    expect(gateway.counter('socketsTotal')).toBe(0);
  });

  it('is closed once its address is banned, also where it says nothing', async () => {
    const gateway = await startTestGateway();
    const socket = await connectSocket(gateway.port);
    expect((await socket.ask(callText())).json.result).toBeDefined();
    gateway.ban('127.0.0.1');
    expect(await socket.closed).toMatchObject({ code: 4403 });
    await until(() => gateway.counter('socketsClosedBanned') === 1);
  });

  // A beat may come between the ban and the message.
  it('is answered once more where it speaks before that', { retry: 3 }, async () => {
    const gateway = await startTestGateway();
    const socket = await connectSocket(gateway.port);
    expect((await socket.ask(callText())).json.result).toBeDefined();
    gateway.ban('127.0.0.1');
    expect((await socket.ask(callText())).json).toMatchObject({ id: 1, error: refusal });
    expect(await socket.closed).toMatchObject({ code: 4403 });
  });
});

describe('violations', () => {
  const told = (gateway: TestGateway): Record<string, number> => {
    const sums: Record<string, number> = {};
    for (const message of gateway.told) {
      if (message.type !== 'violations') continue;
      const { addresses, weights } = message.violations;
      for (const [i, address] of addresses.entries()) sums[address] = (sums[address] ?? 0) + weights[i]!;
    }
    return sums;
  };
  const weights = { rate_limited: 1, unauthorized: 10, invalid: 100, method_blocked: 1000 };
  const config = {
    ...behindProxy,
    keys: [{ name: 'acme', key }],
    methods: { blocked: ['admin_*'] },
    limits: { default: bucketOf(1) },
    blocklist: { auto_ban: { weights }, allow: ['192.0.2.99'], deny: ['192.0.2.98'] },
  };
  const violate = async (gateway: TestGateway, address: string): Promise<void> => {
    const headers = { 'x-forwarded-for': address };
    await gateway.send({ body: callText(), headers });
    await gateway.send({ body: `[${callText()},${callText()}]`, headers });
    await gateway.send({ body: callText(), headers: { ...headers, 'x-api-key': 'x'.repeat(32) } });
    await gateway.send({ body: '{"jsonrpc"', headers });
    await gateway.send({ body: callText('admin_peers'), headers });
  };

  it('are weighed, summed by address and told with the beat', async () => {
    const gateway = await startTestGateway(config);
    await violate(gateway, '192.0.2.1');
    await violate(gateway, '2001:db8:0:1::5');
    await until(() => told(gateway)['2001:db8:0:1::/64'] === 1112);
    expect(told(gateway)).toEqual({ '192.0.2.1': 1112, '2001:db8:0:1::/64': 1112 });
  });

  it('are none of those who are allowed or refused as it is, nor of quotas, nor where nothing is banned for them', async () => {
    const gateway = await startTestGateway(config);
    gateway.ban('192.0.2.97');
    for (const last of [97, 98, 99]) await violate(gateway, `192.0.2.${last}`);
    await gateway.send({ ...from('192.0.2.1'), path: '/nowhere' });
    await gateway.send({ method: 'GET', headers: { 'x-forwarded-for': '192.0.2.1' } });
    await violate(gateway, '192.0.2.2');
    await until(() => told(gateway)['192.0.2.2'] === 1112);
    expect(Object.keys(told(gateway))).toEqual(['192.0.2.2']);
    gateway.apply({ ...config, blocklist: {} });
    const before = gateway.told.length;
    await violate(gateway, '192.0.2.3');
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(gateway.told.slice(before).filter(({ type }) => type === 'violations')).toEqual([]);
  });

  it('of HTTP are those of the address that a trusted proxy names, where the head was read', async () => {
    const gateway = await startTestGateway({
      ...config,
      server: { ...behindProxy.server, max_body_bytes: '1KiB' },
    });
    for (const lane of ['fast', 'fallback'] as const)
      await gateway.send({ ...from('192.0.2.1', 'x'.repeat(5000)), lane });
    await upgradeStatus(gateway.port, {
      headers: { 'x-forwarded-for': '192.0.2.1', 'sec-websocket-version': '12' },
    });
    await until(() => told(gateway)['192.0.2.1'] === 300);
    expect(Object.keys(told(gateway))).toEqual(['192.0.2.1']);
  });

  it('of a WebSocket count as those of HTTP', async () => {
    const gateway = await startTestGateway(config);
    const socket = await connectSocket(gateway.port, { headers: { 'x-forwarded-for': '192.0.2.1' } });
    await socket.ask(callText('admin_peers'));
    await socket.ask('[]');
    await until(() => told(gateway)['192.0.2.1'] === 1100);
  });
});
