import type { Socket } from 'node:net';
import { AnswerScan } from '../jsonrpc/index.ts';
import { noAnswer } from './answer.ts';
import { ANSWER_COMPLETE, ANSWER_INCOMPLETE, AnswerReader } from './answer-reader.ts';
import type { FailureKind } from './call.ts';
import { connectSocket } from './connect-socket.ts';
import { judgeBatch, settleBatch } from './batch-verdict.ts';
import type { Carrier, ConnectionOwner } from './owner.ts';
import { mayGoAgain, type Pending } from './pending.ts';
import { describeVerdict, failureKind, judgeAnswer, VERDICT_ANSWER, VERDICT_WRONG } from './verdict.ts';

/**
 * Where all connections of this worker read into: what arrives is used up, or copied, before the next
 * read. Holds nearly every answer whole, so that it is looked at where it lies.
 */
const shared = Buffer.allocUnsafeSlow(64 * 1024);

/** An answer that nobody wants any more may take so long; then its connection is closed, by which a node knows. */
const CANCELLED_GRACE_MS = 1000;

/** Up to this a string is written without a copy of our own; Node copies it to the stack and tries to send it at once. */
const STRING_WRITE_MAX = 16 * 1024;

const scan = new AnswerScan();

/**
 * One connection to the node and what it carries: one call, a row of pipelined ones, or one batch.
 * Once it has misbehaved in any way it is destroyed, never used again.
 */
export class Connection implements Carrier {
  /** Coarse milliseconds: since when it connects, waits for the first byte of an answer, or is idle. */
  sinceMs: number;
  /** Has not been ready yet. Kept by the owner, which counts them. */
  fresh = true;
  private open = false;
  private dead = false;
  /** Carries no call after the present ones. */
  private retiring = false;
  /** The call whose answer is due; the first one of a batch. */
  private current: Pending | null = null;
  private rest: Pending[] = [];
  private restAt = 0;
  private batch: Pending[] | null = null;
  /** Bytes of the answer that is due have arrived. */
  private begun = false;
  /** Has answered before, so the node may have closed it meanwhile for being idle. */
  private reused = false;
  private readonly owner: ConnectionOwner<Connection>;
  private readonly socket: Socket;
  private readonly reader: AnswerReader;

  constructor(owner: ConnectionOwner<Connection>) {
    this.owner = owner;
    this.sinceMs = owner.nowMs;
    this.reader = new AnswerReader(owner.policy.maxResponseBytes);
    this.socket = connectSocket(owner.policy, shared, (bytes) => this.read(bytes));
    this.socket.on('error', (error: NodeJS.ErrnoException) => this.lose(error.code ?? error.message));
    this.socket.on('end', () => this.lose('closed by the node'));
    this.socket.on('close', () => this.lose('closed by the node'));
    this.socket.on(owner.policy.tls ? 'secureConnect' : 'connect', () => {
      if (this.dead) return;
      this.open = true;
      owner.ready(this);
    });
  }

  /** Calls written and not yet answered. */
  get inFlight(): number {
    if (this.batch !== null) return this.batch.length;
    return this.current === null ? 0 : 1 + this.rest.length - this.restAt;
  }

  carry(pending: Pending): void {
    this.begin(pending);
    pending.call.attempts++;
    this.write(`${this.owner.head}${pending.body.length}\r\n\r\n${pending.body}`, 1);
  }

  /** Writes the calls one after the other; the node answers them in this order. */
  carryPipelined(calls: Pending[]): void {
    this.begin(calls[0]!);
    this.rest = calls;
    this.restAt = 1;
    const head = this.owner.head;
    let text = '';
    for (const pending of calls) {
      pending.call.attempts++;
      text += `${head}${pending.body.length}\r\n\r\n${pending.body}`;
    }
    this.write(text, calls.length);
  }

  /** Writes the calls as one JSON-RPC batch. */
  carryBatch(calls: Pending[]): void {
    this.begin(calls[0]!);
    this.batch = calls;
    let body = '[';
    for (let i = 0; i < calls.length; i++) {
      const pending = calls[i]!;
      pending.call.attempts++;
      body += i === 0 ? pending.body : `,${pending.body}`;
    }
    this.write(`${this.owner.head}${body.length + 1}\r\n\r\n${body}]`, 1);
  }

  cancelled(): void {
    const { current, batch } = this;
    if (current === null) return;
    const calls = batch ?? [current, ...this.rest.slice(this.restAt)];
    if (!calls.every((pending) => pending.over)) return;
    const dueMs = this.owner.nowMs + CANCELLED_GRACE_MS;
    for (const pending of calls) pending.deadlineMs = Math.min(pending.deadlineMs, dueMs);
  }

  private begin(pending: Pending): void {
    this.current = pending;
    this.begun = false;
    this.sinceMs = this.owner.nowMs;
  }

  private write(text: string, exchanges: number): void {
    const { traffic } = this.owner;
    traffic.exchanges += exchanges;
    traffic.bytesOut += text.length;
    if (text.length <= STRING_WRITE_MAX) this.socket.write(text, 'latin1');
    else this.socket.write(Buffer.from(text, 'latin1'));
  }

