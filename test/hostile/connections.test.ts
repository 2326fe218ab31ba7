import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { readAnswers } from '../framing/answers.ts';
import { open } from '../framing/connection.ts';
import { type Program, startProgram } from '../program.ts';

let node: FakeUpstream | undefined;
let program: Program | undefined;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await program?.stop();
  await node?.close();
});

async function start(server: object): Promise<number> {
  node = await startFakeUpstream();
  const upstreams = [{ url: node.url }];
  const config = { server: { workers: 2, ...server }, limits: { default: 'none' }, upstreams };
  program = await startProgram({ config });
  return program.port;
}

/** Opens connections one after another, makes a call on each and keeps them; the status each got. */
async function statuses(port: number, count: number): Promise<number[]> {
  const body = '{"jsonrpc":"2.0","id":1,"method":"eth_call","params":["x"]}';
  const found: number[] = [];
  for (let k = 0; k < count; k++) {
    const socket = await open({ port });
    sockets.push(socket);
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    for (let wait = 0; wait < 1000 && !text.endsWith('}'); wait++) await sleep(2);
    const [answer] = readAnswers(text);
    found.push(answer?.status ?? 0);
    if (answer?.status !== 503) continue;
    expect(JSON.parse(answer.body)).toMatchObject({ error: { code: -32603 } });
    expect(answer.headers.has('retry-after')).toBe(true);
  }
  return found;
}
const count = (found: number[], status: number): number => found.filter((each) => each === status).length;

it('one address has its connections over all workers together, and gets them back', async () => {
  const port = await start({ max_connections_per_address: 10 });
  const found = await statuses(port, 30);
  expect(count(found, 200)).toBe(10);
  expect(count(found, 503)).toBe(20);
  for (const socket of sockets.splice(0)) socket.destroy();
  await sleep(200);
  expect(count(await statuses(port, 12), 200)).toBe(10);
});

it('all together have theirs', async () => {
  const port = await start({ max_connections: 7 });
  expect(count(await statuses(port, 20), 200)).toBe(7);
});

it('a trusted proxy is not held to the bound of one address', async () => {
  const port = await start({ max_connections_per_address: 2, trusted_proxies: ['127.0.0.0/8'] });
  expect(count(await statuses(port, 20), 200)).toBe(20);
});

it('thousands of short connections leave none counted', async () => {
  const port = await start({ max_connections_per_address: 20 });
  for (let round = 0; round < 100; round++) {
    const found = await statuses(port, 15);
    expect(count(found, 200)).toBe(15);
    await Promise.all(
      sockets.splice(0).map(
        (socket) =>
          new Promise<void>((resolve) => {
            socket.once('close', () => resolve());
            socket.end();
          }),
      ),
    );
  }
});
