import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export interface Target {
  port: number;
  /** Whether TLS is spoken there; the certificate is not looked at. */
  tls?: boolean;
}

export function open({ port, tls = false }: Target): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = tls
      ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
      : connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    socket.once('error', reject);
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/**
 * Sends pieces, each in a packet of its own, then ends its side, and resolves with all that came back once the other
 * side has ended too. Rejects if that takes over `patienceMs`.
 */
export async function exchange(
  target: Target,
  pieces: readonly Buffer[],
  patienceMs = 30_000,
): Promise<string> {
  const socket = await open(target);
  let text = '';
  const ended = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`no end in ${patienceMs} ms; so far ${text}`)),
      patienceMs,
    );
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    socket.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
    socket.once('end', done);
    socket.once('close', done);
    // A reset after the answer: what counts is what arrived.
    socket.once('error', done);
  });
  for (const [place, piece] of pieces.entries()) {
    if (socket.destroyed || !socket.writable) break;
    socket.write(piece);
    if (place < pieces.length - 1) await new Promise((resolve) => setTimeout(resolve, 2));
  }
  socket.end();
  try {
    await ended;
  } finally {
    socket.destroy();
  }
  return text;
}

/** Runs `work` on all items, some at a time. */
export async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const run = async (): Promise<void> => {
    while (next < items.length) await work(items[next++]!);
  };
  await Promise.all(Array.from({ length: width }, run));
}
