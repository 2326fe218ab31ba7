import type { Socket } from 'node:net';
import { AnswerQueue } from './answer-queue.ts';
import type { AnswerHolder, HeldAnswers } from './held-answers.ts';
import { LaneReply, type ReplyOwner } from './lane-reply.ts';
import { LaneRequest } from './lane-request.ts';
import { DISCARD_MS_MAX, lastAnswer } from './last-answer.ts';
import {
  type HttpSettings,
  type HttpStats,
  type Peer,
  PIPELINE_DEPTH_MAX,
  PIPELINE_DEPTH_RESUME,
  type RefuseHttp,
  type RequestHandler,
  UNREAD_BYTES_MAX,
} from './message.ts';
import { HEAD_COMPLETE, HEAD_INCOMPLETE, RequestHead, readRequestHead } from './request-head.ts';
import type { SharedReads } from './shared-reads.ts';
import { StalledWrites } from './stalled-writes.ts';
import type { Turn, TurnTask } from './turn.ts';
import { UnreadBytes } from './unread-bytes.ts';

export interface LaneContext {
  readonly handler: RequestHandler;
  readonly refuse: RefuseHttp;
  readonly turn: Turn;
  readonly held: HeldAnswers;
  readonly settings: () => HttpSettings;
  readonly stats: HttpStats;
  readonly now: () => number;
  readonly handOver: (socket: Socket) => void;
  /** Where plain sockets read into one buffer; null where each reads into its own. */
  readonly sharedReads: SharedReads | null;
  readonly closed: (connection: LaneConnection) => void;
  draining: boolean;
}

/** What a connection that has been idle since a drain began is given: a request may be on its way. */
const DRAIN_IDLE_MS = 200;

const INCOMPLETE = -1;
const NOT_SIMPLE = -2;

const head = new RequestHead();
const nothing = Buffer.alloc(0);

/** A head that is a little longer than the last one finds room: keys and lengths differ by few bytes. */
const HEAD_ROOM = 32;

/** One client connection while the lane serves it. */
export class LaneConnection implements TurnTask, Peer, ReplyOwner, AnswerHolder {
  readonly address: string;
  readonly lane = 'fast';
  /** The one that carries the connection; not the accepted one where reads are shared. */
  readonly socket: Socket;
  memo: unknown = undefined;
  /** Closed, or given to node:http: nothing is sent any more. */
  gone = false;
  private readonly context: LaneContext;
  private readonly request: LaneRequest;
  private readonly answers = new AnswerQueue();
  private readonly unread = new UnreadBytes();
  private readonly writes = new StalledWrites();
  /** The head that `request` was read from. */
  private headBytes = nothing;
  private headLength = 0;
  private headContentLength = 0;
  private headKeepAlive = true;
  /** To be flushed at the end of this turn. */
  private enrolled = false;
  private handingOver = false;
  /** No further request is read. */
  private closing = false;
  private paused = false;
  /** The client sends no more. */
  private ended = false;
  /** When the first byte of an incomplete request came; 0 without one. */
  private unfinishedSince = 0;
  /** When the connection last did anything. */
  private activeAt: number;

  constructor(context: LaneContext, accepted: Socket) {
    this.context = context;
    this.request = new LaneRequest(this);
    this.activeAt = context.now();
    const adopted = context.sharedReads?.adopt(accepted, this.onBytes);
    const socket = adopted ?? accepted;
    this.socket = socket;
    this.address = socket.remoteAddress ?? '';
    // Where reads are shared only what was put back comes this way.
    socket.on('data', this.onData);
    socket.on('end', this.onEnd);
    socket.on('close', this.onClose);
    socket.on('drain', this.onDrain);
    socket.on('error', ignore);
  }

  private readonly onData = (chunk: Buffer): void => {
    this.onBytes(chunk, chunk.length);
  };

