import type { OutgoingHttpHeaders } from 'node:http2';
import type { UpstreamPolicy } from '../config/index.ts';
import type { TurnTask } from '../http/index.ts';
import type {
  FailureKind,
  Upstream,
  UpstreamCall,
  UpstreamDeps,
  UpstreamFailure,
  UpstreamStats,
} from './call.ts';
import { samePlace } from './connect-socket.ts';
import { Connections } from './connections.ts';
import { CallsUnderWay } from './calls-under-way.ts';
import { DeferredFailures } from './deferred-failures.ts';
import { Drain } from './drain.ts';
import { Grouping } from './grouping.ts';
import { HeldGroup } from './held-group.ts';
import type { Answer } from './answer.ts';
import type { Carrier, ConnectionOwner, Traffic } from './owner.ts';
import type { Pending } from './pending.ts';
import { http2RequestHead, requestHead } from './request-head.ts';
import { retryAfterMs } from './retry-after.ts';
import { Ticker } from './ticker.ts';
import { WaitQueue } from './wait-queue.ts';

/** A call that cannot be sent twice does not go over a connection the node may be closing just now. */
const UNSAFE_IDLE_MS_MAX = 1000;

/** The pool of one upstream: which call goes over which connection, and when it has waited long enough. */
export class PooledUpstream implements Upstream, ConnectionOwner<Carrier>, TurnTask {
  policy: UpstreamPolicy;
  head: string;
  http2Head: OutgoingHttpHeaders;
  private readonly deps: UpstreamDeps;
  private readonly wallMs: () => number;
  readonly traffic: Traffic = { exchanges: 0, bytesIn: 0, bytesOut: 0 };
  private readonly connections: Connections;
  private readonly queue = new WaitQueue();
  private readonly grouping: Grouping;
  private readonly ticker: Ticker;
  /** This turn's calls that may share a connection; in mode batched also those that wait for more. */
  private readonly group = new HeldGroup(() => this.flushGroup());
  /** This turn's other calls. */
  private singles: Pending[] = [];
  private enrolled = false;
  /** Monotonic microseconds: one look at the clock for all calls that are written together. */
  private writingAt = 0;
  private readonly drain = new Drain();
  private readonly refused = new DeferredFailures((pending, kind, reason) =>
    this.failed(pending, kind, reason, 'no'),
  );
  private readonly calls: CallsUnderWay;

  constructor(policy: UpstreamPolicy, deps: UpstreamDeps) {
    this.policy = policy;
    this.deps = deps;
    this.wallMs = deps.wallMs ?? Date.now;
    this.head = requestHead(policy);
    this.http2Head = http2RequestHead(policy);
    this.calls = new CallsUnderWay(this, deps);
    this.grouping = new Grouping(policy);
    this.connections = new Connections(this);
    this.ticker = new Ticker(deps.now, () => this.sweep());
  }

  get waiting(): number {
    return this.queue.length;
  }

  get nowMs(): number {
    return this.ticker.nowMs;
  }

  get inFlight(): number {
    return this.calls.size;
  }

  send(call: UpstreamCall): void {
    if (!this.ticker.running) this.startTicking();
    const pending = this.calls.take(call, this.nowMs + this.policy.timeoutMs);
    if (this.drain.begun) return this.refused.add(pending, 'connect', 'upstream is closed');
    pending.alone = this.grouping.goesAlone(call, this.nowMs);
    if (pending.alone) this.singles.push(pending);
    else this.group.push(pending);
    if (this.enrolled) return;
    this.enrolled = true;
    this.deps.turn.defer(this);
  }

  cancel(call: UpstreamCall): void {
    const cancelled = this.calls.cancel(call);
    if (cancelled === undefined) return;
    if (cancelled.carrier === null) {
      this.singles = this.singles.filter((pending) => pending !== cancelled);
      this.group.remove(cancelled);
      this.queue.takeWhere((pending) => pending === cancelled);
    }
    if (this.drain.begun) this.checkClosed();
  }

