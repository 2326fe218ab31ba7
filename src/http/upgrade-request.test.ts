import { connect } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { startFront, type TestFront } from './testing/front.ts';
import type { UpgradeRequest } from './upgrade.ts';

const open: TestFront[] = [];
afterEach(() => {
  for (const front of open.splice(0)) front.destroy();
});

const lines = {
  connection: 'Connection: Upgrade',
  upgrade: 'Upgrade: websocket',
  version: 'Sec-WebSocket-Version: 13',
  key: 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  host: 'Host: a',
};

/** A request for a socket; `over` replaces lines by name, and adds others. */
function ask(over: Record<string, string> = {}, first = 'GET /eth?x=1 HTTP/1.1'): string {
  const all = { ...lines, ...over };
  return `${first}\r\n${Object.values(all)
    .filter((line) => line !== '')
    .map((line) => `${line}\r\n`)
    .join('')}\r\n`;
}

/** Sends `text` to a front that takes upgrades, and gives all that came until it was silent or closed. */
async function send(text: string): Promise<{ answer: string; asked: UpgradeRequest[]; front: TestFront }> {
  const asked: UpgradeRequest[] = [];
  const front = await startFront({
    upgrade(request) {
      asked.push(request);
      request.socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    },
  });
  open.push(front);
  const socket = connect(front.port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('latin1').on('data', (part: string) => (answer += part));
  socket.on('error', () => {});
  socket.write(text);
  await new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
    setTimeout(resolve, 300);
  });
  socket.destroy();
  return { answer, asked, front };
}

it('hands a sound request over with all that is to be known of it, and the bytes behind it', async () => {
  const { asked } = await send(
    `${ask({
      key1: 'X-API-Key: k',
      protocols: 'Sec-WebSocket-Protocol: json-rpc, api-key.x',
      origin: 'Origin: https://a',
    })}frames`,
  );
  expect(asked).toHaveLength(1);
  expect(asked[0]).toMatchObject({
    target: '/eth?x=1',
    apiKey: 'k',
    origin: 'https://a',
    protocols: ['json-rpc', 'api-key.x'],
    address: '127.0.0.1',
  });
  expect(asked[0]!.head.toString()).toBe('frames');
});

it.each<[string, string]>([
  ['another version', ask({ version: 'Sec-WebSocket-Version: 12' })],
  ['no version', ask({ version: '' })],
  ['no key', ask({ key: '' })],
  ['a key of another length', ask({ key: 'Sec-WebSocket-Key: c2hvcnQ=' })],
  ['HTTP/1.0', ask({}, 'GET / HTTP/1.0')],
  ['no Host', ask({ host: '' })],
  ['two Hosts', ask({ other: 'Host: b' })],
  ['a body', `${ask({ length: 'Content-Length: 3' })}abc`],
  ['a chunked body', `${ask({ coding: 'Transfer-Encoding: chunked' })}0\r\n\r\n`],
  ['a subprotocol that is no token', ask({ protocols: 'Sec-WebSocket-Protocol: a b' })],
  ['an empty subprotocol', ask({ protocols: 'Sec-WebSocket-Protocol: a,,b' })],
  ['a subprotocol twice', ask({ protocols: 'Sec-WebSocket-Protocol: a, a' })],
])('refuses %s', async (_name, text) => {
  const { answer, asked } = await send(text);
  expect(answer).toMatch(/^HTTP\/1\.1 400 .*\r\n/);
  expect(answer).toContain('bad_http');
  expect(answer).toContain('Sec-WebSocket-Version: 13\r\n');
  expect(asked).toEqual([]);
});

it.each(['Upgrade: h2c', 'Upgrade: websocket'])(
  'serves a call that asks for %s as if it did not',
  async (line) => {
    const body = 'hello';
    const { answer, asked } = await send(
      `POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n${line}\r\nContent-Length: 5\r\n\r\n${body}`,
    );
    expect(asked).toEqual([]);
    expect(answer).toContain('HTTP/1.1 200 OK');
    expect(answer.endsWith(body)).toBe(true);
  },
);

it('answers what came before it on the connection first', async () => {
  const call = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nfirst';
  const { answer, asked } = await send(call + ask());
  expect(asked).toHaveLength(1);
  expect(answer.indexOf('first')).toBeGreaterThan(0);
  expect(answer.indexOf('HTTP/1.1 101')).toBeGreaterThan(answer.indexOf('first'));
});

it('takes none once it drains', async () => {
  const front = await startFront({ upgrade: ({ socket }) => socket.destroy() });
  open.push(front);
  const socket = connect(front.port, '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  await new Promise((resolve) => setTimeout(resolve, 20));
  const drained = front.drain();
  let answer = '';
  socket.setEncoding('latin1').on('data', (part: string) => (answer += part));
  socket.write(ask());
  await new Promise((resolve) => socket.once('close', resolve));
  expect(answer).toMatch(/^HTTP\/1\.1 503 /);
  await drained;
});
