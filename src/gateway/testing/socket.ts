import { request } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';

export interface TestMessage {
  /** latin1: a byte a character. */
  text: string;
  json: any;
}

/** A client of a WebSocket, by the library that most use. */
export interface TestSocket {
  /** Text, or bytes as a binary message. */
  send(message: string | Buffer): void;
  /** Sends, and resolves with the next message. */
  ask(text: string): Promise<TestMessage>;
  /** The next messages, in order. */
  take(count: number): Promise<TestMessage[]>;
  /** Messages that were not taken. */
  waiting(): number;
  /** All messages so far, as text. */
  readonly seen: readonly string[];
  /** It is closing or closed. */
  readonly over: boolean;
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly protocol: string;
  /** `X-Request-Id` of the upgrade's answer: the socket's id. */
  readonly id: string;
  readonly extensions: string;
  /** Frames as they are, in one write. */
  sendBytes(frames: Buffer): void;
  ping(): void;
  pause(): void;
  resume(): void;
  close(): void;
}

export interface SocketOptions {
  path?: string;
  headers?: Record<string, string>;
  protocols?: string[];
  autoPong?: boolean;
  /** `wss:`, whatever the certificate. */
  tls?: boolean;
}

/** A message of less than 64 KiB in one frame, as a client sends it. Its mask is zeros. */
export function maskedFrame(text: string): Buffer {
  const body = Buffer.from(text);
  const { length } = body;
  const head = length < 126 ? [0x81, 0x80 | length] : [0x81, 0xfe, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), body]);
}

/** Opens a socket on a port of this machine. Rejects where the upgrade is refused. */
export async function connectSocket(
  port: number,
  { path = '/', headers = {}, protocols = [], autoPong = true, tls = false }: SocketOptions = {},
): Promise<TestSocket> {
  const client = new WebSocket(`${tls ? 'wss' : 'ws'}://127.0.0.1:${port}${path}`, protocols, {
    ...{ headers, autoPong },
    rejectUnauthorized: false,
  });
  const seen: string[] = [];
  const waiting: TestMessage[] = [];
  let wake = (): void => {};
  client.on('message', (data: Buffer) => {
    const text = data.toString('latin1');
    seen.push(text);
    waiting.push({ text, json: JSON.parse(data.toString('utf8')) });
    wake();
  });
  let id = '';
  client.on('upgrade', ({ headers: told }) => (id = String(told['x-request-id'])));
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    client.on('close', (code, reason) => {
      resolve({ code, reason: reason.toString() });
      wake();
    });
  });
  await new Promise<void>((resolve, reject) => {
    client.once('open', () => resolve());
    client.once('error', reject);
  });
  client.on('error', () => {});
  const take = async (count: number): Promise<TestMessage[]> => {
    while (waiting.length < count) {
      if (client.readyState === WebSocket.CLOSED)
        throw new Error(`closed with ${waiting.length} of ${count}`);
      await new Promise<void>((resolve) => (wake = resolve));
    }
    return waiting.splice(0, count);
  };
  return {
    seen,
    closed,
    take,
    id,
    protocol: client.protocol,
    extensions: client.extensions,
    send: (message) => client.send(message),
    get over() {
      return client.readyState !== WebSocket.OPEN;
    },
    async ask(text) {
      client.send(text);
      return (await take(1))[0]!;
    },
    waiting: () => waiting.length,
    sendBytes: (frames) => void (client as unknown as { _socket: Socket })._socket.write(frames),
    ping: () => client.ping(),
    pause: () => client.pause(),
    resume: () => client.resume(),
    close: () => client.close(),
  };
}

/** What an upgrade is answered that is refused. */
export function upgradeStatus(
  port: number,
  { path = '/', headers = {}, protocols = [] }: SocketOptions,
): Promise<{ status: number; requestId: string; json: any }> {
  const offer = protocols.length === 0 ? {} : { 'sec-websocket-protocol': protocols.join(', ') };
  return new Promise((resolve, reject) => {
    const asked = request({
      host: '127.0.0.1',
      port,
      path,
      agent: false,
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        ...offer,
        ...headers,
      },
    });
    asked.on('response', (response) => {
      let text = '';
      response.on('data', (part: Buffer) => (text += part.toString()));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          requestId: String(response.headers['x-request-id']),
          json: JSON.parse(text),
        }),
      );
    });
    asked.on('upgrade', () => reject(new Error('the upgrade was not refused')));
    asked.on('error', reject);
    asked.end();
  });
}
