import type { OutgoingHttpHeaders } from 'node:http2';
import type { UpstreamPolicy } from '../config/index.ts';
import type { Answer } from './answer.ts';
import type { FailureKind, UpstreamFailure } from './call.ts';
import type { Pending } from './pending.ts';

/** What the connections of one upstream count together, since start. */
export interface Traffic {
  exchanges: number;
  bytesIn: number;
  bytesOut: number;
}

/** Who hears what became of calls that were written. */
export interface CallOwner {
  /** To another connection, alone. */
  sendAgain(pending: Pending): void;
  /** The node takes no batches; the calls of this one are sent again. */
  batchRefused(): void;
  /** What came in place of a batch's answer was none; or one came. */
  batchSpoiled(): void;
  batchTaken(): void;
  answered(pending: Pending, bytes: Buffer, answer: Answer): void;
  /** @param retryAfter what the node's Retry-After says, '' where it is absent */
  failed(
    pending: Pending,
    kind: FailureKind,
    reason: string,
    delivered: UpstreamFailure['delivered'],
    retryAfter?: string,
  ): void;
}

/** What can carry calls: an HTTP/1.1 connection that carries none, or an HTTP/2 one that carries less than it may. */
export interface Carrier {
  /** Coarse milliseconds: since when the node may have closed it for being idle. */
  readonly sinceMs: number;
  /** Has not been ready yet. Kept by the owner, which counts them. */
  fresh: boolean;
  carry(pending: Pending): void;
  carryPipelined(calls: Pending[]): void;
  carryBatch(calls: Pending[]): void;
  /** A call that it carries is wanted no more. Where that holds for all of an exchange, it is broken off: at once, or after a grace. */
  cancelled(pending: Pending): void;
}

/** All connections of one HTTP version to one node. */
export interface Carriers<C extends Carrier> {
  /** Those that can carry a call now. */
  readonly idle: {
    /** How many carry nothing. */
    readonly size: number;
    peek(): C | undefined;
    pop(): C | undefined;
    push(carrier: C, nowMs: number): void;
  };
  readonly size: number;
  /** On their way to being open; opened since start. */
  readonly connecting: number;
  readonly opened: number;
  /** No more may be opened. */
  readonly full: boolean;
  /** Calls written and not yet answered. */
  readonly inFlight: number;
  /** Opens what so many exchanges that wait will need, as far as the bound allows. */
  open(wanted: number): void;
  /** It can carry calls: no longer on its way. */
  arrived(carrier: C): void;
  remove(carrier: C): void;
  /** Ends exchanges that let a deadline pass by `nowMs`, and idle connections that nobody needs. */
  sweep(nowMs: number): void;
  /** Each closes as soon as it carries nothing, and is given no more. */
  retire(): void;
  destroy(reason: string): void;
}

/** What a connection needs of the upstream it belongs to; `C` is the connection. */
export interface ConnectionOwner<C> extends CallOwner {
  readonly policy: UpstreamPolicy;
  /** Head of a request up to the digits of its Content-Length. */
  readonly head: string;
  /** Headers of an HTTP/2 request, all but `content-length`. */
  readonly http2Head: OutgoingHttpHeaders;
  /** Calls that wait for a connection. */
  readonly waiting: number;
  /** Coarse monotonic milliseconds. */
  readonly nowMs: number;
  readonly traffic: Traffic;
  /** It can carry a call: it has just been opened, or has just answered all it carried. */
  ready(connection: C): void;
  /** It is over and carries nothing more; the fate of what it carried is told separately. */
  gone(connection: C): void;
  connectFailed(reason: string): void;
  /** Opens what waiting calls ask for: one that could have carried them no longer can. */
  openMore(): void;
}
