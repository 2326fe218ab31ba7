import type { WebSocket } from 'ws';

/** What of the library's receiver is used here; not public, so looked for before it is relied upon. */
interface Receiver {
  /** Bytes that wait for the rest of their frame. */
  _bufferedBytes?: unknown;
  /** Opcode of a message whose last frame is to come; 0 for none. */
  _fragmented?: unknown;
}

/** How long a message has been on its way: its parts are kept, and nothing else ends that. */
export class UnfinishedMessage {
  private readonly ws: WebSocket;
  private since = 0;
  /** Whole messages before it; -1: none is on its way. */
  private after = -1;

  constructor(ws: WebSocket) {
    this.ws = ws;
  }

  /** To be called now and then, with the number of messages that were whole. Milliseconds, as far as seen at these calls. */
  ageMs(messages: number, now: number): number {
    const { _bufferedBytes: bytes, _fragmented: opcode } =
      (this.ws as unknown as { _receiver?: Receiver })._receiver ?? {};
    const underWay = (typeof bytes === 'number' && bytes > 0) || (typeof opcode === 'number' && opcode > 0);
    if (!underWay) this.after = -1;
    else if (this.after !== messages) {
      this.after = messages;
      this.since = now;
    }
    return underWay ? now - this.since : 0;
  }

  /** It was not read on: that time is not its client's. */
  forget(): void {
    this.after = -1;
  }
}
