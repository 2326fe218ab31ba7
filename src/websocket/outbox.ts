import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { textFrameHead } from './frame.ts';

/** What one socket has to send: kept until it is written, all of it together. */
export class Outbox {
  private readonly ws: WebSocket;
  private readonly socket: Socket;
  /** Compressed ones are made by the library. */
  private readonly deflates: boolean;
  private parts: (string | Buffer)[] = [];
  private queuedBytes = 0;

  constructor(ws: WebSocket, socket: Socket) {
    this.ws = ws;
    this.socket = socket;
    this.deflates = ws.extensions !== '';
  }

  /** Not yet with the kernel. */
  get heldBytes(): number {
    return this.queuedBytes + this.ws.bufferedAmount;
  }

  /** The text of one message, latin1 or bytes. */
  push(body: string | Buffer): void {
    this.queuedBytes += body.length;
    if (this.deflates) this.parts.push(body);
    else {
      const head = textFrameHead(body.length);
      if (typeof body === 'string') this.parts.push(head + body);
      else this.parts.push(head, body);
    }
  }

  /** @returns bytes of the messages that were written */
  write(): number {
    const { parts, queuedBytes } = this;
    if (parts.length === 0) return 0;
    this.parts = [];
    this.queuedBytes = 0;
    if (this.socket.writable) {
      if (this.deflates) this.writeDeflated(parts);
      else this.writePlain(parts);
    }
    // An old list keeps what is in it until the next full collection, though nobody has the list any more.
    parts.length = 0;
    return queuedBytes;
  }

  clear(): void {
    this.parts = [];
    this.queuedBytes = 0;
  }

  private writeDeflated(bodies: readonly (string | Buffer)[]): void {
    for (const body of bodies)
      this.ws.send(typeof body === 'string' ? Buffer.from(body, 'latin1') : body, { binary: false });
  }

  private writePlain(parts: readonly (string | Buffer)[]): void {
    const { socket } = this;
    const several = parts.length > 1;
    if (several) socket.cork();
    for (const part of parts) {
      if (typeof part === 'string') socket.write(part, 'latin1');
      else socket.write(part);
    }
    if (several) socket.uncork();
  }
}
