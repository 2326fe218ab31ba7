import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { AnswerScan } from '../jsonrpc/index.ts';
import { noAnswer } from './answer.ts';
import { judgeBatch, settleBatch } from './batch-verdict.ts';
import type { FailureKind, UpstreamFailure } from './call.ts';
import { OVERSIZED } from './chunked-body.ts';
import { connectHttp2Socket } from './connect-socket.ts';
import { http2ErrorName } from './http2-error-name.ts';
import { type ExchangeOwner, Http2Exchange } from './http2-exchange.ts';
import { Http2Heartbeat } from './http2-heartbeat.ts';
import type { Carrier, ConnectionOwner } from './owner.ts';
import { mayGoAgain, type Pending } from './pending.ts';
import { describeVerdict, failureKind, judgeAnswer, VERDICT_ANSWER, VERDICT_WRONG } from './verdict.ts';

/** Streams at a time, if the node allows as many. */
const STREAMS_MAX = 256;
/** What an answer may come in before its connection's windows are opened again. */
const STREAM_WINDOW_BYTES = 1024 * 1024;
const CONNECTION_WINDOW_BYTES = 16 * 1024 * 1024;
/** Node's own bound on what a session holds, in MB: answers have bounds of ours. */
const SESSION_MEMORY_MB = 1024;

const scan = new AnswerScan();

/** One HTTP/2 connection to the node: each call, or batch, on a stream of its own. */
export class Http2Connection implements Carrier, ExchangeOwner {
  /** GOAWAY says what was not looked at, so that an idle one is as good as a fresh one. */
  readonly sinceMs = Number.POSITIVE_INFINITY;
  fresh = true;
  /** Coarse milliseconds: since when it carries nothing. */
  idleSinceMs = 0;
  /** Given no more calls; closed as soon as it carries none. */
  retired = false;
  private ready = false;
  private dead = false;
  private lastProcessed = Number.POSITIVE_INFINITY;
  /** Of its end, where it is known before it comes. */
  private reason = '';
  private readonly heartbeat: Http2Heartbeat;
  private bytesIn = 0;
  private bytesOut = 0;
  private readonly startedMs: number;
  private readonly exchanges = new Set<Http2Exchange>();
  private readonly owner: ConnectionOwner<Http2Connection>;
  private readonly socket: Socket;
  private readonly session: ClientHttp2Session;

