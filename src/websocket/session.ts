import type { Socket } from 'node:net';
import type { RawData, WebSocket } from 'ws';
import {
  type AnswerHolder,
  PIPELINE_DEPTH_MAX,
  PIPELINE_DEPTH_RESUME,
  StalledWrites,
  type TurnTask,
} from '../http/index.ts';
import { type CloseCause, closeCauses, faultCodes } from './close-codes.ts';
import { Frequency } from './frequency.ts';
import { Outbox } from './outbox.ts';
import type { SessionHost } from './session-host.ts';
import { UnfinishedMessage } from './unfinished-message.ts';

/** Pings and pongs that a client may send in {@link CONTROL_WINDOW_MS}. */
const CONTROLS_MAX = 100;
const CONTROL_WINDOW_MS = 10_000;
/** How long a close frame has to reach a client that is not read any more. */
const SHOWN_OUT_MS = 1000;
const ENDED_MS = 250;
/** Messages of one socket that are handled in one turn: what one read brings may be 10,000 of them. */
const MESSAGES_A_TURN = 64;
/** Of one read from a socket. */
const READ_BYTES = 64 * 1024;
/** Window of `max_refusals`. */
const REFUSAL_WINDOW_MS = 10_000;

/** One open WebSocket of a worker. Whatever it sends waits for the end of the turn, behind the commit of its usage. */
export class Session implements TurnTask, AnswerHolder {
  /** The worker's own number of it; not used twice. */
  readonly number: number;
  /** The handler's own memory of this socket: who is calling, where to. */
  memo: unknown = undefined;
  messages = 0;
  events = 0;
  /** Closing or closed: nothing is read any more. */
  over = false;
  private readonly host: SessionHost<Session>;
  private readonly ws: WebSocket;
  private readonly socket: Socket;
  private readonly out: Outbox;
  private enrolled = false;
  /** Messages whose answer is to come. */
  private underWay = 0;
  /** They were as many as may be, and half of them are not answered yet. */
  private deep = false;
  private paused = false;
  /** Since the last flush. */
  private handled = 0;
  /** Messages that came in one read with those that may be handled now; null for none. From `waitingAt` on. */
  private waiting: Buffer[] | null = null;
  private waitingAt = 0;
  private waitingBytes = 0;
  /** They are taken up in the next turn. */
  private takingUp = false;
  private finishing: CloseCause | null = null;
  private closedAs: CloseCause | null = null;
  private heardAt: number;
  /** Bytes that had come by the last sweep. */
  private bytesSeen: number;
  private readonly unfinished: UnfinishedMessage;
  /** 0: none is waited for. */
  private pingedAt = 0;
  private readonly controls = new Frequency(CONTROL_WINDOW_MS);
  /** Of the latest ping to which a slow client was sent no pong yet. */
  private unanswered: Buffer | null = null;
  private readonly refusals = new Frequency(REFUSAL_WINDOW_MS);
  private readonly writes = new StalledWrites();
  private readonly bytesBefore: { read: number; written: number };
  private whenDrained: Set<() => void> | null = null;

  constructor(host: SessionHost<Session>, number: number, ws: WebSocket, socket: Socket) {
    this.host = host;
    this.number = number;
    this.ws = ws;
    this.socket = socket;
    this.heardAt = host.now();
    this.out = new Outbox(ws, socket);
    this.unfinished = new UnfinishedMessage(ws);
    this.bytesSeen = socket.bytesRead;
    this.bytesBefore = { read: socket.bytesRead, written: socket.bytesWritten };
    ws.on('message', this.onMessage);
    ws.on('ping', this.onPing);
    ws.on('pong', this.onPong);
    ws.on('close', this.onClose);
    ws.on('error', this.onFault);
    socket.on('drain', this.onDrain);
  }

  get bytesIn(): number {
    return this.socket.bytesRead - this.bytesBefore.read;
  }

  get bytesOut(): number {
    return this.socket.bytesWritten - this.bytesBefore.written;
  }

  /** Answers and events made and not yet with the kernel. */
  get heldBytes(): number {
    return this.closedAs === null ? this.out.heldBytes : 0;
  }

  /** Whether so many bytes more would be more than a client may leave unread. Who left nothing has room for anything. */
  isFull(bytes: number): boolean {
    const { heldBytes } = this;
    return heldBytes > 0 && heldBytes + bytes > this.host.settings().sendBufferBytes;
  }

  /** Nothing that is sent reaches its client any more. */
  get closed(): boolean {
    return this.closedAs !== null;
  }

