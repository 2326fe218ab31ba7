import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { open } from '../framing/connection.ts';
import { type Program, startProgram } from '../program.ts';
import { timedCalls } from './calls.ts';
import { growthMiB } from './memory.ts';
import { quiet } from '../quiet.ts';

const MiB = 1 << 20;
const clients = 24;
const requests = 60;

let node: FakeUpstream;
let program: Program;
beforeAll(async () => {
  node = await startFakeUpstream({
    vice: {
      request(x) {
        const big = /"eth_getLogs"/.test(x.body);
        if (!big) return x.send(x.http());
        const id = /"id":(\d+)/.exec(x.body)![1];
        x.send(x.http(`{"jsonrpc":"2.0","id":${id},"result":"${'x'.repeat(MiB)}"}`));
      },
    },
  });
  program = await startProgram({
    config: {
      ...quiet,
      server: { workers: 1, header_timeout: '500ms', request_timeout: '1s' },
      limits: { default: 'none' },
      // What the node is asked is counted: no checks among it.
      upstreams: [{ url: node.url, max_connections: 32, max_idle: 32 }],
    },
  });
});
afterAll(async () => {
  await program.stop();
  await node.close();
});

const call = '{"jsonrpc":"2.0","id":1,"method":"eth_getLogs","params":[]}';
const statusLine = 'HTTP/1.1 ';
const post = 'POST / HTTP/1.1\r\nHost: a\r\n';
it.each([
  ['lane', `${post}Content-Length: ${call.length}\r\n\r\n${call}`],
  [
    'node:http',
    `${post}Transfer-Encoding: chunked\r\n\r\n${call.length.toString(16)}\r\n${call}\r\n0\r\n\r\n`,
  ],
])('clients that ask and never read take bounded memory and are cut: %s', async (_lane, request) => {
  const deaf: Socket[] = [];
  const ended = new Set<Socket>();
  const grown = await growthMiB(program.pid, async () => {
    for (let k = 0; k < clients; k++) {
      const socket = await open({ port: program.port });
      socket.on('error', () => {});
      // From here on: one that most is held for may be cut before its first answer, and ends at once, paused or not.
      for (const event of ['end', 'close']) socket.on(event, () => ended.add(socket));
      socket.pause();
      socket.write(request.repeat(requests));
      deaf.push(socket);
    }
    await sleep(1000);
    const { p50 } = await timedCalls(program.port, 100);
    expect(p50).toBeLessThan(300);
    // Well beyond the time that a client may take without reading anything, from the last answer on.
    for (let asked = -1; asked < node.bodies.length; await sleep(7000)) asked = node.bodies.length;
  });
  /** Those with nothing to be cut for: calls beyond what may wait for the node are refused, and a few more answers fit. */
  const served = new Set<Socket>();
  let bytes = 0;
  for (const socket of deaf) {
    let answers = 0;
    let tail = '';
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      const text = tail + chunk.toString('latin1');
      answers += text.split(statusLine).length - 1;
      // It may come in two reads.
      tail = text.slice(1 - statusLine.length);
      if (answers === requests) served.add(socket);
    });
    socket.resume();
  }
  const waiting = (): Socket[] => deaf.filter((socket) => !ended.has(socket) && !served.has(socket));
  for (let k = 0; k < 400 && waiting().length > 0; k++) await sleep(50);
  const left = waiting().length;
  for (const socket of deaf) socket.destroy();
  expect(left).toBe(0);
  expect(ended.size).toBeGreaterThan(clients / 2);
  // What the kernel held for them.
  expect(bytes).toBeLessThan((clients * requests * MiB) / 4);
  // All answers would be 1,440 MiB. 256 of them may wait, and come from the node in as many pieces.
  expect(grown).toBeLessThan(900);
});
