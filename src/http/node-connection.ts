import type { Socket } from 'node:net';
import type { AnswerHolder } from './held-answers.ts';
import { type Peer, PIPELINE_DEPTH_MAX, PIPELINE_DEPTH_RESUME } from './message.ts';
import { StalledWrites } from './stalled-writes.ts';

/** One client connection while node:http serves it. */
export class NodeConnection implements Peer, AnswerHolder {
  readonly address: string;
  readonly lane = 'fallback';
  memo: unknown = undefined;
  /** What it sends is no HTTP: nothing of it is read any more. */
  failed = false;
  /** An answer ends it: no request that node:http still reads on it is served, since its answer could not leave. */
  closing = false;
  heldBytes = 0;
  private readonly socket: Socket;
  private readonly writes = new StalledWrites();
  /** Requests not answered yet. */
  private underWay = 0;
  private last: { complete: boolean } | undefined;
  private paused = false;
  private whenAnswered: (() => void) | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    this.address = socket.remoteAddress ?? '';
  }

  /** A request's head was read. node:http itself reads on, however many wait for their answers. */
  began(request: { complete: boolean }): void {
    this.underWay++;
    this.last = request;
    if (this.underWay < PIPELINE_DEPTH_MAX || this.paused) return;
    this.paused = true;
    // Not at once: the stream may have planned to read more, and would start the socket again behind the pause.
    process.nextTick(() => {
      if (this.paused) this.socket.pause();
    });
  }

  /** The last request is answered without its body: whatever comes of that, an answer is on its way. */
  refused(): void {
    this.closing = true;
    this.last = undefined;
  }

  /** Whether the answer to `request` ends the connection: where that is wanted and no request came after it. */
  endsWith(request: { complete: boolean }, wanted: boolean): boolean {
    if (request !== this.last) return false;
    if (wanted) this.closing = true;
    return this.closing;
  }

  get idle(): boolean {
    return this.underWay === 0;
  }

  /** Cuts a client that takes nothing of its answers. */
  sweep(now: number, stalledMsMax: number): void {
    if (this.writes.stalledMs(this.socket, now) > stalledMsMax) this.cut();
  }

  cut(): void {
    this.heldBytes = 0;
    this.closing = true;
    this.socket.destroy();
  }

  /** A request was answered, with so many bytes, or its connection is gone. */
  finished(bytes: number): void {
    this.underWay--;
    this.heldBytes = Math.max(0, this.heldBytes - bytes);
    if (this.paused && this.underWay <= PIPELINE_DEPTH_RESUME) {
      this.paused = false;
      this.socket.resume();
    }
    if (this.answered()) this.whenAnswered?.();
  }

  /** Runs `then` once every request that will be answered has been. */
  afterAnswers(then: () => void): void {
    if (this.answered()) then();
    else this.whenAnswered = then;
  }

  /** A request whose body was cut short gets no answer of its own. */
  private answered(): boolean {
    return this.underWay === (this.last === undefined || this.last.complete ? 0 : 1);
  }
}

const connections = new WeakMap<object, NodeConnection>();

export function nodeConnectionOf(socket: Socket): NodeConnection {
  let connection = connections.get(socket);
  if (connection === undefined) {
    connection = new NodeConnection(socket);
    connections.set(socket, connection);
  }
  return connection;
}
