import { afterEach, describe, expect, it, vi } from 'vitest';
import { hashKey } from '../../identity/index.ts';
import { callText, notificationText } from '../testing/client.ts';
import { bucketOf, closeGateways, startTestGateway } from '../testing/gateway.ts';
import { type connectSocket, upgradeStatus } from '../testing/socket.ts';
import { until } from '../testing/until.ts';
import { connect, key, keys } from '../testing/open-sockets.ts';

afterEach(closeGateways);

describe('calls', () => {
  it('are answered under their ids, byte for byte, and explained', async () => {
    const gateway = await startTestGateway();
    const socket = await connect(gateway);
    const answer = await socket.ask(callText('eth_call', '1e400'));
    expect(answer.text).toMatch(/^\{"jsonrpc":"2.0","id":1e400,"result":/);
    await until(() => gateway.logLines().length > 0);
    const [record] = gateway.explainId(String(gateway.logLines()[0]!.fields['requestId']));
    expect(record).toMatchObject({ transport: 'websocket', lane: null, answeredFrom: 'upstream' });
    expect(record?.socket).toMatch(/^boot-00-1$/);
    expect(socket.id).toBe(record?.socket);
  });

  it('in a batch are answered together; notifications not at all', async () => {
    const gateway = await startTestGateway();
    const socket = await connect(gateway);
    const batch = `[${callText('eth_call', '1')},${notificationText()},${callText('eth_chainId', '"x"')}]`;
    const { json } = await socket.ask(batch);
    expect(json.map(({ id }: { id: unknown }) => id)).toEqual([1, 'x']);
    socket.send(notificationText());
    expect((await socket.ask(callText('eth_call', '7'))).json.id).toBe(7);
  });

  it('that are no JSON get an error, and the socket stays', async () => {
    const gateway = await startTestGateway();
    const socket = await connect(gateway);
    expect((await socket.ask('{"jsonrpc"')).json.error.code).toBe(-32700);
    expect((await socket.ask('[]')).json.error.code).toBe(-32600);
    expect((await socket.ask(callText())).json.result).toBeDefined();
  });
});

describe('identity', () => {
  it.each<[string, Parameters<typeof connectSocket>[1], string]>([
    ['path', { path: `/${key}` }, 'path'],
    ['query', { path: `/?api_key=${key}` }, 'query'],
    ['header', { headers: { 'x-api-key': key } }, 'x-api-key'],
    ['bearer', { headers: { authorization: `Bearer ${key}` } }, 'bearer'],
    ['subprotocol', { protocols: ['json-rpc', `api-key.${key}`] }, 'subprotocol'],
  ])('by %s', async (_name, over, foundIn) => {
    const gateway = await startTestGateway({ keys, identity: { anonymous: 'deny' } });
    const socket = await connect(gateway, over);
    expect((await socket.ask(callText())).json.result).toBeDefined();
    const [record] = gateway.explainId(String(gateway.logLines().at(-1)?.fields['requestId']));
    expect(record?.caller).toMatchObject({ kind: 'key', foundIn });
  });

  it('names the subprotocol that carries no key', async () => {
    const gateway = await startTestGateway({ keys });
    expect((await connect(gateway, { protocols: [`api-key.${key}`, 'json-rpc'] })).protocol).toBe('json-rpc');
    expect((await connect(gateway, { protocols: [`api-key.${key}`] })).protocol).toBe(`api-key.${key}`);
  });

  it.each([
    ['an unknown key', { path: `/${'u'.repeat(32)}` }, 401],
    ['two keys', { path: `/${key}`, headers: { 'x-api-key': 'v'.repeat(32) } }, 401],
    ['no key where one is needed', {}, 401],
    ['an unknown path', { path: '/nowhere' }, 404],
    ['a page of another origin', { path: `/${key}`, headers: { origin: 'https://evil.example' } }, 403],
  ])('refuses %s at the upgrade, with an error in JSON', async (_name, over, status) => {
    const gateway = await startTestGateway({
      keys,
      identity: { anonymous: 'deny' },
      websocket: { origins: ['https://good.example'] },
    });
    const answer = await upgradeStatus(gateway.port, over);
    expect(answer.status).toBe(status);
    expect(answer.json.error.data.requestId).toBe(answer.requestId);
    expect(gateway.hub.heard).toEqual([]);
  });

  it('an allowed origin, and a client without one, come in', async () => {
    const gateway = await startTestGateway({ websocket: { origins: ['https://good.example'] } });
    await connect(gateway, { headers: { origin: 'https://GOOD.example' } });
    await connect(gateway);
  });

  it('is asked of main, which may refuse', async () => {
    const gateway = await startTestGateway({ websocket: { max_connections: 3 } });
    gateway.hub.refusal.admitted = false;
    const answer = await upgradeStatus(gateway.port, {});
    expect(answer).toMatchObject({ status: 429, json: { error: { code: -32005, data: { limit: 3 } } } });
    expect(gateway.hub.heard.at(-1)).toMatchObject({ type: 'socket-close' });
  });

  it('is not served where it is turned off', async () => {
    const gateway = await startTestGateway({ websocket: { enabled: false } });
    expect((await upgradeStatus(gateway.port, {})).status).toBe(405);
  });
});

describe('limits', () => {
  it('hold as over HTTP, and too many refusals close the socket', async () => {
    const gateway = await startTestGateway({
      limits: { default: bucketOf(2) },
      websocket: { max_refusals: 3 },
    });
    const socket = await connect(gateway);
    for (let k = 0; k < 2; k++) expect((await socket.ask(callText())).json.result).toBeDefined();
    for (let k = 0; k < 4; k++) expect((await socket.ask(callText())).json.error.code).toBe(-32005);
    expect(await socket.closed).toEqual({ code: 1008, reason: 'too many calls over the limit' });
    expect(gateway.counted('exceeded')).toBe(4);
  });

  it('of messages count a batch as one, and refuse under the id', async () => {
    const gateway = await startTestGateway({
      keys: [{ name: 'acme', key, websocket: { messages_per_second: 2 } }],
      limits: { default: 'none' },
    });
    const socket = await connect(gateway, { path: `/${key}` });
    const batch = `[${callText('eth_call', '1')},${callText('eth_call', '2')}]`;
    await socket.ask(batch);
    await socket.ask(batch);
    const { json } = await socket.ask(callText('eth_call', '"mine"'));
    expect(json).toMatchObject({
      id: 'mine',
      error: { code: -32005, data: { policy: 'websocket:messages' } },
    });
    expect((await socket.ask(batch)).json).toMatchObject({ id: null, error: { code: -32005 } });
  });

  it('of a quota answer with an error and close the socket', async () => {
    const gateway = await startTestGateway({
      keys: [{ name: 'acme', key, quota: { requests: 2, period: 'day' } }],
    });
    const socket = await connect(gateway, { path: `/${key}` });
    await socket.ask(callText());
    await socket.ask(callText());
    expect((await socket.ask(callText())).json.error.code).toBe(402);
    expect(await socket.closed).toEqual({ code: 1008, reason: 'quota used up' });
  });
});

describe('a fault of ours in a message', () => {
  const failing = callText('eth_unsubscribe', '2', '["secret"]');
  const failOnce = (error: unknown): void => {
    vi.spyOn(JSON, 'parse').mockImplementationOnce(() => {
      throw error;
    });
  };
  afterEach(() => vi.restoreAllMocks());

  it('closes its socket alone, and is logged without what the caller wrote', async () => {
    const gateway = await startTestGateway();
    const [one, other] = [await connect(gateway), await connect(gateway)];
    failOnce(new SyntaxError('no JSON: "secret\n    at secret"'));
    one.send(failing);
    expect(await one.closed).toEqual({ code: 1011, reason: 'internal error' });
    expect((await other.ask(callText())).json.result).toBeDefined();
    const line = gateway.logLines().find(({ level }) => level === 'error');
    expect(line).toMatchObject({ kind: 'worker', fields: { socket: one.id } });
    expect(line?.fields['stack']).toMatch(/^SyntaxError\n {4}at /);
    expect(JSON.stringify(line)).not.toContain('secret');
    await until(() => gateway.counter('socketsClosedFault') === 1);
    await until(() => gateway.hub.sockets() === 1);
  });

  it('gives back what quotas hold for the call that failed, and counts the others of its batch', async () => {
    let answer = (): void => {};
    const gateway = await startTestGateway(
      {
        limits: { default: 'none' },
        keys: [{ name: 'acme', key, quota: { requests: 10, period: 'day' } }],
      },
      { vice: { request: (exchange) => void (answer = () => exchange.send(exchange.http())) } },
    );
    gateway.giveUser([key], 900, { unit: 'requests', limit: 10, period: 'day', warnAt: [] });
    // A dry run counts the call it imagines.
    const used = () => {
      const { quota, userQuota } = gateway.foresee({ keySha256: hashKey(key), method: 'm' })!;
      return [quota!.used - 1, userQuota!.used - 1];
    };
    const socket = await connect(gateway, { headers: { 'x-api-key': key } });
    failOnce(new Error('ours'));
    socket.send(`[${callText('eth_slow', '1')},${failing},${callText('eth_slow', '3')}]`);
    expect(await socket.closed).toMatchObject({ code: 1011 });
    expect(used(), 'the first, which is at the node').toEqual([1, 1]);
    answer();
    await until(() => gateway.counted('allowed') === 1);
    expect(used()).toEqual([1, 1]);

    const again = await connect(gateway, { headers: { 'x-api-key': key } });
    failOnce(new Error('ours'));
    again.send(failing);
    expect(await again.closed).toMatchObject({ code: 1011 });
    expect(used()).toEqual([1, 1]);
  });

  it('keeps nothing waiting: a drain ends though calls of the socket are still under way', async () => {
    let answer = (): void => {};
    const gateway = await startTestGateway(
      {},
      { vice: { request: (exchange) => void (answer = () => exchange.send(exchange.http())) } },
    );
    const socket = await connect(gateway);
    socket.send(callText('eth_slow', '1'));
    await until(() => gateway.node.bodies.length === 1);
    failOnce('no error at all');
    socket.send(`[${callText('eth_slow', '2')},${failing}]`);
    expect(await socket.closed).toMatchObject({ code: 1011 });
    expect(gateway.logLines().find(({ level }) => level === 'error')?.fields['stack']).toBe('thrown: string');
    const drained = gateway.drain(20_000);
    answer();
    await drained;
  }, 10_000);
});
