import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { certA, keyA } from '../../config/testing/certificates.ts';
import { hashKey } from '../../identity/index.ts';
import { callText, notificationText } from '../testing/client.ts';
import { bucketOf, closeGateways, startTestGateway, type TestGateway } from '../testing/gateway.ts';
import { connectSocket, maskedFrame, type TestSocket, upgradeStatus } from '../testing/socket.ts';
import { until } from '../testing/until.ts';

afterEach(closeGateways);

const key = 'k'.repeat(32);
const keys = [{ name: 'acme', key }];
const connect = (gateway: TestGateway, over: Parameters<typeof connectSocket>[1] = {}): Promise<TestSocket> =>
  connectSocket(gateway.port, over);
const headSubscription = callText('eth_subscribe', '1', '["newHeads"]');

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

describe('a flood of messages', () => {
  const inOneWrite = (text: string, count: number): Buffer =>
    Buffer.concat(Array.from({ length: count }, () => maskedFrame(text)));

  it('of one socket is handled piece by piece, with all others between', async () => {
    const gateway = await startTestGateway({ websocket: { max_refusals: 0 } });
    const socket = await connect(gateway);
    let [most, before, watching] = [0, 0, true];
    const watch = (): void => {
      const count = gateway.counter('requestsRefused');
      most = Math.max(most, count - before);
      before = count;
      if (watching) setImmediate(watch);
    };
    watch();
    socket.sendBytes(inOneWrite('', 2000));
    const answers = await socket.take(2000);
    watching = false;
    expect(answers.at(-1)!.json.error.code).toBe(-32700);
    expect(most).toBeGreaterThan(0);
    // Those of one read and of the turn's end.
    expect(most).toBeLessThanOrEqual(128);
  });

  it('has no more than 128 calls under way, and all are answered', async () => {
    const answers: (() => void)[] = [];
    const gateway = await startTestGateway(
      { limits: { default: 'none' } },
      { vice: { request: (exchange) => void answers.push(() => exchange.send(exchange.http())) } },
    );
    const socket = await connect(gateway);
    const frames = Array.from({ length: 300 }, (_, k) =>
      maskedFrame(callText('eth_sendRawTransaction', `${k}`)),
    );
    socket.sendBytes(Buffer.concat(frames));
    await until(() => gateway.node.bodies.length >= 128);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(gateway.node.bodies).toHaveLength(128);
    const release = setInterval(() => answers.splice(0).forEach((answer) => answer()), 5);
    const ids = (await socket.take(300)).map(({ json }) => json.id as number);
    clearInterval(release);
    expect(ids.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, k) => k));
    expect(gateway.node.bodies).toHaveLength(300);
  });

  it('is not handled faster while events go out to many', async () => {
    const gateway = await startTestGateway({ websocket: { max_refusals: 0 } });
    const listening = await Promise.all(Array.from({ length: 200 }, () => connect(gateway)));
    for (const socket of listening) await socket.ask(headSubscription);
    const flooding = await connect(gateway);
    flooding.sendBytes(inOneWrite('', 5000));
    await until(() => gateway.counter('requestsRefused') > 0);
    const before = gateway.counter('requestsRefused');
    expect(before).toBeLessThan(4000);
    // Written piece by piece: each time the turn is ended early.
    for (let k = 0; k < 5; k++) gateway.hub.event(1, `${k}`);
    expect(gateway.counter('requestsRefused')).toBe(before);
    await flooding.take(5000);
  });

  it('is dropped with its socket', async () => {
    const gateway = await startTestGateway({ websocket: { max_refusals: 10 } });
    const socket = await connect(gateway);
    socket.sendBytes(inOneWrite('', 2000));
    expect(await socket.closed).toMatchObject({ code: 1008 });
    expect(socket.seen.length).toBeLessThanOrEqual(64);
    await gateway.drain(5000);
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

describe('subscriptions', () => {
  it('get an id of ours, then events in order', async () => {
    const gateway = await startTestGateway();
    const socket = await connect(gateway);
    const { json } = await socket.ask(headSubscription);
    expect(json.result).toMatch(/^0x[0-9a-f]{32}$/);
    for (const number of [1, 2, 3]) gateway.hub.event(1, `{"number":"0x${number}"}`);
    const events = await socket.take(3);
    expect(events.map((event) => event.json.params)).toEqual(
      [1, 2, 3].map((number) => ({ subscription: json.result, result: { number: `0x${number}` } })),
    );
    await until(() => gateway.counter('events') === 3);
    expect(gateway.counter('subscriptionsOpen')).toBe(1);
  });

  it('in a batch get their events after the batch was answered', async () => {
    let answer = (): void => {};
    const gateway = await startTestGateway(
      {},
      { vice: { request: (exchange) => void (answer = () => exchange.send(exchange.http())) } },
    );
    const socket = await connect(gateway);
    socket.send(`[${headSubscription},${callText('eth_slow', '2')}]`);
    await until(
      () => gateway.hub.heard.some(({ type }) => type === 'subscribe') && gateway.node.bodies.length > 0,
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    gateway.hub.event(1, '"early"');
    await new Promise((resolve) => setTimeout(resolve, 20));
    answer();
    const [batch, event] = await socket.take(2);
    expect(batch!.json).toHaveLength(2);
    expect(event!.json.params).toEqual({ subscription: batch!.json[0].result, result: 'early' });
  });

  it('end with eth_unsubscribe, and only the own ones', async () => {
    const gateway = await startTestGateway();
    const [one, other] = [await connect(gateway), await connect(gateway)];
    const { result: id } = (await one.ask(headSubscription)).json;
    const end = callText('eth_unsubscribe', '2', `["${id}"]`);
    expect((await other.ask(end)).json.error).toEqual({ code: -32000, message: 'subscription not found' });
    expect((await one.ask(end)).json.result).toBe(true);
    expect((await one.ask(end)).json.error.code).toBe(-32000);
    gateway.hub.event(1, '1');
    await one.ask(callText());
    expect(one.waiting()).toBe(0);
    expect(gateway.hub.heard.at(-1)).toMatchObject({ type: 'unsubscribe' });
  });

  it.each([
    [
      { why: 'too_many', limit: 5 },
      { code: -32005, data: { limit: 5 } },
    ],
    [
      { why: 'invalid_params', message: 'bad' },
      { code: -32602, message: 'bad' },
    ],
    [
      { why: 'unsupported', message: 'none has it' },
      { code: -32601, message: 'none has it' },
    ],
    [
      { why: 'node_error', error: '{"code":-1,"message":"é"}' },
      { code: -1, message: 'é' },
    ],
    [{ why: 'no_upstream' }, { code: -32603 }],
  ] as const)('say why there is none: %j', async (fault, error) => {
    const gateway = await startTestGateway();
    gateway.hub.refusal.fault = fault;
    expect((await (await connect(gateway)).ask(headSubscription)).json.error).toMatchObject(error);
  });

  it('that no upstream gives in time are refused like a call', async () => {
    const gateway = await startTestGateway({ timeout: '100ms' });
    gateway.hub.refusal.silent = true;
    const socket = await connect(gateway);
    const { json } = await socket.ask(headSubscription);
    expect(json.error).toMatchObject({ code: -32002 });
    await gateway.drain(5000);
  });

  it('are answered, all that were asked for, before a socket is closed for its refusals', async () => {
    const gateway = await startTestGateway({ websocket: { max_refusals: 3 } });
    gateway.hub.refusal.fault = { why: 'too_many', limit: 5 };
    const socket = await connect(gateway);
    for (let k = 0; k < 8; k++) socket.send(headSubscription);
    for (const { json } of await socket.take(8)) expect(json.error.code).toBe(-32005);
    expect(await socket.closed).toMatchObject({ code: 1008 });
    await gateway.drain(5000);
  });

  it.each(['[]', '[1]', '{}', `["${'x'.repeat(65)}"]`])(
    'with params %s are no subscriptions',
    async (params) => {
      const gateway = await startTestGateway();
      const socket = await connect(gateway);
      expect((await socket.ask(callText('eth_subscribe', '1', params))).json.error.code).toBe(-32602);
    },
  );

  it('with more than 32 KiB of params are refused before the hub hears of them', async () => {
    const gateway = await startTestGateway();
    const socket = await connect(gateway);
    const params = (bytes: number): string => `["foo","${'x'.repeat(bytes - 10)}"]`;
    const { json } = await socket.ask(callText('eth_subscribe', '1', params(32 * 1024 + 1)));
    expect(json.error).toMatchObject({
      code: -32602,
      message: 'params of a subscription have at most 32768 bytes',
    });
    expect(gateway.hub.heard.some(({ type }) => type === 'subscribe')).toBe(false);
    expect((await socket.ask(callText('eth_subscribe', '2', params(32 * 1024)))).json.result).toMatch(/^0x/);
  });

  it.each(['{}', '{"0":"0x1"}', '[]', '[1]', '[null]'])(
    'are not ended by params %s, which end nothing else either',
    async (params) => {
      const gateway = await startTestGateway();
      const socket = await connect(gateway);
      const { json } = await socket.ask(callText('eth_unsubscribe', '1', params));
      expect(json).toMatchObject({ id: 1, error: { code: -32602 } });
      expect((await socket.ask(callText())).json.result).toBeDefined();
    },
  );

  it('take the further params as they were written', async () => {
    const gateway = await startTestGateway();
    const socket = await connect(gateway);
    await socket.ask(callText('eth_subscribe', '1', '[ "logs" , {"a":1.0e5,"b":"]"} , 2 ]'));
    expect(gateway.hub.heard.at(-1)).toMatchObject({ kind: 'logs', params: '{"a":1.0e5,"b":"]"} , 2' });
  });

  it('count each event for usage, at its cost, until the quota is used up', async () => {
    const gateway = await startTestGateway({
      keys: [{ name: 'acme', key, quota: { cost: 12, period: 'day' } }],
      methods: { costs: { eth_subscription: 5 } },
    });
    const socket = await connect(gateway, { path: `/${key}` });
    await socket.ask(headSubscription);
    for (let k = 0; k < 3; k++) gateway.hub.event(1, `${k}`);
    const [first, second, third] = await socket.take(3);
    expect([first, second].map((event) => event!.json.params.result)).toEqual([0, 1]);
    expect(third!.json).toMatchObject({ id: null, error: { code: 402, data: { quota: 12, used: 11 } } });
    expect(await socket.closed).toMatchObject({ code: 1008 });
    await until(() => gateway.counter('events') === 2);
    expect(gateway.counted('cost')).toBe(11);
    expect(gateway.counted('allowed')).toBe(1);
  });

  it('that cannot go on close their sockets, with the reason', async () => {
    const gateway = await startTestGateway();
    const socket = await connect(gateway);
    await socket.ask(headSubscription);
    gateway.hub.say({ type: 'feed-ended', feed: 1, reason: 'a gap of 2000 blocks' });
    expect(await socket.closed).toEqual({ code: 1011, reason: 'subscription lost: a gap of 2000 blocks' });
  });
});

describe('slow clients', () => {
  const big = `"${'x'.repeat(100_000)}"`;

  it('get only the newest head', async () => {
    const gateway = await startTestGateway({ websocket: { send_buffer: '128KiB' } });
    const socket = await connect(gateway);
    await socket.ask(headSubscription);
    socket.pause();
    // More than the kernel takes for a client that does not read.
    for (let k = 0; k < 200; k++) {
      gateway.hub.event(1, big);
      await new Promise((resolve) => setImmediate(resolve));
    }
    gateway.hub.event(1, '"last"');
    await until(() => gateway.counter('eventsConflated') > 0);
    socket.resume();
    await until(() => socket.seen.some((message) => message.includes('"last"')));
    expect(socket.seen.length).toBeLessThan(202);
  });

  it('that take nothing for too long are closed as that, and not as having left', async () => {
    const gateway = await startTestGateway({
      websocket: { send_buffer: '64MiB' },
      server: { header_timeout: '1s', request_timeout: '1s' },
    });
    const socket = await connect(gateway);
    await socket.ask(callText('eth_subscribe', '1', '["logs"]'));
    socket.pause();
    for (let k = 0; k < 200; k++) gateway.hub.event(1, big);
    await until(() => gateway.hub.sockets() === 0);
    const { code } = gateway.hub.heard.findLast((message) => message.type === 'socket-close')!;
    expect(code).toBe(1013);
    await until(() => gateway.counter('socketsClosedSlow') === 1);
  });

  it('catch up though the stream has never been over its mark', async () => {
    const gateway = await startTestGateway({ websocket: { send_buffer: '128KiB' } });
    const socket = await connect(gateway);
    await socket.ask(headSubscription);
    const results = [62_000, 70_000].map((length) => `"${'x'.repeat(length)}"`);
    gateway.hub.say({ type: 'events', feed: 1, results });
    const events = await socket.take(2);
    expect(events.map(({ json }) => json.params.result.length)).toEqual([62_000, 70_000]);
  });

  it.each(['logs', 'newHeads'])('are not those that read: none of many %s is missing', async (kind) => {
    const gateway = await startTestGateway({ websocket: { send_buffer: '128KiB' } });
    const socket = await connect(gateway);
    await socket.ask(callText('eth_subscribe', '1', `["${kind}"]`));
    const results = Array.from({ length: 2000 }, (_, k) => `"${`${k}`.padEnd(700)}"`);
    gateway.hub.say({ type: 'events', feed: 1, results });
    const events = await socket.take(2000);
    expect(events.map(({ json }) => Number(json.params.result))).toEqual(results.map((_, k) => k));
  });

  it('are not those that are sent one event beyond send_buffer', async () => {
    const gateway = await startTestGateway({ websocket: { send_buffer: '128KiB' } });
    const socket = await connect(gateway);
    await socket.ask(callText('eth_subscribe', '1', '["logs"]'));
    for (let k = 0; k < 3; k++) {
      gateway.hub.event(1, `"${'x'.repeat(500_000)}"`);
      expect((await socket.take(1))[0]!.json.params.result).toHaveLength(500_000);
    }
  });

  it.each([
    ['logs', {}],
    ['newHeads', { slow_consumers: 'close' }],
  ])('of %s are closed: %j', async (kind, over) => {
    const gateway = await startTestGateway({ websocket: { send_buffer: '128KiB', ...over } });
    const socket = await connect(gateway);
    await socket.ask(callText('eth_subscribe', '1', `["${kind}"]`));
    socket.pause();
    for (let k = 0; k < 200; k++) {
      gateway.hub.event(1, big);
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket.resume();
    expect(await socket.closed).toEqual({ code: 1013, reason: 'reading too slowly' });
    await until(() => gateway.counter('socketsClosedSlow') === 1);
  });
});

describe('lifetime', () => {
  it('a reload that lowers max_body_bytes holds for open sockets', async () => {
    const gateway = await startTestGateway();
    const socket = await connect(gateway);
    const large = callText('eth_call', '1', `["${'x'.repeat(2000)}"]`);
    expect((await socket.ask(large)).json.result).toBeDefined();
    gateway.apply({ server: { max_body_bytes: '1KiB' }, upstreams: [{ url: gateway.node.url }] });
    expect((await socket.ask(callText())).json.result).toBeDefined();
    socket.send(large);
    expect(await socket.closed).toEqual({ code: 1009, reason: 'message too large' });
    await until(() => gateway.counter('socketsClosedProtocol') === 1);
  });

  it('a reload moves no socket unless its key is gone', async () => {
    const config = {
      keys: [
        { name: 'acme', key },
        { name: 'other', key: 'o'.repeat(32) },
      ],
    };
    const gateway = await startTestGateway(config);
    const [gone, stays, nobody] = [
      await connect(gateway, { path: `/${key}` }),
      await connect(gateway, { path: `/${'o'.repeat(32)}` }),
      await connect(gateway),
    ];
    gateway.apply({ keys: [config.keys[1]], upstreams: [{ url: gateway.node.url }] });
    expect(await gone.closed).toEqual({ code: 4401, reason: 'key no longer valid' });
    expect((await stays.ask(callText())).json.result).toBeDefined();
    expect((await nobody.ask(callText())).json.result).toBeDefined();
    await until(() => gateway.hub.sockets() === 2);
  });

  it('a reload without their network closes sockets as that, those with subscriptions too', async () => {
    const networks = { eth: { path: '/eth' }, base: { path: '/base' } };
    const gateway = await startTestGateway({ networks });
    const [listening, idle, stays] = [
      await connect(gateway, { path: '/base' }),
      await connect(gateway, { path: '/base' }),
      await connect(gateway, { path: '/eth' }),
    ];
    await listening.ask(headSubscription);
    gateway.apply({ networks: { eth: networks.eth } });
    gateway.hub.say({ type: 'feed-ended', feed: 1, reason: 'its network is no longer served' });
    for (const socket of [listening, idle])
      expect(await socket.closed).toEqual({ code: 4404, reason: 'network no longer served' });
    expect((await stays.ask(callText())).json.result).toBeDefined();
  });

  it('a reload that denies callers without a key closes their sockets', async () => {
    const gateway = await startTestGateway({ keys });
    const [nobody, known] = [await connect(gateway), await connect(gateway, { path: `/${key}` })];
    await nobody.ask(headSubscription);
    gateway.apply({ keys, identity: { anonymous: 'deny' }, upstreams: [{ url: gateway.node.url }] });
    expect(await nobody.closed).toEqual({ code: 4401, reason: 'a key is needed now' });
    expect((await known.ask(callText())).json.result).toBeDefined();
    expect(gateway.hub.sockets()).toBe(1);
  });

  it('a reload leaves each IPv6 network its own bucket, also under a key', async () => {
    const config = {
      keys,
      server: { trusted_proxies: ['127.0.0.1'] },
      limits: { default: 'none', ceilings: [{ name: 'each', per: 'address', ...bucketOf(2) }] },
    };
    const from = (network: string, path = '/'): Promise<TestSocket> =>
      connect(gateway, { path, headers: { 'x-forwarded-for': `2001:db8:${network}::7` } });
    const gateway = await startTestGateway(config);
    const sockets = [
      await from('1'),
      await from('2'),
      await from('3', `/${key}`),
      await from('4', `/${key}`),
    ];
    for (const socket of sockets) expect((await socket.ask(callText())).json.result).toBeDefined();
    gateway.apply({ ...config, logging: { access_sample: 0.5 }, upstreams: [{ url: gateway.node.url }] });
    for (const socket of sockets) expect((await socket.ask(callText())).json.result).toBeDefined();
    for (const socket of sockets) expect((await socket.ask(callText())).json.error.code).toBe(-32005);
  });

  it('a drain closes after what is under way was answered', async () => {
    let answer = (): void => {};
    const gateway = await startTestGateway(
      {},
      { vice: { request: (exchange) => void (answer = () => exchange.send(exchange.http())) } },
    );
    const [busy, idle] = [await connect(gateway), await connect(gateway)];
    busy.send(callText('eth_slow', '9'));
    await until(() => gateway.node.bodies.length === 1);
    const drained = gateway.drain(5000);
    expect(await idle.closed).toEqual({ code: 1001, reason: 'service restart' });
    answer();
    expect((await busy.take(1))[0]!.json.id).toBe(9);
    expect(await busy.closed).toEqual({ code: 1001, reason: 'service restart' });
    await drained;
    expect(gateway.counter('answersUnread')).toBe(0);
  });

  it('a flood of pings closes the socket', async () => {
    const gateway = await startTestGateway();
    const socket = await connect(gateway);
    for (let k = 0; k < 101; k++) socket.ping();
    expect(await socket.closed).toEqual({ code: 1008, reason: 'too many pings or pongs' });
  });

  it('so does a flood of pongs, which is not read on', async () => {
    const gateway = await startTestGateway();
    const socket = await connect(gateway);
    const pongs = Buffer.alloc(6 * 10_000, Buffer.from([0x8a, 0x80, 0, 0, 0, 0]));
    socket.sendBytes(pongs);
    expect(await socket.closed).toEqual({ code: 1008, reason: 'too many pings or pongs' });
    const before = gateway.counter('bytesIn');
    await until(() => gateway.hub.sockets() === 0);
    expect(gateway.counter('bytesIn') - before).toBeLessThan(1 << 20);
  });

  it('small messages that inflate to very much while none can be handled close the socket', async () => {
    const gateway = await startTestGateway(
      { websocket: { compression: true }, limits: { default: 'none' } },
      { vice: { request: () => {} } },
    );
    const socket = await connect(gateway);
    for (let k = 0; k < 128; k++) socket.send(callText('eth_sendRawTransaction', `${k}`));
    const large = callText('eth_call', '1', `["${'x'.repeat(1_000_000)}"]`);
    for (let k = 0; k < 20; k++) socket.send(large);
    expect(await socket.closed).toEqual({ code: 1008, reason: 'too many messages at once' });
  });

  it('at the end of a drain, sockets with calls under way are told why they are closed', async () => {
    const gateway = await startTestGateway({}, { vice: { request: () => {} } });
    const socket = await connect(gateway);
    socket.send(callText('eth_slow', '9'));
    await until(() => gateway.node.bodies.length === 1);
    const drained = gateway.drain(100);
    expect(await socket.closed).toEqual({ code: 1001, reason: 'service restart' });
    await drained;
    expect(gateway.counter('socketsClosedRestart')).toBe(1);
  });

  it('a message beyond max_body_bytes closes the socket', async () => {
    const gateway = await startTestGateway({ server: { max_body_bytes: '1KiB' } });
    const socket = await connect(gateway);
    socket.send('x'.repeat(2000));
    expect((await socket.closed).code).toBe(1009);
    await until(() => gateway.counter('socketsClosedProtocol') === 1);
  });
});

it('over TLS there are calls and subscriptions, and the same bounds for slow clients', async () => {
  const tls = { cert: certA, key: keyA };
  const gateway = await startTestGateway(
    { websocket: { send_buffer: '64MiB' }, server: { header_timeout: '1s', request_timeout: '1s' } },
    { tls },
  );
  const socket = await connect(gateway, { tls: true });
  expect((await socket.ask(callText())).json.result).toBeDefined();
  const { json } = await socket.ask(callText('eth_subscribe', '1', '["logs"]'));
  gateway.hub.event(1, '"first"');
  const [event] = await socket.take(1);
  expect(event!.json.params).toEqual({ subscription: json.result, result: 'first' });
  socket.pause();
  for (let k = 0; k < 200; k++) gateway.hub.event(1, `"${'x'.repeat(100_000)}"`);
  await until(() => gateway.counter('socketsClosedSlow') === 1);
});

it('compression is spoken only where it is turned on', async () => {
  const plain = await startTestGateway();
  expect((await connect(plain)).extensions).toBe('');
  const gateway = await startTestGateway({ websocket: { compression: true } });
  const socket = await connect(gateway);
  expect(socket.extensions).toContain('permessage-deflate');
  expect((await socket.ask(callText())).json.result).toBeDefined();
});

it('a small message that inflates beyond max_body_bytes closes the socket', async () => {
  const gateway = await startTestGateway({
    websocket: { compression: true },
    server: { max_body_bytes: '1KiB' },
  });
  const socket = await connect(gateway);
  socket.send(' '.repeat(20_000_000));
  expect((await socket.closed).code).toBe(1009);
});

it('is there for the library that most use', async () => {
  const gateway = await startTestGateway();
  const client = new WebSocket(`ws://127.0.0.1:${gateway.port}`);
  await new Promise((resolve) => client.once('open', resolve));
  client.close(1000, 'done');
  await new Promise((resolve) => client.once('close', resolve));
  await until(() => gateway.counter('socketsClosedClient') === 1);
});
