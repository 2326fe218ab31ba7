import { createHash } from 'node:crypto';
import { Agent } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { newApiKey } from '../identity/index.ts';
import type { TestAnswer } from './testing/client.ts';
import { bucketOf, closeGateways, startTestGateway, type TestGateway } from './testing/gateway.ts';

afterEach(async () => {
  vi.useRealTimers();
  await closeGateways();
});

const acme = newApiKey((size) => new Uint8Array(size).fill(7));
const other = newApiKey((size) => new Uint8Array(size).fill(9));
const own = 'operators.own~key-with_22+'.replace('+', 'x');

const keys = [
  { name: 'acme', key: acme },
  { name: 'other', key: other },
  { name: 'own', sha256: createHash('sha256').update(own).digest('hex') },
];

const caller = (gateway: TestGateway, answer: TestAnswer) => gateway.explain(answer)[0]!.caller;

describe.each(['fast', 'fallback'] as const)('a key, by the %s lane,', (lane) => {
  it.each([
    ['x-api-key', 'X-API-Key', '/eth', (key: string) => ({ 'X-API-Key': key })],
    ['bearer', 'Authorization: Bearer', '/eth', (key: string) => ({ Authorization: `Bearer ${key}` })],
    ['bearer', 'bearer in another case', '/eth', (key: string) => ({ authorization: `bEARER ${key}` })],
    ['path', 'the path behind a network', '/eth/KEY', () => ({})],
    ['path', 'the path behind a network, with a slash', '/eth/KEY/', () => ({})],
    ['path', 'the path at the root', '/KEY', () => ({})],
    ['query', 'the query', '/eth?api_key=KEY', () => ({})],
    ['query', 'the query among others', '/eth/?a=b&api_key=KEY&c', () => ({})],
  ])('is found in %s (%s)', async (place, _, path, headers) => {
    const gateway = await startTestGateway({
      keys,
      networks: { root: { path: '/' }, eth: { path: '/eth' } },
    });
    for (const [key, prefix] of [
      [acme, acme.slice(8, 16)],
      [own, createHash('sha256').update(own).digest('hex').slice(0, 8)],
    ] as const) {
      const answer = await gateway.call('m', { lane, path: path.replace('KEY', key), headers: headers(key) });
      expect(answer.status).toBe(200);
      expect(caller(gateway, answer)).toMatchObject({ kind: 'key', foundIn: place, keyPrefix: prefix });
    }
  });

  it('may be given twice if it is the same; two different ones are a 401', async () => {
    const gateway = await startTestGateway({ keys });
    const places = (first: string, second: string) => [
      { headers: { 'x-api-key': first, authorization: `Bearer ${second}` } },
      { headers: { 'x-api-key': first }, path: `/${second}` },
      { headers: { authorization: `Bearer ${first}` }, path: `/?api_key=${second}` },
      { path: `/${first}?api_key=${second}` },
      { path: `/?api_key=${first}&api_key=${second}` },
    ];
    for (const request of places(acme, acme)) {
      expect((await gateway.call('m', { lane, ...request } as object)).status).toBe(200);
    }
    const sent = gateway.node.bodies.length;
    for (const request of [...places(acme, other), ...places(acme, 'unknown-unknown-unknown')]) {
      const answer = await gateway.call('m', { lane, ...request } as object);
      expect([answer.status, answer.json.error.code]).toEqual([401, -32001]);
      expect(caller(gateway, answer)).toMatchObject({ kind: 'unknown', keyNumber: -1 });
    }
    expect(gateway.node.bodies).toHaveLength(sent);
  });

  it('given in two header lines is not taken for one', async () => {
    const gateway = await startTestGateway({ keys });
    const answer = await gateway.call('m', { lane, headers: { 'x-api-key': [acme, other] } });
    expect(answer.status).toBe(401);
  });
});

describe('callers without a key', () => {
  it('are denied where the config says so; a key is served', async () => {
    const gateway = await startTestGateway({ keys, identity: { anonymous: 'deny' } });
    const answer = await gateway.call();
    expect([answer.status, answer.json.error.code]).toEqual([401, -32001]);
    expect(gateway.node.bodies).toEqual([]);
    expect((await gateway.call('m', { headers: { 'x-api-key': acme } })).status).toBe(200);
  });

  it('with another kind of Authorization are anonymous', async () => {
    const gateway = await startTestGateway({ keys });
    const answer = await gateway.call('m', { headers: { authorization: `Basic ${btoa('user:password')}` } });
    expect(answer.status).toBe(200);
    expect(caller(gateway, answer)).toMatchObject({ kind: 'address', foundIn: null });
  });
});

