import type {
  FailureKind,
  Upstream,
  UpstreamCall,
  UpstreamDeps,
  UpstreamFailure,
  UpstreamObserver,
  UpstreamStats,
} from './call.ts';
import { failureOf } from './failure.ts';
import type { Answer } from './answer.ts';
import { idAfter, Pending, takeText } from './pending.ts';

/** The calls of one upstream from `send` on: each is told of once, unless it is cancelled. */
export class CallsUnderWay {
  /** How many. */
  size = 0;
  readonly totals: Pick<UpstreamStats, 'sent' | 'answered' | 'failed' | 'cancelled' | 'retried'> = {
    sent: 0,
    answered: 0,
    failed: 0,
    cancelled: 0,
    retried: 0,
  };
  private last: Pending | null = null;
  private nextId = 1;
  private readonly upstream: Upstream;
  private readonly observer: UpstreamObserver;
  private readonly lingering: (change: 1 | -1) => void;

  constructor(upstream: Upstream, { observer, lingering = () => {} }: UpstreamDeps) {
    this.upstream = upstream;
    this.observer = observer;
    this.lingering = lingering;
  }

  take(call: UpstreamCall, deadlineMs: number): Pending {
    if (call.text === '') takeText(call);
    let id = 0;
    if (call.idAt >= 0) {
      id = this.nextId;
      this.nextId = idAfter(id);
    }
    const pending = new Pending(call, id, deadlineMs);
    const { last } = this;
    if (last !== null) {
      last.next = pending;
      pending.previous = last;
    }
    this.last = pending;
    this.size++;
    return pending;
  }

  answered(pending: Pending, bytes: Buffer, answer: Answer): void {
    if (pending.over) return this.ended(pending);
    this.leave(pending);
    this.totals.answered++;
    const { upstream, observer } = this;
    if (answer.errorStart < 0) observer.answered(upstream, pending.call, bytes, answer, Number.NaN);
    else observer.answered(upstream, pending.call, bytes, answer, answer.errorCode);
  }

  failed(
    pending: Pending,
    kind: FailureKind,
    reason: string,
    delivered: UpstreamFailure['delivered'],
    retryAfterMs?: number,
  ): void {
    if (pending.over) return this.ended(pending);
    this.leave(pending);
    this.totals.failed++;
    this.observer.failed(this.upstream, pending.call, failureOf(kind, reason, delivered, retryAfterMs));
  }

  /** The call's pending one, of which nothing will be told any more; undefined if there is none. */
  cancel(call: UpstreamCall): Pending | undefined {
    let pending = this.last;
    while (pending !== null && pending.call !== call) pending = pending.previous;
    if (pending === null) return undefined;
    this.leave(pending);
    this.totals.cancelled++;
    if (pending.carrier === null) return pending;
    pending.lingers = true;
    this.lingering(1);
    pending.carrier.cancelled(pending);
    return pending;
  }

  /** The exchange of a call that nobody waits for is over. */
  ended(pending: Pending): void {
    if (!pending.lingers) return;
    pending.lingers = false;
    this.lingering(-1);
  }

  /** A list through the calls themselves costs no memory of its own, and no look-up where a call just ends. */
  private leave(pending: Pending): void {
    pending.over = true;
    this.size--;
    const { previous, next } = pending;
    if (previous !== null) previous.next = next;
    if (next !== null) next.previous = previous;
    else this.last = previous;
    pending.previous = null;
    pending.next = null;
  }
}
