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

/** What a connection needs of the upstream it belongs to; `C` is the connection. */
export interface ConnectionOwner<C> extends CallOwner {
  readonly policy: UpstreamPolicy;
  /** Head of a request up to the digits of its Content-Length. */
  readonly head: string;
  /** Coarse monotonic milliseconds. */
  readonly nowMs: number;
  readonly traffic: Traffic;
  /** It can carry a call: it has just been opened, or has just answered all it carried. */
  ready(connection: C): void;
  /** It is over and carries nothing more; the fate of what it carried is told separately. */
  gone(connection: C): void;
  connectFailed(reason: string): void;
}
