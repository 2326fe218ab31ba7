import type { Socket } from 'node:net';

/** What of a socket's handle is used here; not public, so looked for before it is relied upon. */
interface Handle {
  bytesWritten?: unknown;
  writeQueueSize?: unknown;
  /** Of a TLS socket: its TCP socket's. */
  _parent?: Handle;
}

/** Nothing waits to be taken. */
const NOTHING = -1;

/**
 * How long a client has taken nothing of what waits for it. The timeout of its socket does not tell: that begins anew
 * with each byte the client sends, so one that sends a byte now and then would never be cut.
 */
export class StalledWrites {
  private taken = NOTHING;
  private since = 0;

  /** To be called now and then. Milliseconds, as far as seen at these calls; 0 where nothing waits. */
  stalledMs(socket: Socket, now: number): number {
    const taken = socket.writableLength > 0 ? takenBytes(socket) : NOTHING;
    if (taken === NOTHING || taken !== this.taken) this.since = now;
    this.taken = taken;
    return now - this.since;
  }
}

/** Bytes that the kernel has, those of a write half done too; of whole writes only where Node's insides do not tell. */
function takenBytes(socket: Socket): number {
  const handle = (socket as unknown as { _handle: Handle | null })._handle;
  // The TLS handle itself counts what it has encrypted.
  const { bytesWritten, writeQueueSize } = handle?._parent ?? handle ?? {};
  if (typeof bytesWritten !== 'number' || typeof writeQueueSize !== 'number')
    return socket.bytesWritten - socket.writableLength;
  return bytesWritten - writeQueueSize;
}