  constructor(owner: ConnectionOwner<Http2Connection>) {
    this.owner = owner;
    this.startedMs = owner.nowMs;
    this.heartbeat = new Http2Heartbeat(owner.nowMs);
    const socket = connectHttp2Socket(owner.policy);
    this.socket = socket;
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.reason = error.code ?? error.message;
    });
    socket.on('secureConnect', () => {
      if (socket instanceof TLSSocket && socket.alpnProtocol !== 'h2') this.lose('without HTTP/2');
    });
    this.session = connect(owner.policy.tls ? 'https://node' : 'http://node', {
      createConnection: () => socket,
      maxSessionMemory: SESSION_MEMORY_MB,
      settings: { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES },
    });
    this.session.on('connect', () => {
      if (!this.session.destroyed) this.session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    });
    this.session.on('remoteSettings', () => this.offer());
    this.session.on('goaway', (code, lastProcessed) => this.leave(code, lastProcessed));
    this.session.on('error', (error: NodeJS.ErrnoException) =>
      this.lose(this.reason || (error.code ?? error.message)),
    );
    this.session.on('close', () => this.lose(this.reason || 'closed by the node'));
  }

  /** Calls it could take now. */
  get room(): number {
    if (!this.ready || this.retired || this.dead || this.session.closed || this.session.destroyed) return 0;
    const allowed = this.session.remoteSettings.maxConcurrentStreams ?? STREAMS_MAX;
    return Math.min(allowed, STREAMS_MAX) - this.exchanges.size;
  }

  get busy(): boolean {
    return this.exchanges.size > 0;
  }

  get connected(): boolean {
    return this.ready;
  }

  get inFlight(): number {
    let calls = 0;
    for (const exchange of this.exchanges) calls += exchange.calls.length;
    return calls;
  }

  carry(pending: Pending): void {
    this.write([pending], pending.body);
  }

  /** Streams need no pipelining. */
  carryPipelined(calls: Pending[]): void {
    for (const pending of calls) this.carry(pending);
  }

  carryBatch(calls: Pending[]): void {
    this.write(calls, `[${calls.map((pending) => pending.body).join(',')}]`);
  }

  private write(calls: Pending[], body: string): void {
    const { owner } = this;
    let stream: ClientHttp2Stream;
    try {
      stream = this.session.request({ ...owner.http2Head, 'content-length': body.length });
    } catch (error) {
      // Headers that HTTP/2 does not take, such as one of a single value that is there twice.
      const reason = (error as NodeJS.ErrnoException).code ?? 'invalid request';
      for (const pending of calls) owner.failed(pending, 'connect', `connect ${reason}`, 'no');
      return;
    }
    for (const pending of calls) pending.call.attempts++;
    owner.traffic.exchanges++;
    this.exchanges.add(new Http2Exchange(calls, stream, owner.nowMs, owner.policy.maxResponseBytes, this));
    stream.end(body, 'latin1');
  }

  /** The node hears of it at once: the stream is reset, the connection goes on. */
  cancelled(pending: Pending): void {
    for (const exchange of this.exchanges) {
      if (!exchange.calls.includes(pending)) continue;
      if (!exchange.calls.every(({ over }) => over)) return;
      exchange.abandon();
      this.drop(exchange, true);
      return this.failAll(exchange, 'reset', 'cancelled');
    }
  }

  heard(): void {
    this.heartbeat.heard(this.owner.nowMs);
  }

  /** Its first settings have come, or others. */
  private offer(): void {
    this.heard();
    if (this.dead) return;
    if (!this.ready) {
      this.ready = true;
      this.idleSinceMs = this.owner.nowMs;
      this.owner.ready(this);
    }
    if (this.owner.waiting > 0) this.owner.openMore();
  }

  complete(exchange: Http2Exchange): void {
    const { calls } = exchange;
    const pending = calls[0]!;
    if (calls.length > 1) {
      const verdict = judgeBatch(exchange, calls);
      this.drop(exchange, verdict.sound);
      return settleBatch(verdict, calls, exchange.bytes, this.owner);
    }
    const verdict = judgeAnswer(pending, exchange, scan);
    this.drop(exchange, verdict !== VERDICT_WRONG);
    if (verdict === VERDICT_ANSWER)
      return this.owner.answered(pending, exchange.bytes, pending.id === 0 ? noAnswer : scan);
    const reason = describeVerdict(verdict, exchange, scan);
    this.owner.failed(pending, failureKind(verdict), reason, 'maybe', exchange.retryAfter);
  }

  faulty(exchange: Http2Exchange, fault: string): void {
    this.drop(exchange, false);
    const kind = fault === OVERSIZED ? 'oversized' : 'http';
    if (exchange.calls.length > 1) {
      this.owner.batchSpoiled();
      this.sendAgain(exchange, fault, 'maybe');
    } else this.owner.failed(exchange.calls[0]!, kind, fault, 'maybe');
  }

  broken(exchange: Http2Exchange): void {
    // All streams of a connection close with it.
    if (this.session.destroyed) return this.lose(this.reason || exchange.cause || 'closed by the node');
    const untouched = exchange.untouched(this.lastProcessed);
    const code = exchange.stream.rstCode ?? 0;
    const reason = `stream closed with ${http2ErrorName(code)}`;
    // One that misbehaves is not used on; to refuse a stream, or to cancel one, is no misbehaviour.
    this.drop(exchange, !(code === constants.NGHTTP2_PROTOCOL_ERROR || (exchange.begun && code === 0)));
    this.breakOff(exchange, reason, untouched ? 'no' : 'maybe');
  }

  private breakOff(exchange: Http2Exchange, reason: string, delivered: UpstreamFailure['delivered']): void {
    const { calls, begun } = exchange;
    if (begun && calls.length === 1) {
      this.owner.failed(calls[0]!, 'truncated', `${reason} in the middle of an answer`, 'maybe');
      return;
    }
    if (begun) this.owner.batchSpoiled();
    this.sendAgain(exchange, reason, delivered);
  }

  private sendAgain(exchange: Http2Exchange, reason: string, delivered: UpstreamFailure['delivered']): void {
    for (const pending of exchange.calls) {
      if (mayGoAgain(pending)) this.owner.sendAgain(pending);
      else
        this.owner.failed(
          pending,
          'reset',
          `${reason} before an answer`,
          pending.retried ? 'maybe' : delivered,
        );
    }
  }

  /** It carries this one no more. `sound`: it may carry others. Comes before a caller hears of it. */
  private drop(exchange: Http2Exchange, sound: boolean): void {
    if (!this.exchanges.delete(exchange)) return;
    this.idleSinceMs = this.owner.nowMs;
    if (this.retired) this.endIfIdle();
    else if (!sound) this.retire();
    else if (this.room > 0) this.owner.ready(this);
  }

  /** The node sends GOAWAY: it looks at no stream after `lastProcessed`. */
  private leave(code: number, lastProcessed: number): void {
    this.heard();
    this.lastProcessed = lastProcessed;
    if (code !== constants.NGHTTP2_NO_ERROR) this.reason = `GOAWAY ${http2ErrorName(code)}`;
    this.retire();
  }

  retire(): void {
    if (this.retired) return;
    this.retired = true;
    this.endIfIdle();
    this.owner.openMore();
  }

  private endIfIdle(): void {
    if (this.exchanges.size === 0) this.end();
  }

  /** `nowMs` is a tick ahead, so that no caller waits past its deadline. */
  sweep(nowMs: number): void {
    const { connectTimeoutMs, firstByteTimeoutMs } = this.owner.policy;
    if (!this.ready) {
      if (nowMs - this.startedMs >= connectTimeoutMs) this.lose('timed out');
      return;
    }
    for (const exchange of this.exchanges) {
      if (nowMs >= exchange.deadlineMs) this.timeOut(exchange, 'answer not complete in time');
      else if (!exchange.begun && nowMs - exchange.sinceMs >= firstByteTimeoutMs)
        this.timeOut(exchange, 'no answer in time');
    }
    if (!this.dead && this.busy && !this.heartbeat.isThere(this.session, nowMs, connectTimeoutMs))
      this.lose('no answer to PING');
    this.countBytes();
  }

  private timeOut(exchange: Http2Exchange, reason: string): void {
    exchange.abandon();
    // A node that has been silent ever since may be gone without a word.
    this.drop(exchange, this.heartbeat.heardMs > exchange.sinceMs);
    for (const pending of exchange.calls) this.owner.failed(pending, 'timeout', reason, 'maybe');
  }

  destroy(reason: string): void {
    const under = this.takeAll();
    this.end();
    for (const exchange of under) this.failAll(exchange, 'connect', reason);
  }

  private failAll(exchange: Http2Exchange, kind: FailureKind, reason: string): void {
    for (const pending of exchange.calls) this.owner.failed(pending, kind, reason, 'maybe');
  }

  /** The connection is over, whoever ended it. */
  private lose(reason: string): void {
    if (this.dead) return;
    const under = this.takeAll();
    this.end();
    if (!this.ready) return this.owner.connectFailed(`connect ${reason}`);
    for (const exchange of under)
      this.breakOff(exchange, reason, exchange.untouched(this.lastProcessed) ? 'no' : 'maybe');
  }

  private takeAll(): Http2Exchange[] {
    const all = [...this.exchanges];
    this.exchanges.clear();
    for (const exchange of all) exchange.abandon();
    return all;
  }

  private end(): void {
    if (this.dead) return;
    this.dead = true;
    this.countBytes();
    this.session.destroy();
    this.socket.destroy();
    this.owner.gone(this);
  }

  /** Brings the traffic up to date. */
  countBytes(): void {
    const { bytesRead, bytesWritten } = this.socket;
    this.owner.traffic.bytesIn += bytesRead - this.bytesIn;
    this.owner.traffic.bytesOut += bytesWritten - this.bytesOut;
    this.bytesIn = bytesRead;
    this.bytesOut = bytesWritten;
  }
}
