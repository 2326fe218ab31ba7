import type { Socket } from 'node:net';
import {
  type HttpRequest,
  type HttpSettings,
  type HttpStats,
  type Peer,
  PIPELINE_DEPTH_MAX,
  type RefuseHttp,
  type Reply,
  type RequestHandler,
  UNREAD_BYTES_MAX,
} from './message.ts';
import { HEAD_COMPLETE, HEAD_INCOMPLETE, LANE_HEAD_BYTES_MAX, RequestHead, readRequestHead } from './request-head.ts';
import type { createSharedReads } from './shared-reads.ts';
import { statusAndDate } from './status-line.ts';
import type { Turn, TurnTask } from './turn.ts';

export interface LaneContext {
  readonly handler: RequestHandler;
  readonly refuse: RefuseHttp;
  readonly turn: Turn;
  readonly settings: () => HttpSettings;
  readonly stats: HttpStats;
  readonly now: () => number;
  readonly handOver: (socket: Socket, rest: Buffer) => void;
  /** Where plain sockets read into one buffer; null where each reads into its own. */
  readonly sharedReads: ReturnType<typeof createSharedReads> | null;
  readonly closed: (connection: LaneConnection) => void;
  draining: boolean;
}

const head = new RequestHead();
const nothing = Buffer.alloc(0);

/** One client connection while the lane serves it. */
export class LaneConnection implements TurnTask, Peer {
  readonly address: string;
  memo: unknown = undefined;
  /** Connection closed, or given to node:http: nothing is sent any more. */
  gone = false;
  private readonly context: LaneContext;
  private readonly socket: Socket;
  private readonly request: LaneRequest;
  /** The head that `request` was read from. */
  private headBytes = nothing;
  private headContentLength = 0;
  private headKeepAlive = true;
  /** Bytes of requests not complete yet, or not to be read yet. */
  private rest: Buffer = nothing;
  private restBytes = 0;
  private expectedBytes = 0;
  private firstReply: LaneReply | null = null;
  private lastReply: LaneReply | null = null;
  private waiting = 0;
  private out = '';
  private outParts: (string | Buffer)[] | null = null;
  private enrolled = false;
  private handingOver = false;
  private closing = false;
  private reading = false;
  private paused = false;
  private ended = false;
  /** When the bytes in `rest` began to arrive; when the connection last did anything. */
  private restSince = 0;
  private activeAt: number;

  constructor(context: LaneContext, accepted: Socket) {
    this.context = context;
    this.request = new LaneRequest(this);
    this.activeAt = context.now();
    const adopted = context.sharedReads?.adopt(accepted, this.onBytes);
    const socket = adopted ?? accepted;
    this.socket = socket;
    this.address = socket.remoteAddress ?? '';
    if (adopted === undefined) socket.on('data', this.onData);
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
    if (this.handingOver || this.waiting >= PIPELINE_DEPTH_MAX) {
      this.keep(bytes, 0, length);
      return true;
    }
    if (this.restBytes === 0) {
      this.read(bytes, length);
      return true;
    }
    this.keep(bytes, 0, length);
    if (this.restBytes < this.expectedBytes) return true;
    const whole = this.rest.subarray(0, this.restBytes);
    this.rest = nothing;
    this.restBytes = 0;
    this.read(whole, whole.length);
    return true;
  };

  /** Serves the whole requests in `bytes`, in order, and keeps what is left. */
  private read(bytes: Buffer, to: number): void {
    let from = 0;
    this.reading = true;
    while (from < to) {
      if (this.closing) break;
      if (this.waiting >= PIPELINE_DEPTH_MAX) {
        this.expectedBytes = 0;
        this.keep(bytes, from, to);
        this.pause();
        break;
      }
      const bodyStart = this.readHead(bytes, from, to);
      if (bodyStart < 0) {
        if (bodyStart === INCOMPLETE) this.wait(bytes, from, to, 0);
        else this.beginHandOver(bytes, from, to);
        break;
      }
      const bodyEnd = bodyStart + this.headContentLength;
      if (bodyEnd > to) {
        this.wait(bytes, from, to, bodyEnd - from);
        break;
      }
      this.restSince = 0;
      this.serve(bytes, bodyStart, bodyEnd);
      from = bodyEnd;
    }
    this.reading = false;
  }

  /** @returns where the body begins, {@link INCOMPLETE} or {@link NOT_SIMPLE} */
  private readHead(bytes: Buffer, from: number, to: number): number {
    const known = this.headBytes.length;
    if (known > 0 && to - from >= known && bytes.compare(this.headBytes, 0, known, from, from + known) === 0) {
      return from + known;
    }
    const result = readRequestHead(bytes, from, to, head);
    if (result === HEAD_INCOMPLETE) return INCOMPLETE;
    if (result !== HEAD_COMPLETE) return NOT_SIMPLE;
    if (head.contentLength > this.context.settings().maxBodyBytes) return NOT_SIMPLE;
    this.headBytes = Buffer.from(bytes.subarray(from, head.end));
    this.headContentLength = head.contentLength;
    this.headKeepAlive = head.keepAlive;
    this.request.take(bytes, head);
    return head.end;
  }

