import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { callText } from '../../src/gateway/testing/client.ts';
import { open } from '../framing/connection.ts';
import { frame, opcodes } from './frames.ts';
import { upgradeRequest } from './raw-socket.ts';

/*
 * 200 clients that do what no client should, as a process of its own, so that its work is nobody's delay. Its arguments
 * are the port and for how long, in milliseconds. Says `ready` once all are at work, and at the end how many sockets were
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
const neverEnds = frame(opcodes.text, '{', { fin: false });
const oneByte = frame(opcodes.continuation, ' ', { fin: false });

/** Lives on one connection for as long as it is let. */
type Life = (socket: Socket, isAlive: () => boolean) => Promise<void>;

/** Writes the same again and again, hundreds of times a second, for as long as it is taken. */
const flood =
  (first: Buffer, more: Buffer): Life =>
  async (socket, isAlive) => {
    socket.write(first);
    while (isAlive()) {
      if (!socket.writableNeedDrain) socket.write(more);
      await sleep(5);
    }
  };

const lives: Record<string, { life: Life; request?: Buffer }> = {
  pings: { life: flood(ping, ping) },
  fragments: { life: flood(neverEnds, oneByte) },
  deaf: {
    async life(socket, isAlive) {
      socket.pause();
      await flood(Buffer.concat([subscribe, subscribe, subscribe]), bigCall)(socket, isAlive);
    },
  },
  subscribing: { life: flood(subscribe, Buffer.concat([subscribe, subscribe])) },
  'half a handshake': {
    request: upgradeRequest().subarray(0, -2),
    life: async (_socket, isAlive) => {
      while (isAlive()) await sleep(50);
    },
  },
};

async function live(kind: string): Promise<void> {
  const { life, request = upgradeRequest() } = lives[kind]!;
  const socket = await open({ port: port! });
  opened[kind] = (opened[kind] ?? 0) + 1;
  let ended = false;
  socket.resume();
  for (const event of ['end', 'close', 'error']) socket.on(event, () => (ended = true));
  socket.write(request);
  await life(socket, () => !ended && !isOver());
  socket.destroy();
}

const kinds = Object.keys(lives);
const all = Array.from({ length: 200 }, async (_, k) => {
  while (!isOver()) {
    await live(kinds[k % kinds.length]!).catch(() => {});
    await sleep(20);
  }
});
process.stdout.write('ready\n');
await Promise.all(all);
process.stdout.write(`${JSON.stringify(opened)}\n`);
process.exit();