  private readonly onMessage = (data: RawData): void => {
    // One buffer, since `binaryType` is that of `nodebuffer`.
    const bytes = data as Buffer;
    this.host.received(bytes.length);
    if (this.over) return;
    this.heardAt = this.host.now();
    this.messages++;
    // The library's own bound is that of when the socket was opened.
    if (bytes.length > this.host.settings().maxMessageBytes) return this.close(closeCauses.tooLarge);
    if (!this.paused && this.mayHandle()) return this.handle(bytes);
    // The library gives all messages of one read, paused or not; inflated ones may be far more than was read.
    (this.waiting ??= []).push(bytes);
    this.waitingBytes += bytes.length;
    this.pause();
    if (this.waitingBytes > this.host.settings().maxMessageBytes + READ_BYTES)
      return this.showOut(closeCauses.tooMuch);
    if (this.handled >= MESSAGES_A_TURN) this.enrol();
  };

  private mayHandle(): boolean {
    return !this.over && !this.deep && this.handled < MESSAGES_A_TURN;
  }

  private handle(bytes: Buffer): void {
    this.handled++;
    if (++this.underWay >= PIPELINE_DEPTH_MAX) {
      this.deep = true;
      this.pause();
    }
    try {
      this.host.message(this, bytes);
    } catch (error) {
      // What it was about to do is not known: this socket cannot go on, all others can.
      this.host.failed(this, error);
      this.close(closeCauses.fault);
    }
  }

  /** The answer to one message, latin1 or bytes; '' where none is due. To be called once for each. */
  answer(body: string | Buffer): void {
    if (--this.underWay <= PIPELINE_DEPTH_RESUME) this.deep = false;
    if (body.length > 0) this.send(body);
    else this.enrol();
  }

  /** A message that no message asked for: an event, or an error. Latin1. */
  send(body: string | Buffer): void {
    if (this.closedAs !== null) return;
    this.out.push(body);
    this.enrol();
  }

  private enrol(): void {
    if (this.enrolled) return;
    this.enrolled = true;
    this.host.turn.defer(this);
  }

  flush(): void {
    this.enrolled = false;
    this.handled = 0;
    if (this.closedAs !== null) return;
    this.write();
    this.host.held.grown(this);
    if (this.closedAs !== null) return;
    if (this.finishing !== null && this.underWay === 0) return this.close(this.finishing);
    if (this.isFull(0)) this.pause();
    else this.resume();
    // The stream says 'drain' only where more than its own mark of 64 KiB was unwritten.
    if (this.whenDrained !== null && !this.socket.writableNeedDrain) this.runDrained();
  }

  private write(): void {
    this.host.stats.bytesOut += this.out.write();
  }

  private pause(): void {
    if (this.paused) return;
    this.paused = true;
    this.ws.pause();
  }

  /** Where there is room again: first for the messages that wait, then for what was not read. */
  private resume(): void {
    if (!this.paused || this.over || this.deep) return;
    if (this.waiting !== null) return this.takeUpLater();
    this.paused = false;
    // Whatever it said meanwhile was not read.
    this.heardAt = this.host.now();
    this.pingedAt = 0;
    this.ws.resume();
  }

  /** Not in the flush that made room: a turn with many events has many. */
  private takeUpLater(): void {
    if (this.takingUp) return;
    this.takingUp = true;
    setImmediate(this.takeUp);
  }

  private readonly takeUp = (): void => {
    this.takingUp = false;
    const { waiting } = this;
    if (waiting === null) return;
    this.handled = 0;
    while (this.waitingAt < waiting.length && this.mayHandle()) this.handle(waiting[this.waitingAt++]!);
    if (this.waitingAt === waiting.length) {
      this.waiting = null;
      this.waitingAt = 0;
      this.waitingBytes = 0;
    }
    if (!this.isFull(0)) this.resume();
  };

  /** Runs `then` once there is room again for what a slow client was not sent. */
  onceDrained(then: () => void): void {
    (this.whenDrained ??= new Set()).add(then);
  }

  private readonly onDrain = (): void => {
    const ping = this.unanswered;
    this.unanswered = null;
    if (ping !== null && this.closedAs === null) this.ws.pong(ping, false);
    this.runDrained();
    if (!this.isFull(0)) this.resume();
  };

  private runDrained(): void {
    const due = this.whenDrained;
    this.whenDrained = null;
    if (due !== null) for (const then of due) then();
  }

