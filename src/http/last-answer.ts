import type { Socket } from 'node:net';
import type { RefuseHttp } from './message.ts';
import { responseText } from './response-text.ts';

/** What a refused client may still send before its connection is cut: enough for the answer to reach it first. */
export const DISCARD_BYTES_MAX = 4 << 20;
export const DISCARD_MS_MAX = 1000;

/** The text of an answer that ends its connection. */
export function lastAnswer({ status, headers, body }: ReturnType<RefuseHttp>): string {
  const wait = status === 503 ? 'Retry-After: 01\r\n' : '';
  return responseText(status, headers + wait, body, body.length, true);
}

/**
 * Ends a socket that no parser reads any more with `text`. What the client still sends is read and dropped for a
 * while: closed with bytes unread, the kernel would send a reset, which may overtake the answer. `done` runs once,
 * when the socket is closed.
 */
export function endWith(socket: Socket, text: string, done?: () => void): void {
  let discarded = 0;
  const cut = setTimeout(() => socket.destroy(), DISCARD_MS_MAX);
  socket.on('error', () => {});
  socket.once('close', () => {
    clearTimeout(cut);
    done?.();
  });
  socket.on('data', (chunk: Buffer) => {
    discarded += chunk.length;
    if (discarded > DISCARD_BYTES_MAX) socket.destroy();
  });
  socket.resume();
  socket.end(text, 'latin1');
}