  private serve(bytes: Buffer, bodyStart: number, bodyEnd: number): void {
    const request = this.request;
    request.bytes = bytes;
    request.bodyStart = bodyStart;
    request.bodyEnd = bodyEnd;
    const reply = new LaneReply(this);
    if (this.lastReply === null) this.firstReply = reply;
    else this.lastReply.next = reply;
    this.lastReply = reply;
    this.waiting++;
    if (!this.headKeepAlive || this.context.draining) {
      reply.last = true;
      this.closing = true;
    }
    this.context.handler(request, reply);
    request.bytes = nothing;
  }

  /** Puts answers out in the order of their requests, as far as they are there. */
  answered(): void {
    let reply = this.firstReply;
    while (reply !== null && reply.done) {
      if (reply.bytes === null) this.out += reply.text;
      else {
        this.outParts ??= [];
        this.outParts.push(this.out + reply.text, reply.bytes);
        this.out = '';
      }
      this.waiting--;
      reply = reply.next;
    }
    this.firstReply = reply;
    if (reply === null) this.lastReply = null;
    if (!this.enrolled) {
      this.enrolled = true;
      this.context.turn.defer(this);
    }
  }

  /** Whether a drain makes this answer the connection's last. */
  endsWith(reply: LaneReply): boolean {
    return this.context.draining && reply === this.lastReply && this.restBytes === 0;
  }

  flush(): void {
    this.enrolled = false;
    if (this.gone) return;
    const socket = this.socket;
    const { stats } = this.context;
    stats.bytesOut += this.out.length;
    if (this.outParts === null) socket.write(this.out, 'latin1');
    else {
      socket.cork();
      for (const part of this.outParts) {
        stats.bytesOut += part.length;
        if (typeof part === 'string') socket.write(part, 'latin1');
        else socket.write(part);
      }
      if (this.out !== '') socket.write(this.out, 'latin1');
      socket.uncork();
      this.outParts = null;
    }
    this.out = '';
    if (this.waiting === 0) this.settled();
    if (this.gone || this.closing) return;
    if (socket.writableLength > UNREAD_BYTES_MAX) this.pause();
    else this.resume();
  }

  /** Every request that was read has been answered. */
  private settled(): void {
    this.activeAt = this.context.now();
    if (this.closing || this.ended || (this.context.draining && this.restBytes === 0)) {
      this.closing = true;
      this.socket.end();
    } else if (this.handingOver) this.handOver();
  }

  private beginHandOver(bytes: Buffer, from: number, to: number): void {
    this.handingOver = true;
    this.expectedBytes = 0;
    this.keep(bytes, from, to);
    if (this.waiting === 0 && !this.enrolled) this.handOver();
    else this.pause();
  }

  private handOver(): void {
    const socket = this.socket;
    socket.off('data', this.onData);
    socket.off('end', this.onEnd);
    socket.off('close', this.onClose);
    socket.off('drain', this.onDrain);
    socket.off('error', ignore);
    this.gone = true;
    this.context.closed(this);
    this.context.stats.handedOver++;
    const rest = this.rest.subarray(0, this.restBytes);
    if (this.paused) socket.resume();
    this.context.handOver(socket, rest);
  }

  /** Keeps an incomplete request; `expected` is its whole length where known. */
  private wait(bytes: Buffer, from: number, to: number, expected: number): void {
    this.expectedBytes = expected;
    if (this.restSince === 0) this.restSince = this.context.now();
    this.keep(bytes, from, to);
  }

  private keep(bytes: Buffer, from: number, to: number): void {
    const length = to - from;
    if (this.restBytes + length > this.rest.length) {
      const roomy = Math.min(this.expectedBytes, Math.max(this.rest.length * 2, LANE_HEAD_BYTES_MAX));
      const larger = Buffer.allocUnsafe(Math.max(this.restBytes + length, roomy));
      this.rest.copy(larger, 0, 0, this.restBytes);
      this.rest = larger;
    }
    bytes.copy(this.rest, this.restBytes, from, to);
    this.restBytes += length;
  }

  private pause(): void {
    if (this.paused) return;
    this.paused = true;
    this.socket.pause();
  }

  private resume(): void {
    if (!this.paused || this.handingOver) return;
    this.paused = false;
    if (this.restBytes > 0 && this.expectedBytes === 0 && !this.reading) {
      const bytes = this.rest.subarray(0, this.restBytes);
      this.rest = nothing;
      this.restBytes = 0;
      this.read(bytes, bytes.length);
    }
    if (!this.paused && !this.gone) this.socket.resume();
  }

