import { createServer, type Socket } from 'node:net';
import { type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SinkRequest } from '../sink.ts';
import { type Receiver, startReceiver } from '../testing/receiver.ts';
import type { Resolve, ResolvedAddress } from './resolve.ts';
import { createSinkHttp } from './sink-http.ts';

let receiver: Receiver;
let made: ReturnType<typeof createSinkHttp>;
/** What each look-up of a name says, in turn; the last stays. */
let answers: ResolvedAddress[][];
let asked: string[];

const v4 = (address: string): ResolvedAddress => ({ address, family: 4 });
const resolve: Resolve = async (name) => {
  asked.push(name);
  return answers.length > 1 ? answers.shift()! : answers[0]!;
};

beforeEach(async () => {
  receiver = await startReceiver();
  [answers, asked] = [[[v4('127.0.0.1')]], []];
  made = createSinkHttp({ resolve });
});
afterEach(async () => {
  made.close();
  await receiver.close();
});

const ask = (values: Partial<SinkRequest> = {}, signal = new AbortController().signal) =>
  made.http(
    {
      url: receiver.url,
      headers: { 'content-type': 'text/plain' },
      body: 'hello',
      allowPrivate: true,
      ...values,
    },
    signal,
  );
const named = (host: string): string => `http://${host}:${receiver.port}/hook`;

describe('HTTP of sinks', () => {
  it('sends what it is told and tells what came back', async () => {
    receiver.answer = (_, response) => void response.writeHead(202, { 'x-mine': 'yes' }).end('taken');
    const answer = await ask({ headers: { 'content-type': 'text/plain', 'x-own': '1' }, body: 'grüße' });
    expect(answer).toMatchObject({ status: 202, body: 'taken', headers: { 'x-mine': 'yes' } });
    expect(receiver.received[0]).toMatchObject({ path: '/hook', body: 'grüße', headers: { 'x-own': '1' } });
    expect(receiver.received[0]!.headers['content-length']).toBe('7');
  });

  it('keeps the first 4 KiB of an answer, and reads no endless one', async () => {
    receiver.answer = (_, response) => {
      response.writeHead(200);
      const more = setInterval(() => response.write('x'.repeat(10_000)), 1);
      response.on('close', () => clearInterval(more));
    };
    expect((await ask()).body).toBe('x'.repeat(4096));
  });

  it('refuses a loopback address however it is written, and says what to do', async () => {
    for (const host of ['127.0.0.1', '127.1', '2130706433', '0x7f.1', '[::1]', '[::ffff:7f00:1]'])
      await expect(ask({ url: named(host), allowPrivate: false })).rejects.toMatchObject({
        code: 'refused_address',
        message: expect.stringContaining('set allow_private') as string,
      });
    expect(asked).toEqual([]);
    expect(receiver.received).toEqual([]);
  });

  it('refuses a name by what it leads to, also where only one of its addresses is bad', async () => {
    for (const one of [[v4('127.0.0.1')], [v4('93.184.215.14'), v4('10.0.0.1')]]) {
      answers = [one];
      await expect(ask({ url: named('hooks.example'), allowPrivate: false })).rejects.toMatchObject({
        code: 'refused_address',
      });
    }
    expect(receiver.received).toEqual([]);
  });

  it('connects to the address that was looked at, whatever the name says a moment later', async () => {
    made.close();
    // Nobody listens there; what is looked up next leads to the receiver, who must not hear of it.
    made = createSinkHttp({ resolve, isPublic: (address) => address === '127.0.0.2' });
    answers = [[v4('127.0.0.2')], [v4('127.0.0.1')]];
    const url = named('flips.example');
    await expect(ask({ url, allowPrivate: false })).rejects.toMatchObject({ code: 'connect' });
    expect(asked).toEqual(['flips.example']);
    await expect(ask({ url, allowPrivate: false })).rejects.toMatchObject({ code: 'refused_address' });
    expect(receiver.received).toEqual([]);
  });

  it('lets nobody use a connection that somebody else was allowed to make', async () => {
    await ask({ url: named('inside.example') });
    await expect(ask({ url: named('inside.example'), allowPrivate: false })).rejects.toMatchObject({
      code: 'refused_address',
    });
  });

  it('follows no redirect', async () => {
    receiver.answer = ({ path }, response) =>
      void response.writeHead(path === '/hook' ? 307 : 204, { location: '/elsewhere' }).end();
    expect((await ask()).status).toBe(307);
    expect(receiver.received.map(({ path }) => path)).toEqual(['/hook']);
  });

  it('ends a request that is not answered in time, or that nobody waits for', async () => {
    receiver.answer = () => undefined;
    await expect(ask({ timeoutMs: 50 })).rejects.toMatchObject({ code: 'timeout' });
    const ending = new AbortController();
    const asking = ask({}, ending.signal);
    ending.abort();
    await expect(asking).rejects.toMatchObject({ code: 'ended' });
  });

  it('says what went wrong without the path', async () => {
    const sockets: Socket[] = [];
    const rude = createServer((socket) => {
      sockets.push(socket);
      socket.once('data', () => socket.end('SSH-2.0-OpenSSH\r\n'));
      socket.on('error', () => undefined);
    });
    await new Promise<void>((done) => void rude.listen(0, '127.0.0.1', done));
    const { port } = rude.address() as AddressInfo;
    const secret = `http://127.0.0.1:${port}/T0000/secret-path`;
    const broken = await ask({ url: secret }).catch((error: unknown) => error as Error);
    expect(broken).toMatchObject({ code: 'broken' });
    await expect(ask({ url: secret.replace('http', 'https') })).rejects.toMatchObject({
      name: 'HttpProblem',
    });
    await new Promise<void>((done) => void rude.close(() => done()));
    const refused = await ask({ url: secret }).catch((error: unknown) => error as Error);
    expect(refused).toMatchObject({ code: 'connect' });
    for (const { message } of [broken, refused] as Error[]) {
      expect(message).toContain(`127.0.0.1:${port}`);
      expect(message).not.toContain('secret');
    }
  });

  it('uses a connection again', async () => {
    const ports = new Set<number | undefined>();
    receiver.answer = (_, response) => {
      ports.add(response.socket?.remotePort);
      response.writeHead(204).end();
    };
    for (let at = 0; at < 5; at += 1) await ask();
    expect(ports.size).toBe(1);
  });
});
