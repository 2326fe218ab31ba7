import { afterAll, describe, expect, it } from 'vitest';
import { callText } from '../testing/client.ts';
import { closeGateways, startTestGateway } from '../testing/gateway.ts';
import { connectSocket, maskedFrame } from '../testing/socket.ts';
import { until } from '../testing/until.ts';

afterAll(closeGateways);

const key = 'k'.repeat(32);

// At once: each does nothing but wait, for seconds, and has a gateway of its own.
describe.concurrent('how long a socket is waited for', () => {
  it('a key that expires closes its socket', async () => {
    const expires = new Date(Date.now() + 1500).toISOString();
    const gateway = await startTestGateway({ keys: [{ name: 'acme', key, expires }] });
    const socket = await connectSocket(gateway.port, { path: `/${key}` });
    expect((await socket.ask(callText())).json.result).toBeDefined();
    expect(await socket.closed).toMatchObject({ code: 4401 });
  });

  it('a client without any sign of life is given up', async () => {
    const gateway = await startTestGateway({ websocket: { ping_interval: '1s', pong_timeout: '1s' } });
    const socket = await connectSocket(gateway.port, { autoPong: false });
    await socket.closed;
    await until(() => gateway.counter('socketsClosedSilent') === 1);
    expect(gateway.hub.sockets()).toBe(0);
  });

  it('a client that is not read from is not taken for silent', async () => {
    const answers: (() => void)[] = [];
    const gateway = await startTestGateway(
      { websocket: { ping_interval: '1s', pong_timeout: '1s' }, limits: { default: 'none' } },
      { vice: { request: (exchange) => void answers.push(() => exchange.send(exchange.http())) } },
    );
    const socket = await connectSocket(gateway.port);
    for (let k = 0; k < 200; k++) socket.send(callText('eth_sendRawTransaction', `${k}`));
    await until(() => answers.length === 128);
    await new Promise((resolve) => setTimeout(resolve, 4500));
    const release = setInterval(() => answers.splice(0).forEach((answer) => answer()), 5);
    await socket.take(200);
    clearInterval(release);
    expect(socket.over).toBe(false);
  }, 15_000);

  it('a message that is never whole closes the socket, whatever else comes between its frames', async () => {
    const gateway = await startTestGateway({ server: { header_timeout: '1s', request_timeout: '1s' } });
    const [half, pieces] = [
      await connectSocket(gateway.port, { autoPong: false }),
      await connectSocket(gateway.port, { autoPong: false }),
    ];
    half.sendBytes(maskedFrame(callText()).subarray(0, 20));
    pieces.sendBytes(Buffer.from([0x01, 0x81, 0, 0, 0, 0, 0x7b]));
    const pinging = setInterval(() => pieces.ping(), 200);
    for (const socket of [half, pieces])
      expect(await socket.closed).toEqual({ code: 1008, reason: 'message not whole in time' });
    clearInterval(pinging);
  });

  it('a slow upload is a sign of life', async () => {
    const gateway = await startTestGateway({ websocket: { ping_interval: '1s', pong_timeout: '1s' } });
    const socket = await connectSocket(gateway.port, { autoPong: false });
    const message = maskedFrame(callText('eth_call', '5', `["${'x'.repeat(4000)}"]`));
    for (let at = 0; at < message.length; at += 300) {
      socket.sendBytes(message.subarray(at, at + 300));
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    expect((await socket.take(1))[0]!.json.id).toBe(5);
    socket.close();
  }, 15_000);
});
