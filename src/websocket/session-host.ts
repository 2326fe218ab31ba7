import type { HeldAnswers, Turn } from '../http/index.ts';
import type { CloseCause } from './close-codes.ts';

/** Bounds of sockets, in bytes and milliseconds; read at each use, so that a reload acts on open ones. */
export interface SocketSettings {
  sendBufferBytes: number;
  /** How long a client may take without reading anything of what waits for it. */
  stalledMs: number;
  /** How long one message may take from its first byte to its last. */
  unfinishedMs: number;
  maxRefusals: number;
  pingIntervalMs: number;
  pongTimeoutMs: number;
  conflate: boolean;
  compression: boolean;
  /** One that is lowered acts on open sockets, too; one that is raised on those to come. */
  maxMessageBytes: number;
}

/** Totals of a worker's sockets since it began. */
export interface SessionStats {
  bytesOut: number;
}

/** What a session needs of its worker. */
export interface SessionHost<Session> {
  readonly turn: Turn;
  readonly held: Pick<HeldAnswers, 'grown'>;
  /** Counted as it happens. */
  readonly stats: SessionStats;
  settings(): SocketSettings;
  /** Milliseconds on any steady clock, above 0. */
  now(): number;
  /** A message came, of so many bytes: said of each at once, also of one that waits or is dropped. */
  received(bytes: number): void;
  /** A whole message; `session.answer` is to be called once for it. The bytes are the callee's. */
  message(session: Session, bytes: Buffer): void;
  /** `message` threw; the socket is closed. */
  failed(session: Session, error: unknown): void;
  /** Once, when it is gone. */
  closed(session: Session, cause: CloseCause): void;
}
