import type { UpstreamPolicy } from '../config/index.ts';
import type { Turn } from '../http/index.ts';
import type { Answer } from './answer.ts';

/**
 * What the pool needs of a call. Byte ranges are valid only during the pool's `send`: by then its text has been
 * taken out of them, or nobody needs it any more.
 */
export interface UpstreamCall {
  /** The JSON object as the caller sent it, in [start, end). Already found to be a valid request. */
  bytes: Buffer;
  start: number;
  end: number;
  /** The id's raw value inside it; -1 for a notification. */
  idStart: number;
  idEnd: number;
  /**
   * Idempotent: may be pipelined, and sent again where a connection failed before its answer began, or its batch's answer
   * was none; once, and only while it has been written once in all.
   */
  safe: boolean;
  /** May share a JSON-RPC batch with other callers' calls. */
  cheap: boolean;
  method: string;
  /**
   * May it be sent again? `safe`: to any node. `transaction`: a signed transaction, which its hash makes the same
   * wherever it goes: never to one node twice. `never`: only where not one byte of it was written.
   */
  retry: 'safe' | 'transaction' | 'never';
  /** May use what is held in reserve when calls are shed. */
  critical: boolean;
  /** Whose it is, for bounds on one caller's calls in flight; 0: nobody's in particular. */
  readonly caller: number;
  /** The call as latin1 text, with its id in [idAt, idTo), -1 for a notification. Set by the first `Upstream.send`: '' before. */
  text: string;
  idAt: number;
  idTo: number;
  /** Its decision will be shown: the pool keeps a trace. */
  readonly traced: boolean;
  /** Index of the upstream that answered, or was asked last; -1 before. Set by the pool, as is the trace. */
  via: number;
  /** How often it was written to a node: the pool begins with 0, each write adds one. */
  attempts: number;
  /** When it last was, in monotonic microseconds; 0: never. Set by the pool. */
  sentAt: number;
  /** Where `traced`, and for each call that took more than one attempt. */
  trace: DeliveryTrace | null;
  /**
   * Exactly one of `answered` and `failed` is called, once, never inside `send`. `bytes` are valid only
   * during this call: one well-formed JSON-RPC answer, its id at [idStart, idEnd) to be replaced by the
   * caller's. An empty range (start === end) for a notification. `resultStart`: where its result begins, where that is
   * known.
   */
  answered(
    bytes: Buffer,
    start: number,
    end: number,
    idStart: number,
    idEnd: number,
    isError: boolean,
    resultStart?: number,
  ): void;
  failed(failure: UpstreamFailure): void;
}

/** How a call came to its answer, for explain; plain data. */
export interface DeliveryTrace {
  /** In order. */
  attempts: {
    upstream: string;
    /** Why it was chosen: `only one`, `least loaded`, `retry`, `hedge`, `fallback`, … */
    why: string;
    /** Milliseconds from the call's arrival at the pool to this attempt's start, and what it took. */
    startedMs: number;
    ms: number;
    /** null: it brought the answer. */
    failure: string | null;
  }[];
  /** The upstreams weighed for the first attempt, and why those passed over were. */
  weighed: { upstream: string; score: number | null; passedOver: string | null }[];
}

/**
 * What went wrong, for counting and for deciding what to do next; stable.
 * - `connect`: no connection came about, or the upstream is being closed
 * - `overloaded`: too many calls waited for a connection, or this one waited too long
 * - `timeout`: a deadline passed after the call was written
 * - `reset`: the connection ended before the answer began; `truncated`: in the middle of it
 * - `oversized`: over `maxResponseBytes`; `http`: no sound HTTP otherwise
 * - `status`: an HTTP status in place of an answer; `answer`: not the answer to this call
 * - `throttled`: HTTP 429, or 503 with Retry-After, without a result
 */
export type FailureKind =
  | 'connect'
  | 'overloaded'
  | 'timeout'
  | 'reset'
  | 'truncated'
  | 'oversized'
  | 'http'
  | 'status'
  | 'answer'
  | 'throttled';

