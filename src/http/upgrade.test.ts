import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { HeldAnswers } from './held-answers.ts';
import { createLane } from './lane.ts';
import { noHttpStats } from './message.ts';
import { createTurn } from './turn.ts';

const settings = {
  maxBodyBytes: 1 << 20,
  maxHeaderBytes: 16_384,
  headerTimeoutMs: 5000,
  requestTimeoutMs: 10_000,
  idleTimeoutMs: 75_000,
  maxConnections: 100,
  maxConnectionsPerAddress: 100,
  countedAs: () => undefined,
  isBanned: () => false,
};

/** An http.Server that takes upgrades and echoes what comes behind them, with the lane before it. */
async function startEcho(sharedReads: boolean): Promise<{ port: number; close: () => void }> {
  const server = createServer();
  const own = server.listeners('connection')[0] as (this: unknown, socket: Socket) => void;
  server.off('connection', own);
  const lane = createLane({
    handler: (request, reply) =>
      reply.send(200, '', request.bytes.toString('latin1', request.bodyStart, request.bodyEnd)),
    refuse: () => ({ status: 400, headers: '', body: '' }),
    turn: createTurn(() => {}),
    held: new HeldAnswers(1 << 30),
    settings: () => settings,
    stats: noHttpStats(),
    now: () => performance.now(),
    sharedReads,
    handOver: (socket) => own.call(server, socket),
  });
  server.on('connection', (socket: Socket) => void lane.accept(socket));
  server.on('upgrade', (_request, socket, head) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    socket.write(head);
    socket.on('data', (bytes: Buffer) => socket.write(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): void => {
    lane.destroy();
    server.close();
    server.closeAllConnections();
  };
  return { port: (server.address() as AddressInfo).port, close };
}

describe.each([{ sharedReads: true }, { sharedReads: false }])(
  'shared reads: $sharedReads',
  ({ sharedReads }) => {
    const ask = 'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n';
    const call = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello';
    // Frames glued to the request, and bytes that look like requests of ours.
    const frames = Buffer.from(`\x81\x85\x00\xff\x0d\x0a${call}${'\x00\x80'.repeat(50_000)}`, 'latin1');

    it.each([
      ['at once', (bytes: Buffer) => [bytes]],
      [
        'in pieces of 7 bytes',
        (bytes: Buffer) => cut(bytes.subarray(0, 3000), 7).concat(bytes.subarray(3000)),
      ],
      ['the frames later', (bytes: Buffer) => [bytes.subarray(0, bytes.length - frames.length), frames]],
    ])('upgrades go to node:http with every byte behind them: %s', async (_how, pieces) => {
      const echo = await startEcho(sharedReads);
      for (const before of ['', call, call.repeat(3)]) {
        const socket = connect({ port: echo.port, host: '127.0.0.1', noDelay: true });
        let text = '';
        socket.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
        for (const piece of pieces(Buffer.concat([Buffer.from(before + ask), frames]))) {
          socket.write(piece);
          await new Promise((resolve) => setImmediate(resolve));
        }
        const wanted = frames.toString('latin1');
        for (let k = 0; k < 400 && !text.endsWith(wanted); k++) {
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        const switched = text.indexOf('HTTP/1.1 101');
        expect(text.slice(0, switched).match(/hello/g)?.length ?? 0).toBe(before.length / call.length);
        expect(text.slice(text.indexOf('\r\n\r\n', switched) + 4)).toBe(wanted);
        socket.destroy();
      }
      echo.close();
    });
  },
);

function cut(bytes: Buffer, length: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += length) pieces.push(bytes.subarray(at, at + length));
  return pieces;
}
