import type { Socket } from 'node:net';
import type { LaneReply } from './lane-reply.ts';

/** One connection's answers: made in any order, sent in the order of their requests. */
export class AnswerQueue {
  /** Requests without an answer collected. */
  waiting = 0;
  /** Bytes of answers made and not written yet. */
  heldBytes = 0;
  private first: LaneReply | null = null;
  private last: LaneReply | null = null;
  private text = '';
  private parts: (string | Buffer)[] | null = null;

  /** Takes the place of the next answer. */
  push(reply: LaneReply): void {
    if (this.last === null) this.first = reply;
    else this.last.next = reply;
    this.last = reply;
    this.waiting++;
  }

  /** To be called with each answer, before it is collected. */
  made(bytes: number): void {
    this.heldBytes += bytes;
  }

  /** Whether no request came after that of `reply`. */
  endsWith(reply: LaneReply): boolean {
    return reply === this.last;
  }

  /** Makes ready to be written what has no unanswered request before it. */
  collect(): void {
    let reply = this.first;
    while (reply !== null && reply.done) {
      if (reply.bytes === null) this.text += reply.text;
      else {
        this.parts ??= [];
        this.parts.push(this.text + reply.text, reply.bytes);
        this.text = '';
      }
      this.waiting--;
      reply = reply.next;
    }
    this.first = reply;
    if (reply === null) this.last = null;
  }

  /**
   * Writes what was collected, together.
   *
   * @returns bytes
   */
  write(socket: Socket): number {
    if (this.parts !== null) return this.writeParts(socket, this.parts);
    const { text } = this;
    if (text === '') return 0;
    this.text = '';
    this.heldBytes -= text.length;
    socket.write(text, 'latin1');
    return text.length;
  }

  private writeParts(socket: Socket, parts: (string | Buffer)[]): number {
    if (this.text !== '') parts.push(this.text);
    this.parts = null;
    this.text = '';
    let bytes = 0;
    socket.cork();
    for (const part of parts) {
      bytes += part.length;
      if (typeof part === 'string') socket.write(part, 'latin1');
      else socket.write(part);
    }
    socket.uncork();
    this.heldBytes -= bytes;
    return bytes;
  }
}
