import type { CloudEvent } from './event.ts';

/** One event on its way to one sink. */
export interface Delivery {
  event: CloudEvent;
  /** The event as JSON, the same bytes at each attempt: what is sent and signed. */
  body: string;
  /** From 1. */
  attempt: number;
  /** Epoch milliseconds of this attempt. */
  atMs: number;
}

/** What became of one delivery. */
export type DeliveryResult =
  | { kind: 'delivered' }
  /** To be tried again by the schedule, not before `retryAfterMs` (the receiver’s own wish; null: it has none). */
  | { kind: 'retry'; problem: string; retryAfterMs: number | null }
  /** Will never be taken: kept as a dead letter. */
  | { kind: 'rejected'; problem: string }
  /** The receiver wants nothing any more (410): the sink is turned off until the config changes. */
  | { kind: 'gone'; problem: string };

/** Where events go: one kind a file in `sinks/`. */
export interface Sink {
  /** Deliveries that one call of {@link deliver} takes; 1 for most. */
  readonly batchMax: number;
  /** One result for each, in order. Rejects only by a fault of its own, which counts as a retry. Ends soon after `signal`. */
  deliver(deliveries: readonly Delivery[], signal: AbortSignal): Promise<DeliveryResult[]>;
  close(): Promise<void>;
}

/** An HTTP request of a sink. Redirects are not followed; the whole exchange ends within `timeoutMs`. */
export interface SinkRequest {
  url: string;
  method?: 'POST' | 'PUT';
  headers: Record<string, string>;
  body: string;
  /** Default 10 000. */
  timeoutMs?: number;
  /** Private, loopback and link-local addresses too. */
  allowPrivate: boolean;
}

/** `body`: its first 4 KiB. */
export interface SinkResponse {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/**
 * HTTP for sinks: the name is resolved, every address checked, and the connection made to one that was checked. Rejects with
 * HttpProblem: `code` says what happened (`refused_address`, `timeout`, `connect`, `tls`, `broken`).
 */
export type SinkHttp = (request: SinkRequest, signal: AbortSignal) => Promise<SinkResponse>;

/** What sinks are made with. */
export interface SinkDeps {
  http: SinkHttp;
  /** Standard output, a line at a time. */
  write(line: string): void;
  epochMs(): number;
  random(): number;
}