/** Why there is no answer. */
export interface UpstreamFailure {
  /** Entry of the error table: what the caller is told. */
  code: 'no_upstream' | 'upstream_timeout' | 'upstream_invalid' | 'overloaded';
  kind: FailureKind;
  /** For logs and explain, never for the caller: `connect ECONNREFUSED`, `truncated`, `HTTP 500`. */
  reason: string;
  /**
   * `no`: not one byte of the call was written to the node, or the node said over HTTP/2 that it did not look at it.
   * `maybe`: the node may have run it.
   */
  delivered: 'no' | 'maybe';
  /** Of `throttled`: what the node asked for in Retry-After, 0 to an hour; absent where it did not. */
  retryAfterMs?: number;
}

/**
 * Who is told what became of each `Upstream.send`: by exactly one of the two, once, never inside `send`, unless the
 * call was cancelled before.
 */
export interface UpstreamObserver {
  /**
   * `bytes` are valid only during this call; `answer` too, which says where in them the one well-formed JSON-RPC answer
   * is: an empty one for a notification. `errorCode` is the error's, NaN without an error or where it is no number.
   */
  answered(upstream: Upstream, call: UpstreamCall, bytes: Buffer, answer: Answer, errorCode: number): void;
  failed(upstream: Upstream, call: UpstreamCall, failure: UpstreamFailure): void;
}

/** State and totals of one upstream in one worker; plain data. */
export interface UpstreamStats {
  name: string;
  /** The configured mode, or `single` while the node refuses batches. */
  mode: UpstreamPolicy['mode'];
  /** The node refused a batch and calls go singly for a while. */
  batchesRefused: boolean;
  /** Open connections, those being opened included. */
  connections: number;
  connecting: number;
  idle: number;
  /** Calls written and not yet answered. */
  inFlight: number;
  /** Calls waiting for a connection. */
  queued: number;
  /** Totals since start. */
  opened: number;
  sent: number;
  answered: number;
  failed: number;
  /** Calls that nobody wanted to hear of any more. */
  cancelled: number;
  /** Calls written to the node once more on another connection. */
  retried: number;
  /** HTTP requests written; one may carry a batch. */
  exchanges: number;
  /** Bytes read from and written to connections, heads included, TLS not. */
  bytesIn: number;
  bytesOut: number;
}

/** One node as one worker sees it. */
export interface Upstream {
  readonly policy: UpstreamPolicy;
  /** Calls sent, waiting for a connection or under way, and not yet told of. */
  readonly inFlight: number;
  /**
   * Never throws; the observer is told what becomes of the call. Sets its `text` if that is '' still, and reads its bytes
   * only then. A call may be under way at several upstreams, at each once.
   */
  send(call: UpstreamCall): void;
  /**
   * Nothing more is told of this call's `send`, which may be followed by another. If it was not written it never will be.
   * Else, over HTTP/2, its stream is reset at once; over HTTP/1.1 its exchange runs to its end, for a second at most, after
   * which the connection is closed; one that carries other calls, too, as long as they need it. Nothing happens where it
   * is not under way.
   */
  cancel(call: UpstreamCall): void;
  /**
   * Takes over a new policy between two calls. The same address, TLS and CA keep their connections; else idle ones
   * close and busy ones close after what they carry. Throws on headers that cannot be sent.
   */
  update(policy: UpstreamPolicy): void;
  /**
   * Refuses new calls, lets those under way finish for up to `graceMs` milliseconds, fails the rest and
   * closes every connection. Resolves when none is left.
   */
  close(graceMs: number): Promise<void>;
  stats(): UpstreamStats;
}

export interface UpstreamDeps {
  turn: Turn;
  /** Monotonic microseconds. */
  now: () => number;
  observer: UpstreamObserver;
  /** Told +1 for each call that is cancelled while the node has it, and -1 as soon as it has not any more. */
  lingering?: (change: 1 | -1) => void;
  /** Milliseconds since 1970, for dates that nodes send; `Date.now` by default. */
  wallMs?: () => number;
}
