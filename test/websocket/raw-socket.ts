import type { Socket } from 'node:net';
import { open, type Target } from '../framing/connection.ts';
import { type Frame, takeFrames } from './frames.ts';

/** A WebSocket on which a test writes bytes and reads frames. */
export interface RawSocket {
  readonly socket: Socket;
  /** Status line and headers of the answer to the upgrade. */
  readonly head: string;
  /** All that came so far. */
  readonly frames: readonly Frame[];
  write(bytes: Buffer): void;
  /** The next frame that was not taken; undefined once the other side has ended. Rejects after 10 s without either. */
  next(): Promise<Frame | undefined>;
  /** The frames up to the other side's end. */
  rest(): Promise<Frame[]>;
}

const patienceMs = 10_000;

/** A sound request to open a WebSocket; `lines` are further headers, each ended by CRLF. */
export function upgradeRequest(path = '/', lines = ''): Buffer {
  return Buffer.from(
    `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${lines}\r\n`,
    'latin1',
  );
}

/** Connects, sends `pieces` (each in a packet of its own) and resolves once the upgrade was answered. */
export async function openRaw(
  target: Target,
  pieces: readonly Buffer[] = [upgradeRequest()],
): Promise<RawSocket> {
  const socket = await open(target);
  const frames: Frame[] = [];
  let bytes: Buffer = Buffer.alloc(0);
  let head = '';
  let taken = 0;
  let ended = false;
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const look of waiting) look();
  };
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    if (head === '') {
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) return;
      head = bytes.toString('latin1', 0, end);
      bytes = bytes.subarray(end + 4);
    }
    bytes = takeFrames(bytes, (frame) => frames.push(frame));
    wake();
  });
  // A reset is an end, too: what counts is what arrived.
  for (const event of ['end', 'close', 'error']) {
    socket.on(event, () => {
      ended = true;
      wake();
    });
  }
  const until = (what: () => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        waiting.delete(look);
        const came = frames.map(({ opcode, payload }) => `${opcode} ${payload.toString('latin1')}`);
        reject(new Error(`nothing more in ${patienceMs} ms; so far: ${head} ${came.join(' | ')}`));
      }, patienceMs);
      const look = (): void => {
        if (!what() && !ended) return;
        waiting.delete(look);
        clearTimeout(late);
        resolve();
      };
      waiting.add(look);
      look();
    });
  for (const [at, piece] of pieces.entries()) {
    if (at > 0) await new Promise((resolve) => setImmediate(resolve));
    if (socket.writable) socket.write(piece);
  }
  await until(() => head !== '');
  return {
    socket,
    head,
    frames,
    write(piece) {
      if (socket.writable) socket.write(piece);
    },
    async next() {
      await until(() => frames.length > taken);
      return frames[taken++];
    },
    async rest() {
      await until(() => false);
      const found = frames.slice(taken);
      taken = frames.length;
      return found;
    },
  };
}
