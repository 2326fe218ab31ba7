import type { UpstreamPolicy } from '../config/index.ts';
import type { UpstreamCall } from './call.ts';
import type { Pending } from './pending.ts';
import type { WaitQueue } from './wait-queue.ts';

/** How long calls go singly after the node refused a batch. */
const BATCHES_REFUSED_MS = 60_000;
/** Batches in a row without an answer to be made out: each call of them was sent twice. */
const SPOILED_MAX = 2;

/** Which calls may share a connection's exchange, as pipelined requests or as one batch, and how many of them. */
export class Grouping {
  private policy: UpstreamPolicy;
  private refusedUntilMs = Number.NEGATIVE_INFINITY;
  private spoiledInRow = 0;

  constructor(policy: UpstreamPolicy) {
    this.policy = policy;
  }

  update(policy: UpstreamPolicy): void {
    this.policy = policy;
  }

  refuseBatches(nowMs: number): void {
    this.refusedUntilMs = nowMs + BATCHES_REFUSED_MS;
  }

  /** One call may spoil one batch; a node that spoils them all takes none. */
  batchSpoiled(nowMs: number): void {
    if (++this.spoiledInRow >= SPOILED_MAX) this.refuseBatches(nowMs);
  }

  batchTaken(): void {
    this.spoiledInRow = 0;
  }

  batchesRefused(nowMs: number): boolean {
    return this.policy.mode === 'batched' && nowMs < this.refusedUntilMs;
  }

  /** Must the call have an exchange of its own? So must what cannot be sent again if another call spoils it. */
  goesAlone(call: UpstreamCall, nowMs: number): boolean {
    const { mode, http2 } = this.policy;
    // Streams of HTTP/2 need no pipeline.
    if (mode === 'single' || (http2 && mode === 'pipelined') || !call.safe || call.idAt < 0) return true;
    return mode === 'batched' && (!call.cheap || nowMs < this.refusedUntilMs);
  }

  sizeMax(nowMs: number): number {
    return this.policy.mode === 'single' || this.batchesRefused(nowMs) ? 1 : this.policy.batch.maxSize;
  }

  /** End of the longest run from `from` that one exchange may carry. */
  runEnd(calls: Pending[], from: number, nowMs: number): number {
    const sizeMax = this.sizeMax(nowMs);
    let to = from + 1;
    let bytes = calls[from]!.body.length;
    while (to < calls.length && to - from < sizeMax) {
      bytes += calls[to]!.body.length + 1;
      if (bytes > this.policy.batch.maxBytes) break;
      to++;
    }
    return to;
  }

  /** Takes the run at the head of the queue. */
  takeRun(queue: WaitQueue, nowMs: number): Pending[] {
    const sizeMax = this.sizeMax(nowMs);
    const calls: Pending[] = [];
    let bytes = 0;
    for (let next = queue.peek(); next !== undefined && calls.length < sizeMax; next = queue.peek()) {
      bytes += next.body.length + 1;
      if (calls.length > 0 && (next.alone || bytes > this.policy.batch.maxBytes)) break;
      calls.push(queue.shift()!);
      if (next.alone) break;
    }
    return calls;
  }
}