  private readonly onPing = (data: Buffer): void => {
    if (this.over) return;
    const now = this.host.now();
    this.heardAt = now;
    if (this.controls.happened(now) > CONTROLS_MAX) this.showOut(closeCauses.controls);
    // Who does not read gets no pongs to leave unread, but one for the latest ping once it reads (RFC 6455, 5.5.3).
    else if (this.socket.writableNeedDrain) this.unanswered = data;
    else this.ws.pong(data, false);
  };

  private readonly onPong = (): void => {
    if (this.over) return;
    const now = this.host.now();
    this.heardAt = now;
    this.pingedAt = 0;
    if (this.controls.happened(now) > CONTROLS_MAX) this.showOut(closeCauses.controls);
  };

  /** A call of this socket was refused by a limit. */
  refused(): void {
    const { maxRefusals } = this.host.settings();
    const refusals = this.refusals.happened(this.host.now());
    if (refusals > maxRefusals && maxRefusals > 0) this.finish(closeCauses.refusals);
  }

  /**
   * To be called again and again: asks a silent client for a sign of life; gives up one that gives none though it is read
   * from, and one that takes nothing of what it is sent.
   */
  sweep(now: number): void {
    if (this.closedAs !== null) return;
    const { pingIntervalMs, pongTimeoutMs, stalledMs, unfinishedMs } = this.host.settings();
    if (this.writes.stalledMs(this.socket, now) > stalledMs) return this.give(closeCauses.slow);
    if (!this.isFull(0)) {
      this.runDrained();
      this.resume();
    }
    // Its silence is ours.
    if (this.paused) return this.unfinished.forget();
    if (this.unfinished.ageMs(this.messages, now) > unfinishedMs) return this.showOut(closeCauses.unfinished);
    // Part of a message is a sign of life, too: nothing else can be sent before its end.
    if (this.socket.bytesRead !== this.bytesSeen) this.heardAt = now;
    this.bytesSeen = this.socket.bytesRead;
    if (this.pingedAt > 0) {
      if (this.heardAt > this.pingedAt) this.pingedAt = 0;
      else if (now - this.pingedAt > pongTimeoutMs) return this.give(closeCauses.silent);
    }
    if (this.pingedAt === 0 && now - this.heardAt > pingIntervalMs) {
      this.pingedAt = now;
      this.ws.ping();
    }
  }

  /** Reads no more; closes once what is under way is answered. */
  finish(cause: CloseCause): void {
    if (this.closedAs !== null || this.finishing !== null) return;
    this.over = true;
    this.finishing = cause;
    this.enrol();
  }

  /** Closes now: what was made is sent before the close frame. */
  close(cause: CloseCause): void {
    if (this.closedAs !== null) return;
    this.over = true;
    // What it is sent was not committed yet where the turn is not over.
    this.host.turn.commit();
    this.write();
    this.closedAs = cause;
    if (this.paused) this.ws.resume();
    this.ws.close(cause.code, cause.reason);
  }

  /** Closes it for what it did: it may go on doing it, so nothing more is read, not even its own close. */
  private showOut(cause: CloseCause): void {
    this.close(cause);
    this.stopReading(SHOWN_OUT_MS);
  }

  private stopReading(lastWordMs: number): void {
    // The library resumes it for the client's close, in this tick or the next.
    setImmediate(() => this.ws.pause());
    setTimeout(() => this.ws.terminate(), lastWordMs).unref();
  }

  /** Ends it without a word: nothing would reach the client. */
  private give(cause: CloseCause): void {
    this.over = true;
    this.closedAs = cause;
    this.ws.terminate();
  }

  /** What its client does not read in time, or others need more, is dropped. */
  cut(): void {
    if (this.closedAs === null) this.give(closeCauses.slow);
    else this.ws.terminate();
  }

  /** Ends it at once, with a word why where one can still reach the client. */
  end(cause: CloseCause): void {
    this.close(cause);
    this.stopReading(ENDED_MS);
  }

  /** What the client sent is against the protocol's rules: the library closes with the code that says so. */
  private readonly onFault = (error: NodeJS.ErrnoException): void => {
    const code = faultCodes[error.code ?? ''];
    if (code === undefined || this.closedAs !== null) return;
    this.over = true;
    this.closedAs = { code, reason: '', label: 'protocol' };
    this.stopReading(SHOWN_OUT_MS);
  };

  private readonly onClose = (code: number, reason: Buffer): void => {
    const cause = this.closedAs;
    this.over = true;
    // Its own reason is no word of ours: for operators.
    const said = cause ?? { code, reason: reason.toString('utf8'), label: 'client' };
    this.closedAs = said;
    this.out.clear();
    this.waiting = null;
    this.whenDrained = null;
    this.host.closed(this, said);
  };
}