  /** Takes what was read; `bytes` is only lent. */
  private readonly onBytes = (bytes: Buffer, length: number): boolean => {
    // A socket with shared reads brings node:http its bytes this way too.
    if (this.gone) return this.socket.push(Buffer.from(bytes.subarray(0, length)));
    this.context.stats.bytesIn += length;
    if (this.closing) return true;
    const { unread } = this;
    if (unread.length === 0) this.read(bytes, length);
    else {
      unread.keep(bytes, 0, length);
      if (unread.length >= unread.expected) this.read(unread.take());
    }
    return true;
  };

  /** Serves the whole requests in `bytes`, in order, and keeps what is left. */
  private read(bytes: Buffer, to = bytes.length): void {
    let from = 0;
    while (from < to && !this.closing) {
      if (this.answers.waiting >= PIPELINE_DEPTH_MAX) return this.putBack(bytes, from, to);
      const bodyStart = this.readHead(bytes, from, to);
      if (bodyStart === INCOMPLETE) return this.wait(bytes, from, to, 0);
      if (bodyStart === NOT_SIMPLE) return this.beginHandOver(bytes, from, to);
      const bodyEnd = bodyStart + this.headContentLength;
      if (bodyEnd > to) return this.wait(bytes, from, to, bodyEnd - from);
      this.unfinishedSince = 0;
      this.serve(bytes, bodyStart, bodyEnd);
      from = bodyEnd;
    }
  }

  /** @returns where the body begins, {@link INCOMPLETE} or {@link NOT_SIMPLE} */
  private readHead(bytes: Buffer, from: number, to: number): number {
    const known = this.headLength;
    if (
      known > 0 &&
      to - from >= known &&
      bytes.compare(this.headBytes, 0, known, from, from + known) === 0
    ) {
      return this.withinBounds(known, this.headContentLength) ? from + known : NOT_SIMPLE;
    }
    const result = readRequestHead(bytes, from, to, head);
    if (result === HEAD_INCOMPLETE) return INCOMPLETE;
    if (result !== HEAD_COMPLETE) return NOT_SIMPLE;
    if (!this.withinBounds(head.end - from, head.contentLength)) return NOT_SIMPLE;
    this.headLength = head.end - from;
    if (this.headBytes.length < this.headLength)
      this.headBytes = Buffer.allocUnsafeSlow(this.headLength + HEAD_ROOM);
    bytes.copy(this.headBytes, 0, from, head.end);
    this.headContentLength = head.contentLength;
    this.headKeepAlive = head.keepAlive;
    this.request.takeHead(bytes, head);
    return head.end;
  }

  /** What is too large is node:http's to refuse. */
  private withinBounds(headBytes: number, bodyBytes: number): boolean {
    const { maxHeaderBytes, maxBodyBytes } = this.context.settings();
    return headBytes <= maxHeaderBytes && bodyBytes <= maxBodyBytes;
  }

  private serve(bytes: Buffer, bodyStart: number, bodyEnd: number): void {
    const reply = new LaneReply(this);
    this.answers.push(reply);
    if (!this.headKeepAlive || this.context.draining) {
      reply.last = true;
      this.closing = true;
    }
    this.request.takeBody(bytes, bodyStart, bodyEnd);
    this.context.handler(this.request, reply);
    this.request.release();
  }

  answered(bytes: number): void {
    this.answers.made(bytes);
    this.answers.collect();
    if (this.enrolled) return;
    this.enrolled = true;
    this.context.turn.defer(this);
  }

  endsWith(reply: LaneReply): boolean {
    if (!this.context.draining || this.unread.length > 0 || this.paused) return false;
    if (!this.answers.endsWith(reply)) return false;
    return (this.closing = true);
  }

  flush(): void {
    this.enrolled = false;
    if (this.gone) return;
    const { socket, answers } = this;
    this.context.stats.bytesOut += answers.write(socket);
    if (answers.waiting === 0) this.settled();
    if (this.gone) return;
    if (this.heldBytes > UNREAD_BYTES_MAX) {
      this.context.held.grown(this);
      if (!this.closing) this.pause();
    } else if (this.paused && !this.closing) this.resume();
  }

