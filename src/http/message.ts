import type { RefusalCode } from '../jsonrpc/index.ts';

/** The other end of one client connection. */
export interface Peer {
  /** As the kernel says it: no proxy's word. Empty if the connection is gone already. */
  readonly address: string;
  /** The handler's own memory of this connection: who was calling last. */
  memo: unknown;
}

/** What a request says of where it goes and who sent it. */
export interface RequestWords {
  /** Origin form, as sent: `/eth/KEY?x=y`. */
  readonly target: string;
  readonly apiKey: string | undefined;
  readonly authorization: string | undefined;
  readonly origin: string | undefined;
  readonly forwardedFor: string | undefined;
  readonly forwarded: string | undefined;
  /** The caller's own `X-Request-Id`. */
  readonly requestId: string | undefined;
  readonly contentEncoding: string | undefined;
}

/**
 * One HTTP request, whole, from whichever parser read it. Valid only while it is being handled: the lane
 * reuses the object, and the buffer behind `bytes`, for the connection's next request.
 */
export interface HttpRequest extends RequestWords {
  readonly method: string;
  readonly peer: Peer;
  readonly lane: HttpLane;
  /** The body is `bytes[bodyStart, bodyEnd)`. */
  bytes: Buffer;
  bodyStart: number;
  bodyEnd: number;
}

/** Where the answer to one request goes. Exactly one `send` for each request, at any time. */
export interface Reply {
  /**
   * @param headers whole lines, each ended by CRLF, latin1
   * @param body latin1 text or bytes; its length becomes Content-Length. Empty with a 204.
   */
  send(status: number, headers: string, body: string | Buffer): void;
  /** Whether the caller has gone: the answer will reach nobody. */
  readonly abandoned: boolean;
}

export type RequestHandler = (request: HttpRequest, reply: Reply) => void;

/** Which parser read a request. */
export type HttpLane = 'fast' | 'fallback';

/** Whom HTTP itself refuses. `origin` is the page's, and the rest a proxy's word of who calls, where that much was read. */
export interface RefusedPeer {
  readonly address: string;
  readonly lane: HttpLane;
  readonly origin?: string | undefined;
  readonly forwardedFor?: string | undefined;
  readonly forwarded?: string | undefined;
}

/** What HTTP itself refuses (no request was understood): status, header lines and body of the answer. */
export type RefuseHttp = (
  code: RefusalCode,
  from: RefusedPeer,
) => { status: number; headers: string; body: string };

/** Bounds of one HTTP front, in bytes and milliseconds; connections are counted over all workers. */
export interface HttpSettings {
  maxBodyBytes: number;
  maxHeaderBytes: number;
  /** From the first byte of a head to its end. */
  headerTimeoutMs: number;
  /** From the first byte of a request to the last of its body. */
  requestTimeoutMs: number;
  /** A connection without a request. */
  idleTimeoutMs: number;
  maxConnections: number;
  maxConnectionsPerAddress: number;
  /** By what a peer's connections are counted, its address or IPv6 network; undefined: by nothing, a trusted proxy. */
  countedAs: (peerAddress: string) => Uint8Array | undefined;
  /** Whether a connection from this peer is closed as it comes. */
  isBanned: (peerAddress: string) => boolean;
}

/** Counts of one HTTP front since it began; `connections` is a gauge. */
export interface HttpStats {
  connections: number;
  accepted: number;
  /** Refused at accept, over a bound. */
  refusedConnections: number;
  /** Closed at accept without a word: the peer is banned. */
  bannedConnections: number;
  /** Connections given to node:http. */
  handedOver: number;
  timedOut: number;
  bytesIn: number;
  bytesOut: number;
}

export function noHttpStats(): HttpStats {
  return {
    connections: 0,
    accepted: 0,
    refusedConnections: 0,
    bannedConnections: 0,
    handedOver: 0,
    timedOut: 0,
    bytesIn: 0,
    bytesOut: 0,
  };
}

/** Requests of one connection under way at once; beyond it reading waits, until half of them are answered. */
export const PIPELINE_DEPTH_MAX = 128;
export const PIPELINE_DEPTH_RESUME = PIPELINE_DEPTH_MAX / 2;
/** Bytes a client may leave unread before we stop reading its requests. */
export const UNREAD_BYTES_MAX = 1 << 20;
/** Bytes of answers that all clients of a worker together may leave unread; see `HeldAnswers`. */
export const HELD_BYTES_MAX = 256 << 20;
