import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { certA, keyA } from '../../config/testing/certificates.ts';
import { callText } from '../testing/client.ts';
import { bucketOf, closeGateways, startTestGateway } from '../testing/gateway.ts';
import { maskedFrame, type TestSocket } from '../testing/socket.ts';
import { until } from '../testing/until.ts';
import { connect, headSubscription, key, keys } from '../testing/open-sockets.ts';

afterEach(closeGateways);

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

  it('a reload without their network closes a socket as that, though it asks before its turn comes', async () => {
    const limits = { default: { ...bucketOf(1000) } };
    const websocket = { max_connections: 600 };
    const networks = { eth: { path: '/eth' }, base: { path: '/base' } };
    const gateway = await startTestGateway({ limits, websocket, networks });
    const sockets: TestSocket[] = [];
    // More than are looked at in one turn.
    while (sockets.length < 520) sockets.push(await connect(gateway, { path: '/base' }));
    // What it sends is read before the next turn's looks.
    await new Promise<void>((resolve) => {
      setTimeout(() => {
        sockets.at(-1)!.send(callText('eth_chainId'));
        gateway.apply({ limits, websocket, networks: { eth: networks.eth } });
        resolve();
      }, 1);
    });
    const codes = await Promise.all(sockets.map(async (socket) => (await socket.closed).code));
    expect([...new Set(codes)]).toEqual([4404]);
    expect(gateway.logLines().filter(({ kind }) => kind === 'worker')).toEqual([]);
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
