import type { Socket } from 'node:net';
import { type Peer, PIPELINE_DEPTH_MAX, PIPELINE_DEPTH_RESUME } from './message.ts';

/** One client connection while node:http serves it. */
export class NodeConnection implements Peer {
  readonly address: string;
  memo: unknown = undefined;
  /** What it sends is no HTTP: nothing of it is read any more. */
  failed = false;
  private readonly socket: Socket;
  /** Requests not answered yet; those whose body is not complete are the last of them. */
  private underWay = 0;
  private incomplete = 0;
  private paused = false;
  private whenAnswered: (() => void) | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    this.address = socket.remoteAddress ?? '';
  }

  /** A request's head was read. node:http itself reads on, however many wait for their answers. */
  began(): void {
    this.underWay++;
    this.incomplete = 1;
    if (this.underWay < PIPELINE_DEPTH_MAX || this.paused) return;
    this.paused = true;
    this.socket.pause();
  }

  /** The last request's body was read. */
  whole(): void {
    this.incomplete = 0;
  }

  /** A request was answered, or its connection is gone. */
  finished(): void {
    this.underWay--;
    if (this.paused && this.underWay <= PIPELINE_DEPTH_RESUME) {
      this.paused = false;
      this.socket.resume();
    }
    if (this.underWay <= this.incomplete) this.whenAnswered?.();
  }

  /** Runs `then` once every request that was wholly read has been answered. */
  afterAnswers(then: () => void): void {
    if (this.underWay <= this.incomplete) then();
    else this.whenAnswered = then;
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
