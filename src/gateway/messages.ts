import type { Violations } from '../admission/index.ts';
import type { PolicySnapshot, RedisSettings } from '../config/index.ts';
import type { TlsFiles } from '../http/index.ts';
import type { BucketNeed, LimitsMemory, QuotaNeed } from '../limits/index.ts';
import type { FiguresMemory } from '../metrics/index.ts';
import type { BoardMemory } from '../upstream/index.ts';
import type { FromHub, ToHub } from '../websocket/index.ts';
import type { DecisionRecord } from './decisions/decision.ts';
import type { WorkerEvent } from './event-fold.ts';

/** What a worker thread is started with (`workerData`). */
export interface WorkerStart {
  slot: number;
  /** How many workers this slot had before. */
  start: number;
  /** How many workers there are. */
  workers: number;
  /** This process among others; a request that carries it back to us has gone in a circle. */
  instanceId: string;
  /** Of this run; the first part of request ids. */
  bootId: string;
  snapshot: PolicySnapshot;
  limits: LimitsMemory;
  /** Health of upstreams and heads of networks, which all threads share. */
  board: BoardMemory;
  /** Addresses that are banned; main alone writes it. */
  bans: SharedArrayBuffer;
  /** This slot's counters. */
  slab: SharedArrayBuffer;
  /** And what it counts by name. */
  figures: FiguresMemory;
  /** Open connections of all workers. */
  connections: SharedArrayBuffer;
  listen: { host: string; port: number; reusePort: boolean };
  tls: TlsFiles | null;
  /** Where its usage goes; null: it is counted, and kept nowhere. */
  journal: { folder: string; run: string } | null;
  /** Where buckets are that other instances have as well; null: none has. */
  redis: RedisSettings | null;
  /** One read buffer for all plain connections; default true. */
  sharedReads?: boolean;
}

export type ToWorker =
  | { type: 'policy'; snapshot: PolicySnapshot }
  /** Entries of the key index changed. Calls see that by themselves; sockets that say nothing do not. */
  | { type: 'keys' }
  | { type: 'tls'; cert: string; key: string }
  /** Accept nothing new, finish what is under way within `deadlineMs`, then end. */
  | { type: 'drain'; deadlineMs: number }
  | { type: 'explain'; ask: number; requestId: string }
  | { type: 'hub'; message: FromHub }
  /** Needs that were seen to, granted or not: whoever waits may try again. */
  | { type: 'leased'; needs: number[] };

export type FromWorker =
  | { type: 'ready'; port: number }
  | { type: 'applied'; generation: number }
  | { type: 'log'; lines: LogLine[] }
  | { type: 'explained'; ask: number; records: DecisionRecord[] }
  | { type: 'hub'; message: ToHub }
  | { type: 'events'; events: WorkerEvent[] }
  /** Leases that run low or lack; one message a turn. `waiting` is the caller's number for the need; 0: nobody waits. */
  | { type: 'leases'; needs: { waiting: number; need: BucketNeed | QuotaNeed }[] }
  /** Its journal's disk is full, or takes bytes again. */
  | { type: 'journal'; full: boolean; reason: string }
  /** What callers did wrong since the last beat, where the policy bans for it. */
  | { type: 'violations'; violations: Violations }
  | { type: 'drained' };

/** One line that main writes for a worker. Never holds a key. */
export interface LogLine {
  level: 'debug' | 'info' | 'warn' | 'error';
  msg: string;
  /** `access` for lines of the sampled access log. */
  kind: 'access' | 'worker';
  fields: Record<string, unknown>;
  /** Monotonic microseconds of what it tells of, which main writes as the field `at`. */
  atMicros?: number;
}