  private readonly onDrain = (): void => {
    if (!this.gone && !this.closing) this.resume();
  };

  private readonly onEnd = (): void => {
    this.ended = true;
    if (this.waiting === 0 && !this.enrolled) this.socket.end();
  };

  private readonly onClose = (): void => {
    this.gone = true;
    this.rest = nothing;
    this.context.closed(this);
  };

  /** Ends what takes too long. */
  sweep(now: number, settings: HttpSettings): void {
    if (this.closing && now - this.activeAt > settings.requestTimeoutMs && this.waiting === 0) {
      this.socket.destroy();
      return;
    }
    if (this.waiting > 0) {
      this.activeAt = now;
      return;
    }
    if (this.socket.writableLength > 0) {
      if (now - this.activeAt > settings.requestTimeoutMs) this.timeOut();
      return;
    }
    if (this.restBytes > 0) {
      const allowed = this.expectedBytes > 0 ? settings.requestTimeoutMs : settings.headerTimeoutMs;
      if (now - this.restSince > allowed) {
        this.refuse('request_timeout');
        this.context.stats.timedOut++;
      }
    } else if (now - this.activeAt > settings.idleTimeoutMs) this.timeOut();
  }

  private timeOut(): void {
    this.context.stats.timedOut++;
    this.socket.destroy();
  }

  private refuse(code: 'request_timeout'): void {
    if (this.closing) return;
    this.closing = true;
    const { status, headers, body } = this.context.refuse(code);
    const text = responseText(status, headers, body, body.length, true, Date.now());
    this.socket.end(text, 'latin1');
  }

  drain(): void {
    if (this.waiting === 0 && this.restBytes === 0 && !this.enrolled) {
      this.closing = true;
      this.socket.end();
    }
  }

  destroy(): void {
    this.socket.destroy();
  }
}

const INCOMPLETE = -1;
const NOT_SIMPLE = -2;

function ignore(): void {}

function responseText(
  status: number,
  headers: string,
  body: string,
  bodyBytes: number,
  last: boolean,
  epochMs: number,
): string {
  const framing = status === 204 ? '\r\n' : `Content-Length: ${bodyBytes}\r\n\r\n`;
  return statusAndDate(status, epochMs) + headers + (last ? 'Connection: close\r\n' : '') + framing + body;
}

/** One request's place in its connection's answers. */
class LaneReply implements Reply {
  next: LaneReply | null = null;
  done = false;
  /** No answer follows this one on its connection. */
  last = false;
  text = '';
  bytes: Buffer | null = null;
  private readonly connection: LaneConnection;

  constructor(connection: LaneConnection) {
    this.connection = connection;
  }

  get abandoned(): boolean {
    return this.connection.gone;
  }

  send(status: number, headers: string, body: string | Buffer): void {
    if (this.done) return;
    this.done = true;
    if (!this.last) this.last = this.connection.endsWith(this);
    if (typeof body === 'string') {
      this.text = responseText(status, headers, body, body.length, this.last, Date.now());
    } else {
      this.text = responseText(status, headers, '', body.length, this.last, Date.now());
      this.bytes = body;
    }
    this.connection.answered();
  }
}

/** The connection's one request object: rewritten when a head differs from the one before. */
class LaneRequest implements HttpRequest {
  readonly method = 'POST';
  readonly lane = 'fast';
  readonly contentEncoding = undefined;
  readonly peer: Peer;
  target = '';
  apiKey: string | undefined = undefined;
  authorization: string | undefined = undefined;
  origin: string | undefined = undefined;
  forwardedFor: string | undefined = undefined;
  forwarded: string | undefined = undefined;
  requestId: string | undefined = undefined;
  bytes: Buffer = nothing;
  bodyStart = 0;
  bodyEnd = 0;

  constructor(peer: Peer) {
    this.peer = peer;
  }

  take(bytes: Buffer, from: RequestHead): void {
    this.target = bytes.toString('latin1', from.targetStart, from.targetEnd);
    this.apiKey = slice(bytes, from.apiKeyStart, from.apiKeyEnd);
    this.authorization = slice(bytes, from.authorizationStart, from.authorizationEnd);
    this.origin = slice(bytes, from.originStart, from.originEnd);
    this.forwardedFor = slice(bytes, from.forwardedForStart, from.forwardedForEnd);
    this.forwarded = slice(bytes, from.forwardedStart, from.forwardedEnd);
    this.requestId = slice(bytes, from.requestIdStart, from.requestIdEnd);
  }
}

function slice(bytes: Buffer, start: number, end: number): string | undefined {
  return start < 0 ? undefined : bytes.toString('latin1', start, end);
}
