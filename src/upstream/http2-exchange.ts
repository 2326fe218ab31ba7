import { type ClientHttp2Stream, constants, type IncomingHttpHeaders } from 'node:http2';
import { ByteStore } from './byte-store.ts';
import { OVERSIZED } from './chunked-body.ts';
import type { Pending } from './pending.ts';
import type { HttpAnswer } from './verdict.ts';

const INTERIM_ANSWERS_MAX = 8;

/** What an exchange tells the connection it is on; once, and nothing after. */
export interface ExchangeOwner {
  /** Something came from the node. */
  heard(): void;
  complete(exchange: Http2Exchange): void;
  /** The node's answer cannot be read on. */
  faulty(exchange: Http2Exchange, fault: string): void;
  /** The stream ended before the answer did. */
  broken(exchange: Http2Exchange): void;
}

/** One stream of an HTTP/2 connection: the request of one call, or of a batch, and its answer. */
export class Http2Exchange implements HttpAnswer {
  readonly calls: Pending[];
  readonly stream: ClientHttp2Stream;
  /** Coarse milliseconds. */
  readonly sinceMs: number;
  /** The answer's head has come. */
  begun = false;
  status = 0;
  retryAfter = '';
  /** Why the stream broke, in Node's words; '' if it did not. */
  cause = '';
  readonly start = 0;
  private readonly store = new ByteStore();
  private readonly answerBytesMax: number;
  private readonly owner: ExchangeOwner;
  private contentLength = -1;
  private interim = 0;
  private over = false;

  constructor(
    calls: Pending[],
    stream: ClientHttp2Stream,
    nowMs: number,
    answerBytesMax: number,
    owner: ExchangeOwner,
  ) {
    this.calls = calls;
    this.stream = stream;
    this.sinceMs = nowMs;
    this.answerBytesMax = answerBytesMax;
    this.owner = owner;
    stream.on('headers', () => this.readInterim());
    stream.on('response', (headers) => this.readHead(headers));
    stream.on('data', (bytes: Buffer) => this.readBody(bytes));
    stream.on('end', () => this.readEnd());
    stream.on('close', () => this.readClose());
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.cause = error.code ?? error.message;
    });
  }

  get bytes(): Buffer {
    return this.store.bytes;
  }

  get end(): number {
    return this.store.length;
  }

  /** Earliest of its calls' deadlines; they are of the same turn, or of one batch. */
  get deadlineMs(): number {
    return this.calls[0]!.deadlineMs;
  }

  /** The node did not look at it: it says so, or was never sent it. `lastProcessed` is that of its GOAWAY. */
  untouched(lastProcessed: number): boolean {
    const { id, rstCode } = this.stream;
    return id === undefined || id > lastProcessed || rstCode === constants.NGHTTP2_REFUSED_STREAM;
  }

  /** Nothing more is told of it; the node is, where it has not ended. */
  abandon(): void {
    this.over = true;
    if (!this.stream.destroyed) this.stream.close(constants.NGHTTP2_CANCEL);
  }

  private readInterim(): void {
    if (this.over) return;
    this.owner.heard();
    if (++this.interim > INTERIM_ANSWERS_MAX) this.fail('too many interim answers');
  }

  private readHead(headers: IncomingHttpHeaders): void {
    if (this.over) return;
    this.owner.heard();
    this.begun = true;
    this.status = Number(headers[':status']);
    this.retryAfter = headers['retry-after'] ?? '';
    const encoding = headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity') return this.fail('compressed answer');
    const length = headers['content-length'];
    if (length !== undefined) this.contentLength = Number(length);
    if (this.contentLength > this.answerBytesMax) this.fail(OVERSIZED);
  }

  private readBody(bytes: Buffer): void {
    if (this.over) return;
    this.owner.heard();
    if (this.store.length + bytes.length > this.answerBytesMax) return this.fail(OVERSIZED);
    this.store.append(bytes, 0, bytes.length);
  }

  private readEnd(): void {
    // A stream that is cut off ends too: what was wrong is known when it closes.
    if (this.over || !this.begun || this.stream.rstCode !== constants.NGHTTP2_NO_ERROR) return;
    if (this.stream.session?.destroyed !== false) return;
    if (this.contentLength >= 0 && this.contentLength !== this.store.length) return;
    this.over = true;
    this.owner.complete(this);
  }

  private readClose(): void {
    if (this.over) return;
    this.over = true;
    this.owner.broken(this);
  }

  private fail(fault: string): void {
    this.abandon();
    const status = this.status === 0 || this.status === 200 ? '' : `HTTP ${this.status}, `;
    this.owner.faulty(this, fault === OVERSIZED ? fault : status + fault);
  }
}