  get heldBytes(): number {
    return this.gone ? 0 : this.socket.writableLength + this.answers.heldBytes;
  }

  /** Every request that was read has been answered. */
  private settled(): void {
    this.activeAt = this.context.now();
    if (this.closing || this.ended) this.end();
    else if (this.handingOver) this.handOver();
  }

  private beginHandOver(bytes: Buffer, from: number, to: number): void {
    this.handingOver = true;
    this.putBack(bytes, from, to);
    if (this.answers.waiting === 0 && !this.enrolled) this.handOver();
  }

  private handOver(): void {
    const { socket } = this;
    socket.off('data', this.onData);
    socket.off('end', this.onEnd);
    socket.off('close', this.onClose);
    socket.off('drain', this.onDrain);
    socket.off('error', ignore);
    this.gone = true;
    this.context.closed(this);
    this.context.stats.handedOver++;
    socket.resume();
    this.context.handOver(socket);
  }

  /** Keeps an incomplete request; `expected` is its whole length where known. */
  private wait(bytes: Buffer, from: number, to: number, expected: number): void {
    if (this.unfinishedSince === 0) this.unfinishedSince = this.context.now();
    this.unread.expected = expected;
    this.unread.keep(bytes, from, to);
  }

  /** Gives bytes that are not to be read yet back to the socket, which so does not end before they are read. */
  private putBack(bytes: Buffer, from: number, to: number): void {
    this.pause();
    this.context.stats.bytesIn -= to - from;
    this.socket.unshift(Buffer.from(bytes.subarray(from, to)));
  }

  private pause(): void {
    if (this.paused) return;
    this.paused = true;
    this.socket.pause();
  }

  private resume(): void {
    if (!this.paused || this.handingOver || this.answers.waiting > PIPELINE_DEPTH_RESUME) return;
    this.paused = false;
    this.socket.resume();
  }

  /** Sends no more, and reads on only to see the client's end. */
  private end(text = ''): void {
    this.closing = true;
    this.activeAt = this.context.now();
    this.unread.clear();
    this.socket.end(text, 'latin1');
    if (this.paused) this.socket.resume();
  }

  private readonly onDrain = (): void => {
    if (!this.closing) this.resume();
  };

  private readonly onEnd = (): void => {
    this.ended = true;
    if (this.answers.waiting === 0 && !this.enrolled) this.end();
  };

  private readonly onClose = (): void => {
    this.gone = true;
    this.unread.clear();
    this.context.closed(this);
  };

  /** Ends what takes too long. */
  sweep(now: number, settings: HttpSettings): void {
    if (this.writes.stalledMs(this.socket, now) > settings.requestTimeoutMs) this.cut();
    else if (this.answers.waiting > 0 || this.socket.writableLength > 0) {
      this.activeAt = now;
    } else if (this.closing) {
      if (now - this.activeAt > DISCARD_MS_MAX) this.socket.destroy();
    } else if (this.unread.length > 0) {
      const allowed = this.unread.expected > 0 ? settings.requestTimeoutMs : settings.headerTimeoutMs;
      if (now - this.unfinishedSince <= allowed) return;
      this.context.stats.timedOut++;
      this.end(lastAnswer(this.context.refuse('request_timeout', this)));
    } else if (this.context.draining) {
      if (now - this.activeAt > DRAIN_IDLE_MS) this.end();
    } else if (now - this.activeAt > settings.idleTimeoutMs) this.cut();
  }

  /** What its client does not read in time, or others need more, is dropped. */
  cut(): void {
    this.gone = true;
    this.context.stats.timedOut++;
    this.socket.destroy();
  }

  /** From now on each answer may be the last, and an idle connection is soon ended. */
  drain(now: number): void {
    this.activeAt = Math.max(this.activeAt, now);
  }

  destroy(): void {
    this.socket.destroy();
  }
}

function ignore(): void {}