  /**
   * End of the turn: its calls leave together. Single ones too: written one after the other they wake a node that
   * has just gone to sleep less often than written as they come (a tenth less CPU a call, and more under load).
   */
  flush(): void {
    this.enrolled = false;
    this.writingAt = this.deps.now();
    if (this.singles.length > 0) {
      const singles = this.singles;
      this.singles = [];
      for (const pending of singles) this.dispatch(pending);
    }
    if (this.group.length > 0 && !this.mayWait()) this.flushGroup();
  }

  private mayWait(): boolean {
    const { mode, batch } = this.policy;
    if (batch.maxWaitMs === 0 || mode !== 'batched') return false;
    return !this.grouping.batchesRefused(this.nowMs) && this.group.holds(batch);
  }

  private flushGroup(): void {
    const group = this.group.take();
    let from = 0;
    while (from < group.length) {
      const connection = this.connections.current.idle.pop();
      if (connection === undefined) break;
      const to = this.grouping.runEnd(group, from, this.nowMs);
      this.carryGroup(connection, group.slice(from, to));
      from = to;
    }
    for (; from < group.length; from++) this.enqueue(group[from]!);
    this.openMore();
  }

  private dispatch(pending: Pending): void {
    const { current } = this.connections;
    const { idle } = current;
    const connection = idle.peek();
    const usable =
      connection !== undefined &&
      (pending.call.safe || this.nowMs - connection.sinceMs <= UNSAFE_IDLE_MS_MAX || current.full);
    if (!usable) {
      this.enqueue(pending);
      this.openMore();
      return;
    }
    idle.pop();
    this.calls.totals.sent++;
    pending.call.sentAt = this.writingAt;
    pending.carrier = connection;
    connection.carry(pending);
  }

  private carryGroup(connection: Carrier, calls: Pending[]): void {
    this.calls.totals.sent += calls.length;
    for (const pending of calls) {
      pending.call.sentAt = this.writingAt;
      pending.carrier = connection;
    }
    if (calls.length === 1) connection.carry(calls[0]!);
    else if (this.policy.mode === 'batched') connection.carryBatch(calls);
    else connection.carryPipelined(calls);
  }

  private enqueue(pending: Pending): void {
    pending.queuedMs = this.nowMs;
    if (!this.queue.hasRoom(pending, this.policy.maxConnections))
      this.refused.add(pending, 'overloaded', 'too many calls wait for a connection');
    else this.queue.push(pending);
  }

  openMore(): void {
    const { groupable } = this.queue;
    const exchanges = Math.ceil(groupable / this.grouping.sizeMax(this.nowMs));
    this.connections.current.open(this.queue.length - groupable + exchanges);
  }

  ready(connection: Carrier): void {
    this.connections.current.arrived(connection);
    if (this.queue.length === 0) return this.connections.current.idle.push(connection, this.nowMs);
    this.writingAt = this.deps.now();
    this.carryGroup(connection, this.grouping.takeRun(this.queue, this.nowMs));
  }

  gone(connection: Carrier): void {
    this.connections.remove(connection);
    if (this.queue.length > 0) process.nextTick(() => this.openMore());
    this.checkClosed();
  }

  connectFailed(reason: string): void {
    // One connection was opened for each waiting call, so one failed connection fails one call; all of
    // them if there is none left that could take them.
    const first = this.connections.current.size > 0 ? this.queue.shift() : undefined;
    const due = first === undefined ? this.queue.takeAll() : [first];
    for (const pending of due) this.failed(pending, 'connect', reason, pending.retried ? 'maybe' : 'no');
  }

  sendAgain(pending: Pending): void {
    if (pending.over) return this.calls.ended(pending);
    if (this.drain.begun) return this.failed(pending, 'connect', 'upstream is closed', 'maybe');
    this.calls.totals.retried++;
    pending.retried = true;
    pending.carrier = null;
    pending.alone = true;
    pending.queuedMs = this.nowMs;
    this.queue.pushFront(pending);
    this.openMore();
  }

  batchRefused(): void {
    this.grouping.refuseBatches(this.nowMs);
  }

  batchSpoiled(): void {
    this.grouping.batchSpoiled(this.nowMs);
  }

  batchTaken(): void {
    this.grouping.batchTaken();
  }