describe('on a connection that is kept open', () => {
  it('each request is its own caller, whoever came before', async () => {
    const gateway = await startTestGateway({ keys });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const who: unknown[] = [];
    for (const key of [acme, undefined, other, 'x'.repeat(30), acme, undefined]) {
      const answer = await gateway.call('m', {
        agent,
        headers: key === undefined ? {} : { 'x-api-key': key },
      });
      who.push([answer.status, caller(gateway, answer).kind, caller(gateway, answer).keyPrefix]);
    }
    agent.destroy();
    expect(who).toEqual([
      [200, 'key', acme.slice(8, 16)],
      [200, 'address', ''],
      [200, 'key', other.slice(8, 16)],
      [401, 'unknown', ''],
      [200, 'key', acme.slice(8, 16)],
      [200, 'address', ''],
    ]);
  });

  it('a key that a new policy removes, disables or replaces is refused at once', async () => {
    const gateway = await startTestGateway({ keys });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = async () => (await gateway.call('m', { agent, headers: { 'x-api-key': acme } })).status;
    expect(await ask()).toBe(200);
    gateway.apply({ keys: keys.slice(1) });
    expect(await ask()).toBe(401);
    gateway.apply({ keys });
    expect(await ask()).toBe(200);
    gateway.apply({ keys: [{ ...keys[0], enabled: false }] });
    expect(await ask()).toBe(401);
    gateway.apply({ keys: [{ name: 'acme', key: other }] });
    expect(await ask()).toBe(401);
    agent.destroy();
  });

  it('a key is refused from the very moment it expires', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2030-01-01T11:59:59.999Z') });
    const gateway = await startTestGateway({
      keys: [{ name: 'acme', key: acme, expires: '2030-01-01T12:00:00Z' }],
    });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = async () => (await gateway.call('m', { agent, headers: { 'x-api-key': acme } })).status;
    expect(await ask()).toBe(200);
    vi.setSystemTime(Date.parse('2030-01-01T12:00:00Z'));
    expect(await ask()).toBe(401);
    agent.destroy();
  });
});

