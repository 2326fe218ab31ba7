import type { UpstreamPolicy } from '../config/index.ts';
import type { Turn } from '../http/index.ts';

/**
 * What the pool needs of a call. Byte ranges are valid only during `send`: the pool takes what it needs
 * before it returns.
 */
export interface UpstreamCall {
  /** The JSON object as the caller sent it, in [start, end). Already found to be a valid request. */
  bytes: Buffer;
  start: number;
  end: number;
  /** The id's raw value inside it; -1 for a notification. */
  idStart: number;
  idEnd: number;
  /** Idempotent: may be pipelined, and sent again where a connection failed before its answer began. */
  safe: boolean;
  /** May share a JSON-RPC batch with other callers' calls. */
  cheap: boolean;
  method: string;
  /** Set by the pool: how often the call was written to a node, and when it last was, in monotonic microseconds. */
  attempts: number;
  sentAt: number;
  /**
   * Exactly one of `answered` and `failed` is called, once, never inside `send`. `bytes` are valid only
   * during this call: one well-formed JSON-RPC answer, its id at [idStart, idEnd) to be replaced by the
   * caller's. An empty range (start === end) for a notification.
   */
  answered(bytes: Buffer, start: number, end: number, idStart: number, idEnd: number, isError: boolean): void;
  failed(failure: UpstreamFailure): void;
}

/**
 * What went wrong, for counting and for deciding what to do next; stable.
 * - `connect`: no connection came about, or the upstream is being closed
 * - `overloaded`: too many calls waited for a connection, or this one waited too long
 * - `timeout`: a deadline passed after the call was written
 * - `reset`: the connection ended before the answer began; `truncated`: in the middle of it
 * - `oversized`: over `maxResponseBytes`; `http`: no sound HTTP otherwise
 * - `status`: an HTTP status in place of an answer; `answer`: not the answer to this call
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
  | 'answer';

/** Why there is no answer. */
export interface UpstreamFailure {
  /** Entry of the error table: what the caller is told. */
  code: 'no_upstream' | 'upstream_timeout' | 'upstream_invalid' | 'overloaded';
  kind: FailureKind;
  /** For logs and explain, never for the caller: `connect ECONNREFUSED`, `truncated`, `HTTP 500`. */
  reason: string;
  /** `no`: not one byte of the call was written to the node. `maybe`: the node may have run it. */
  delivered: 'no' | 'maybe';
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
  /** Never throws; what becomes of the call is told through its `answered` or `failed`. */
  send(call: UpstreamCall): void;
  /**
   * Takes over a new policy between two calls. The same host, port and TLS keep their connections; else
   * idle ones close and busy ones close after what they carry. Throws on headers that cannot be sent.
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
  /** This process among others; sent as `x-polymorph-hop`, so that a loop is found out. */
  instanceId: string;
  /** PEM certificates to trust for a TLS upstream in place of the system's. */
  ca?: string;
}