  answered(pending: Pending, bytes: Buffer, answer: Answer): void {
    this.calls.answered(pending, bytes, answer);
    if (this.drain.begun) this.checkClosed();
  }

  failed(
    pending: Pending,
    kind: FailureKind,
    reason: string,
    delivered: UpstreamFailure['delivered'],
    retryAfter = '',
  ): void {
    const waitMs =
      kind !== 'throttled' || retryAfter === '' ? undefined : retryAfterMs(retryAfter, this.wallMs());
    this.calls.failed(pending, kind, reason, delivered, waitMs);
    if (this.drain.begun) this.checkClosed();
  }

  private startTicking(): void {
    const { connectTimeoutMs, firstByteTimeoutMs, timeoutMs, idleTimeoutMs } = this.policy;
    this.ticker.start(Math.min(connectTimeoutMs, firstByteTimeoutMs, timeoutMs, idleTimeoutMs));
  }

  private sweep(): void {
    // A tick ahead, so that what would be due before the next one is settled inside its time.
    const nowMs = this.nowMs + this.ticker.tickMs;
    this.connections.sweep(nowMs);
    if (this.queue.length > 0) this.expireQueued(nowMs, this.policy.connectTimeoutMs);
    if (this.connections.size + this.calls.size === 0) this.ticker.stop();
  }

  private expireQueued(nowMs: number, waitMsMax: number): void {
    const due = this.queue.takeWhere(
      (pending) => nowMs - pending.queuedMs >= waitMsMax || nowMs >= pending.deadlineMs,
    );
    const { size, connecting } = this.connections.current;
    const busy = size > connecting;
    for (const pending of due) {
      const delivered = pending.retried ? 'maybe' : 'no';
      const late = nowMs >= pending.deadlineMs;
      if (late) this.failed(pending, 'timeout', 'not answered in time', delivered);
      else if (busy) this.failed(pending, 'overloaded', 'no connection became free in time', delivered);
      else this.failed(pending, 'connect', 'connect timed out', delivered);
    }
  }

  update(policy: UpstreamPolicy): void {
    const head = requestHead(policy);
    const before = this.policy;
    this.policy = policy;
    this.head = head;
    this.http2Head = http2RequestHead(policy);
    this.grouping.update(policy);
    if (this.ticker.running) this.startTicking();
    if (policy.mode !== before.mode) this.ungroup();
    this.connections.setAnswerBytesMax(policy.maxResponseBytes);
    if (samePlace(before, policy)) return;
    this.connections.replace(policy.http2);
    this.openMore();
  }

  /** What may share an exchange depends on the mode: calls that came under another one go alone. */
  private ungroup(): void {
    this.queue.separate();
    for (const pending of this.group.take()) {
      pending.alone = true;
      this.dispatch(pending);
    }
    this.openMore();
  }

  close(graceMs: number): Promise<void> {
    const closed = this.drain.begin(graceMs, () => this.abandon());
    this.checkClosed();
    return closed;
  }

  /** Once nothing is under way any more there is nothing to keep a connection for. */
  private checkClosed(): void {
    if (!this.drain.begun || this.calls.size > 0) return;
    this.ticker.stop();
    this.connections.destroy('upstream is closed');
    this.drain.finish();
  }

  private abandon(): void {
    const reason = 'upstream is closed';
    for (const pending of [...this.queue.takeAll(), ...this.group.take(), ...this.singles.splice(0)]) {
      this.failed(pending, 'connect', reason, pending.retried ? 'maybe' : 'no');
    }
    this.connections.destroy(reason);
  }

  stats(): UpstreamStats {
    const batchesRefused = this.grouping.batchesRefused(this.nowMs);
    return {
      name: this.policy.name,
      mode: batchesRefused ? 'single' : this.policy.mode,
      batchesRefused,
      ...this.connections.counts(),
      queued: this.queue.length,
      ...this.calls.totals,
      ...this.traffic,
    };
  }
}

/** An upstream with no connection yet. Throws TypeError for headers that cannot be sent. */
export function createUpstream(policy: UpstreamPolicy, deps: UpstreamDeps): Upstream {
  return new PooledUpstream(policy, deps);
}
