import { afterEach, describe, expect, it } from 'vitest';
import { callText } from '../testing/client.ts';
import { closeGateways, startTestGateway } from '../testing/gateway.ts';
import { until } from '../testing/until.ts';
import { connect, headSubscription, key } from '../testing/open-sockets.ts';

afterEach(closeGateways);

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
