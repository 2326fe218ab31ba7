import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { callText } from '../../src/gateway/testing/client.ts';
import { open } from '../framing/connection.ts';
import { frame, opcodes } from './frames.ts';
import { upgradeRequest } from './raw-socket.ts';

/*
 * 200 clients that do what no client should, as a process of its own, so that its work is nobody's delay. Its arguments
 * are the port, and for how long in milliseconds. Says `ready` once all are at work, and at the end how many sockets were
 * opened by each kind: who is shown out comes again.
 */

const [port, ms] = process.argv.slice(2).map(Number);
const over = performance.now() + ms!;
const isOver = (): boolean => performance.now() > over;
const opened: Record<string, number> = {};

const text = (message: string): Buffer => frame(opcodes.text, message);
const subscribe = text(callText('eth_subscribe', '1', '["newHeads"]'));
const bigCall = text(callText('eth_call', '1', `["${'x'.repeat(64 * 1024)}"]`));
const ping = frame(opcodes.ping, Buffer.alloc(125));
/** As many as one read takes, and more. */
const pongs = Buffer.concat(Array.from({ length: 10_000 }, () => frame(opcodes.pong, '')));
const manyPings = Buffer.concat(Array.from({ length: 1000 }, () => ping));
const neverEnds = frame(opcodes.text, '{', { fin: false });
const oneByte = frame(opcodes.continuation, ' ', { fin: false });

/** Lives on one connection for as long as it is let. */
type Life = (socket: Socket, isAlive: () => boolean) => Promise<void>;

/** Writes the same again and again for as long as it is taken. */
const flood =
  (first: Buffer, more: Buffer, everyMs = 10): Life =>
  async (socket, isAlive) => {
    socket.write(first);
    while (isAlive()) {
      if (!socket.writableNeedDrain) socket.write(more);
      await sleep(everyMs);
    }
  };

const wait: Life = async (_socket, isAlive) => {
  while (isAlive()) await sleep(50);
};

const deaf =
  (life: Life): Life =>
  async (socket, isAlive) => {
    socket.pause();
    socket.write(Buffer.concat([subscribe, subscribe, subscribe]));
    await life(socket, isAlive);
  };

const kinds: Record<string, { count: number; life: Life; request?: Buffer }> = {
  pings: { count: 40, life: flood(ping, ping) },
  fragments: { count: 40, life: flood(neverEnds, oneByte) },
  subscribing: { count: 40, life: flood(subscribe, Buffer.concat([subscribe, subscribe])) },
  deaf: { count: 30, life: deaf(wait) },
  // Not as fast as they can: that would be an honest load, of gigabytes.
  'deaf and asking': { count: 10, life: deaf(flood(bigCall, bigCall, 40)) },
  // As fast as they are read.
  'pong flood': { count: 5, life: flood(pongs, pongs, 0) },
  'ping flood': { count: 5, life: flood(manyPings, manyPings, 0) },
  'half a handshake': { count: 30, life: wait, request: upgradeRequest('/attacked').subarray(0, -2) },
};

async function live(kind: string): Promise<void> {
  const { life, request = upgradeRequest('/attacked') } = kinds[kind]!;
  const socket = await open({ port: port! });
  opened[kind] = (opened[kind] ?? 0) + 1;
  let ended = false;
  socket.resume();
  for (const event of ['end', 'close', 'error']) socket.on(event, () => (ended = true));
  socket.write(request);
  await life(socket, () => !ended && !isOver());
  socket.destroy();
}

const all = Object.entries(kinds).flatMap(([kind, { count }]) =>
  Array.from({ length: count }, async () => {
    while (!isOver()) {
      await live(kind).catch(() => {});
      await sleep(20);
    }
  }),
);
process.stdout.write('ready\n');
await Promise.all(all);
process.stdout.write(`${JSON.stringify(opened)}\n`);
process.exit();