describe('where a request came from', () => {
  const from = async (gateway: TestGateway, headers: Record<string, string | string[]>) =>
    caller(gateway, await gateway.call('m', { headers })).address;

  it('is the peer, whatever headers say, unless it is a trusted proxy', async () => {
    const gateway = await startTestGateway();
    expect(await from(gateway, { 'x-forwarded-for': '192.0.2.1', forwarded: 'for=192.0.2.2' })).toBe(
      '127.0.0.1',
    );
  });

  it('is read from right to left, through trusted proxies only', async () => {
    const gateway = await startTestGateway({
      server: { trusted_proxies: ['127.0.0.1', '10.0.0.0/8', 'fd00::/8'] },
    });
    const cases: [string | string[], string][] = [
      ['192.0.2.1', '192.0.2.1'],
      ['203.0.113.9, 192.0.2.1', '192.0.2.1'],
      ['203.0.113.9, 192.0.2.1, 10.1.2.3', '192.0.2.1'],
      ['203.0.113.9,192.0.2.1,10.9.9.9,fd00::1', '192.0.2.1'],
      [['203.0.113.9', '192.0.2.1, 10.0.0.1'], '192.0.2.1'],
      ['10.0.0.1', '10.0.0.1'],
      ['::ffff:192.0.2.1', '192.0.2.1'],
      ['192.0.2.1:8080', '192.0.2.1'],
      ['[2001:db8:1:2:3::4]:8080', '2001:db8:1:2::/64'],
      ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
      // An odd spelling ends the walk at the last proxy we trust.
      ['192.0.2.1, 0300.0.2.1', '127.0.0.1'],
      ['192.0.2.1, 192.0.2.01', '127.0.0.1'],
      ['192.0.2.1, 0x7f.1', '127.0.0.1'],
      ['192.0.2.1, unknown, 10.0.0.7', '10.0.0.7'],
      ['192.0.2.1, fe80::1%eth0', '127.0.0.1'],
    ];
    for (const [header, address] of cases) {
      expect([header, await from(gateway, { 'x-forwarded-for': header })]).toEqual([header, address]);
    }
    for (const [header, address] of [
      ['for=192.0.2.1', '192.0.2.1'],
      ['for=203.0.113.9, for="192.0.2.1:4711";proto=https;by=10.0.0.1', '192.0.2.1'],
      ['For="[2001:db8:1:2::9]:4711", for=10.0.0.1', '2001:db8:1:2::/64'],
      ['for=192.0.2.1, for=_hidden', '127.0.0.1'],
      ['for=192.0.2.1, for="unclosed', '127.0.0.1'],
    ] as const) {
      expect([header, await from(gateway, { forwarded: header })]).toEqual([header, address]);
    }
  });

  it('decides the bucket of a caller without a key: IPv4 each, IPv6 by /64', async () => {
    const gateway = await startTestGateway({
      server: { trusted_proxies: ['127.0.0.1'] },
      limits: { default: bucketOf(2) },
    });
    const ask = async (address: string) =>
      (await gateway.call('m', { headers: { 'x-forwarded-for': address } })).status;
    expect(await ask('192.0.2.1')).toBe(200);
    expect(await ask('::ffff:192.0.2.1')).toBe(200);
    expect(await ask('192.0.2.1')).toBe(429);
    expect(await ask('192.0.2.2')).toBe(200);
    expect(await ask('2001:db8:0:1::1')).toBe(200);
    expect(await ask('2001:db8:0:1:ffff:ffff:ffff:ffff')).toBe(200);
    expect(await ask('2001:db8:0:1::77')).toBe(429);
    expect(await ask('2001:db8:0:2::1')).toBe(200);
  });

  it('counts IPv6 by the prefix that is configured', async () => {
    const gateway = await startTestGateway({
      server: { trusted_proxies: ['127.0.0.1'] },
      identity: { ipv6_prefix: 48 },
      limits: { default: bucketOf(1) },
    });
    const ask = (address: string) => gateway.call('m', { headers: { 'x-forwarded-for': address } });
    const first = await ask('2001:db8:7:1::1');
    expect(caller(gateway, first).address).toBe('2001:db8:7::/48');
    expect((await ask('2001:db8:7:2::1')).status).toBe(429);
    expect((await ask('2001:db8:8::1')).status).toBe(200);
  });

  it('does not matter for the bucket of a key', async () => {
    const gateway = await startTestGateway({
      server: { trusted_proxies: ['127.0.0.1'] },
      limits: { default: bucketOf(2) },
      keys,
    });
    const ask = async (address: string, key: string) =>
      (await gateway.call('m', { headers: { 'x-forwarded-for': address, 'x-api-key': key } })).status;
    expect(await ask('192.0.2.1', acme)).toBe(200);
    expect(await ask('192.0.2.2', acme)).toBe(200);
    expect(await ask('192.0.2.3', acme)).toBe(429);
    expect(await ask('192.0.2.1', other)).toBe(200);
    expect(await gateway.call('m', { headers: { 'x-forwarded-for': '192.0.2.1' } })).toMatchObject({
      status: 200,
    });
  });
});

describe('a path', () => {
  it('names a network, or a network and a key', async () => {
    const gateway = await startTestGateway({ keys, networks: { a: { path: '/a' }, b: { path: '/b' } } });
    const network = async (path: string) => {
      const answer = await gateway.call('m', { path });
      return answer.status === 200 ? gateway.explain(answer)[0]!.network : answer.status;
    };
    expect(await network('/a')).toBe('a');
    expect(await network('/a/')).toBe('a');
    expect(await network('/a?x=y')).toBe('a');
    expect(await network('/b')).toBe('b');
    expect(await network(`/b/${acme}`)).toBe('b');
    for (const path of ['/', '/A', '/a/b', '//a', '/a/../a', '/a/%2e', '/__proto__', '/healthz']) {
      expect([path, await network(path)]).toEqual([path, 404]);
    }
    expect(await network(`/${acme}`)).toBe(401);
    expect(await network(`/a/b/${acme}`)).toBe(401);
    expect(gateway.node.bodies).toHaveLength(5);
  });
});