  /** Ends it if it let a deadline pass. `nowMs` is a tick ahead, so that no caller waits past its deadline. */
  sweep(nowMs: number): void {
    const policy = this.owner.policy;
    if (!this.open) {
      if (nowMs - this.sinceMs >= policy.connectTimeoutMs) this.lose('timed out');
    } else if (this.current !== null) {
      if (nowMs >= this.current.deadlineMs) this.timeOut('answer not complete in time');
      else if (!this.begun && nowMs - this.sinceMs >= policy.firstByteTimeoutMs)
        this.timeOut('no answer in time');
    }
  }

  setAnswerBytesMax(bytes: number): void {
    this.reader.setBodyBytesMax(bytes);
  }

  /** To be closed as soon as it carries nothing. */
  retire(): void {
    if (this.current === null) this.end();
    else this.retiring = true;
  }

  /** Closes it; calls it carries are failed with `reason`. */
  destroy(reason: string): void {
    this.end();
    this.failAll('connect', reason);
  }

  private read(bytes: number): void {
    this.owner.traffic.bytesIn += bytes;
    let at = 0;
    while (!this.dead) {
      if (this.current === null) return this.end();
      this.begun = true;
      const state = this.reader.read(shared, at, bytes);
      if (state === ANSWER_INCOMPLETE) return;
      if (state !== ANSWER_COMPLETE)
        return this.breakOff(this.reader.oversized ? 'oversized' : 'http', this.reader.fault);
      at = this.reader.next;
      this.complete(at === bytes);
      // Not looked at again if nothing is left: what was just answered may have led to a new call here.
      if (at === bytes) return;
    }
  }

  /** The answer that was due is there as a whole. `used`: nothing has come after it. */
  private complete(used: boolean): void {
    this.reused = true;
    if (this.batch !== null) return this.completeBatch(this.batch, used);
    const reader = this.reader;
    const pending = this.current!;
    this.advance();
    const verdict = judgeAnswer(pending, reader, scan);
    this.proceed(verdict !== VERDICT_WRONG, used);
    if (verdict !== VERDICT_ANSWER) {
      const reason = describeVerdict(verdict, reader, scan);
      this.owner.failed(pending, failureKind(verdict), reason, 'maybe', reader.retryAfter);
    } else this.owner.answered(pending, reader.bytes, pending.id === 0 ? noAnswer : scan);
    reader.forget();
  }

  private completeBatch(calls: Pending[], used: boolean): void {
    const { bytes } = this.reader;
    const verdict = judgeBatch(this.reader, calls);
    this.takeAll();
    this.proceed(verdict.sound, used);
    this.reader.forget();
    settleBatch(verdict, calls, bytes, this.owner);
  }

  private advance(): void {
    this.begun = false;
    this.sinceMs = this.owner.nowMs;
    if (this.restAt < this.rest.length) {
      this.current = this.rest[this.restAt++]!;
      return;
    }
    this.current = null;
    if (this.restAt === 0) return;
    this.rest = [];
    this.restAt = 0;
  }

  /** After an answer: on to the next one, free for other calls, or closed. Comes before the caller hears of the answer. */
  private proceed(sound: boolean, used: boolean): void {
    if (!sound || this.reader.close) return this.lose(sound ? 'closed by the node' : 'misbehaved');
    if (this.current !== null) return;
    if (!used || this.retiring || this.socket.writableLength > 0) return this.end();
    this.owner.ready(this);
  }

  private timeOut(reason: string): void {
    this.breakOff('timeout', reason);
  }

  /** The answer that was due will not come; those after it had not begun. */
  private breakOff(kind: FailureKind, reason: string): void {
    const pending = this.current!;
    if (this.batch !== null) {
      this.end();
      if (kind === 'timeout') return this.failAll(kind, reason);
      this.owner.batchSpoiled();
      return this.sendAllAgain(reason);
    }
    this.advance();
    this.lose(reason);
    this.owner.failed(pending, kind, reason, 'maybe');
  }

  /** The connection is over, whoever ended it. */
  private lose(reason: string): void {
    if (this.dead) return;
    const opened = this.open;
    this.end();
    if (!opened) return this.owner.connectFailed(`connect ${reason}`);
    const pending = this.current;
    if (pending === null) return;
    const grouped = this.batch !== null || this.rest.length > 0;
    const { begun } = this;
    if (this.batch === null && (begun || !(grouped || this.reused))) {
      this.advance();
      if (begun) this.owner.failed(pending, 'truncated', `${reason} in the middle of an answer`, 'maybe');
      else this.owner.failed(pending, 'reset', `${reason} before an answer`, 'maybe');
    }
    if (this.batch !== null && begun) this.owner.batchSpoiled();
    this.sendAllAgain(reason);
  }

  /** Those of a batch too: what one caller asked for may have spoiled it for the others. */
  private sendAllAgain(reason: string): void {
    for (const pending of this.takeAll()) {
      if (mayGoAgain(pending)) this.owner.sendAgain(pending);
      else this.owner.failed(pending, 'reset', `${reason} before an answer`, 'maybe');
    }
  }

  private failAll(kind: FailureKind, reason: string): void {
    for (const pending of this.takeAll()) this.owner.failed(pending, kind, reason, 'maybe');
  }

  private takeAll(): Pending[] {
    const current = this.current;
    const all = this.batch ?? (current === null ? [] : [current, ...this.rest.slice(this.restAt)]);
    this.current = null;
    this.batch = null;
    this.rest = [];
    this.restAt = 0;
    return all;
  }

  private end(): void {
    if (this.dead) return;
    this.dead = true;
    this.socket.destroy();
    this.owner.gone(this);
  }
}
