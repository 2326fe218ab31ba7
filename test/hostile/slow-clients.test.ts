import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { readAnswers } from '../framing/answers.ts';
import { open } from '../framing/connection.ts';
import { type Program, startProgram } from '../program.ts';
import { timedCalls } from './calls.ts';
import { quiet } from '../quiet.ts';

const slowClients = 1000;

let node: FakeUpstream;
let program: Program;
beforeAll(async () => {
  node = await startFakeUpstream();
  program = await startProgram({
    config: {
      ...quiet,
      server: { workers: 2, max_connections_per_address: 2000, header_timeout: '3s', request_timeout: '4s' },
      limits: { default: 'none' },
      upstreams: [{ url: node.url }],
    },
  });
});
afterAll(async () => {
  await program.stop();
  await node.close();
});

/** What each kind of slow client says at first, and then, again and again. */
const kinds: [first: string, then: string][] = [
  ['POST / HTTP/1.1\r\nHost: a\r\n', 'X: y\r\n'],
  ['GET / HTTP/1.1\r\nHost: a\r\n', 'X: y\r\n'],
  ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n', 'x'],
  ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n', '1\r\nx\r\n'],
];

it(`${slowClients} slow clients leave normal calls quick, and are ended with 408`, async () => {
  const clients: { socket: Socket; text: string; closed: boolean; more: string }[] = [];
  const from = performance.now();
  for (let k = 0; k < slowClients; k++) {
    const [first, then] = kinds[k % kinds.length]!;
    const one = { socket: await open({ port: program.port }), text: '', closed: false, more: then };
    one.socket.on('data', (bytes: Buffer) => (one.text += bytes.toString('latin1')));
    one.socket.on('error', () => {});
    for (const event of ['end', 'close']) one.socket.on(event, () => (one.closed = true));
    one.socket.write(first);
    clients.push(one);
  }
  const drip = setInterval(() => {
    for (const { socket, closed, more } of clients) if (!closed && socket.writable) socket.write(more);
  }, 500);

  const { p50, p99 } = await timedCalls(program.port, 300);
  expect(p50).toBeLessThan(100);
  expect(p99).toBeLessThan(500);

  while (clients.some(({ closed }) => !closed) && performance.now() - from < 30_000) await sleep(50);
  clearInterval(drip);
  for (const { socket } of clients) socket.destroy();
  expect(clients.filter(({ closed }) => !closed)).toHaveLength(0);
  const answers = clients.map(({ text }) => readAnswers(text)[0]);
  // A client that was still sending may have lost its answer to a reset, but not many.
  const told = answers.filter((answer) => answer?.status === 408 && answer.headers.has('x-request-id'));
  expect(told.length).toBeGreaterThan(slowClients * 0.95);
  expect(answers.filter((answer) => answer && answer.status !== 408)).toEqual([]);
  expect(node.bodies.join('')).not.toContain('xx');
});
