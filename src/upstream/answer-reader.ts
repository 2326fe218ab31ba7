import { AnswerHead, HEAD_COMPLETE, HEAD_INCOMPLETE, readAnswerHead } from './answer-head.ts';
import { ByteStore } from './byte-store.ts';
import { ChunkedBody, endOfSingleChunk, OVERSIZED } from './chunked-body.ts';

export const ANSWER_INCOMPLETE = 0;
export const ANSWER_COMPLETE = 1;
export const ANSWER_INVALID = 2;

/** Bytes of one head, 1xx heads before it apart. */
export const ANSWER_HEAD_BYTES_MAX = 16 * 1024;
const INTERIM_ANSWERS_MAX = 8;

const AT_HEAD = 0;
const IN_BODY = 1;
const IN_CHUNKS = 2;

const nothing = Buffer.alloc(0);
const head = new AnswerHead();

/**
 * Reads the answers of one connection, one after the other, however the bytes are split. An answer that
 * is at hand in one piece is not copied.
 */
export class AnswerReader {
  /** The complete answer: its body is bytes[start, end), good until the next `read`. */
  bytes: Buffer = nothing;
  start = 0;
  end = 0;
  status = 0;
  /** The node will close the connection after this answer. */
  close = false;
  /** Its Retry-After, '' where absent. */
  retryAfter = '';
  /** Offset into the given bytes after the complete answer. */
  next = 0;
  /** What is wrong with the answer, '' if nothing. */
  fault = '';
  /** That fault is a body over the bound. */
  oversized = false;
  private bodyBytesMax: number;
  private state = AT_HEAD;
  private contentLength = 0;
  private interim = 0;
  private readonly store = new ByteStore();
  private readonly chunks = new ChunkedBody();

  constructor(bodyBytesMax: number) {
    this.bodyBytesMax = bodyBytesMax;
  }

  /** Lets go of the complete answer's bytes. */
  forget(): void {
    this.bytes = nothing;
  }

  /** From the next answer on. */
  setBodyBytesMax(bytes: number): void {
    this.bodyBytesMax = bytes;
  }

  /** Returns one of the `ANSWER_…` numbers. After an invalid answer the connection cannot be read on. */
  read(bytes: Buffer, from: number, to: number): number {
    if (this.state === IN_BODY) return this.readBody(bytes, from, to);
    if (this.state === IN_CHUNKS) return this.readChunks(bytes, from, to);
    if (this.store.length > 0) return this.readHeldHead(bytes, from, to);
    this.status = 0;
    const found = readAnswerHead(bytes, from, to, head);
    if (found === HEAD_COMPLETE) {
      if (head.end - from > ANSWER_HEAD_BYTES_MAX) return this.invalid('head too large');
      return this.afterHead(bytes, head.end, to);
    }
    if (found !== HEAD_INCOMPLETE) return this.invalid(head.fault);
    if (to - from >= ANSWER_HEAD_BYTES_MAX) return this.invalid('head too large');
    this.store.append(bytes, from, to);
    return ANSWER_INCOMPLETE;
  }

  /** A head that comes in pieces is read again from its start with each of them: rare, and bounded. */
  private readHeldHead(bytes: Buffer, from: number, to: number): number {
    const held = this.store.length;
    const taken = Math.min(to, from + ANSWER_HEAD_BYTES_MAX - held);
    this.store.append(bytes, from, taken);
    const found = readAnswerHead(this.store.bytes, 0, this.store.length, head);
    if (found === HEAD_INCOMPLETE) {
      return this.store.length < ANSWER_HEAD_BYTES_MAX ? ANSWER_INCOMPLETE : this.invalid('head too large');
    }
    this.store.clear();
    if (found !== HEAD_COMPLETE) return this.invalid(head.fault);
    return this.afterHead(bytes, from + head.end - held, to);
  }

  private afterHead(bytes: Buffer, at: number, to: number): number {
    if (head.status < 200) return this.skipInterim(bytes, at, to);
    this.status = head.status;
    this.close = head.close;
    this.retryAfter = head.retryAfter;
    if (head.status === 204 || head.status === 304) {
      if (head.contentLength > 0 || head.chunked) return this.invalid('body beside a status that has none');
      return this.complete(bytes, at, at, at);
    }
    if (head.chunked) {
      const end = endOfSingleChunk(bytes, at, to, this.bodyBytesMax);
      if (end >= 0) return this.complete(bytes, bytes.indexOf(10, at) + 1, end, end + 7);
      this.chunks.begin(this.bodyBytesMax);
      this.state = IN_CHUNKS;
      return this.readChunks(bytes, at, to);
    }
    const length = head.contentLength;
    if (length < 0) return this.invalid('no Content-Length');
    if (length > this.bodyBytesMax) return this.invalid(OVERSIZED);
    if (at + length <= to) return this.complete(bytes, at, at + length, at + length);
    this.contentLength = length;
    this.state = IN_BODY;
    this.store.append(bytes, at, to);
    return ANSWER_INCOMPLETE;
  }

  private skipInterim(bytes: Buffer, at: number, to: number): number {
    if (head.status === 101) return this.invalid('HTTP 101');
    if (head.chunked || head.contentLength > 0) return this.invalid('body beside a status that has none');
    if (++this.interim > INTERIM_ANSWERS_MAX) return this.invalid('too many interim answers');
    return at < to ? this.read(bytes, at, to) : ANSWER_INCOMPLETE;
  }

  private readBody(bytes: Buffer, from: number, to: number): number {
    const taken = Math.min(to, from + this.contentLength - this.store.length);
    this.store.append(bytes, from, taken);
    if (this.store.length < this.contentLength) return ANSWER_INCOMPLETE;
    return this.completeHeld(taken);
  }

  private readChunks(bytes: Buffer, from: number, to: number): number {
    const next = this.chunks.read(bytes, from, to, this.store);
    if (next < 0) return this.invalid(this.chunks.fault);
    return this.chunks.done ? this.completeHeld(next) : ANSWER_INCOMPLETE;
  }

  private completeHeld(next: number): number {
    const length = this.store.length;
    const bytes = this.store.bytes;
    // The bytes stay where they are until the next read: clear() only forgets them.
    this.store.clear();
    return this.complete(bytes, 0, length, next);
  }

  private complete(bytes: Buffer, start: number, end: number, next: number): number {
    this.state = AT_HEAD;
    this.interim = 0;
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.next = next;
    return ANSWER_COMPLETE;
  }

  private invalid(fault: string): number {
    this.oversized = fault === OVERSIZED;
    this.fault = this.status === 0 || this.status === 200 ? fault : `HTTP ${this.status}, ${fault}`;
    return ANSWER_INVALID;
  }
}
