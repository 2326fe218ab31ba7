import type { UpstreamPolicy } from '../config/index.ts';
import type { TurnTask } from '../http/index.ts';
import type { Upstream, UpstreamCall, UpstreamDeps, UpstreamFailure, UpstreamStats } from './call.ts';
import { Connection } from './connection.ts';
import { IdleConnections } from './idle-connections.ts';
import type { Answer, ConnectionOwner } from './owner.ts';
import { idAfter, Pending } from './pending.ts';
import { requestHead } from './request-head.ts';
import { WaitQueue } from './wait-queue.ts';

/** Calls that may wait for a connection: this many for each connection allowed, and this many bytes. */
const QUEUED_PER_CONNECTION = 16;
const QUEUED_BYTES_MAX = 64 * 1024 * 1024;
/** A call that cannot be sent twice does not go over a connection the node may be closing just now. */
const UNSAFE_IDLE_MS_MAX = 1000;
/** How long calls go singly after the node refused a batch. */
const BATCHES_REFUSED_MS = 60_000;
const TICK_MS_MIN = 5;
const TICK_MS_MAX = 100;

/** The pool of one upstream: which call goes over which connection, and when it has waited long enough. */
export class PooledUpstream implements Upstream, ConnectionOwner<Connection>, TurnTask {
  policy: UpstreamPolicy;
  head: string;
  readonly ca: string | undefined;
  nowMs = 0;
  private readonly deps: UpstreamDeps;
  private readonly connections = new Set<Connection>();
  private readonly idle = new IdleConnections();
  private readonly queue = new WaitQueue();
  /** This turn's calls that may share a connection. */
  private group: Pending[] = [];
  private enrolled = false;
  private connecting = 0;
  private nextId = 1;
  private ticker: NodeJS.Timeout | null = null;
  private tickMs = TICK_MS_MAX;
  private batchesRefusedUntilMs = Number.NEGATIVE_INFINITY;
  private closing = false;
  private closed: (() => void) | null = null;
  private readonly refused: { pending: Pending; failure: UpstreamFailure }[] = [];
  private underWay = 0;
  private readonly totals = { opened: 0, sent: 0, answered: 0, failed: 0, retried: 0 };

  constructor(policy: UpstreamPolicy, deps: UpstreamDeps) {
    this.policy = policy;
    this.deps = deps;
    this.ca = deps.ca;
    this.head = requestHead(policy, deps.instanceId);
  }

  send(call: UpstreamCall): void {
    if (this.ticker === null) this.startTicking();
    this.underWay++;
    const mode = this.policy.mode;
    const alone =
      mode === 'single' ||
      call.idStart < 0 ||
      !call.safe ||
      (mode === 'batched' && (!call.cheap || this.batchesRefused()));
    let id = 0;
    if (call.idStart >= 0) {
      id = this.nextId;
      this.nextId = idAfter(id);
    }
    const pending = new Pending(call, id, this.nowMs + this.policy.timeoutMs, alone);
    if (this.closing) return this.refuse(pending, 'no_upstream', 'upstream is closed');
    if (alone) return this.dispatch(pending);
    this.group.push(pending);
    if (this.enrolled) return;
    this.enrolled = true;
    this.deps.turn.defer(this);
  }

  /** End of the turn: its calls leave together. */
  flush(): void {
    this.enrolled = false;
    const group = this.group;
    this.group = [];
    let from = 0;
    while (from < group.length) {
      const connection = this.idle.pop();
      if (connection === undefined) break;
      const to = this.groupEnd(group, from);
      this.carryGroup(connection, group.slice(from, to));
      from = to;
    }
    for (; from < group.length; from++) this.enqueue(group[from]!);
    this.openMore();
  }

  private dispatch(pending: Pending): void {
    const connection = this.idle.peek();
    const usable =
      connection !== undefined &&
      (pending.call.safe ||
        this.nowMs - connection.sinceMs <= UNSAFE_IDLE_MS_MAX ||
        this.connections.size >= this.policy.maxConnections);
    if (!usable) {
      this.enqueue(pending);
      this.openMore();
      return;
    }
    this.idle.pop();
    this.totals.sent++;
    connection.carry(pending);
  }

  private groupSizeMax(): number {
    return this.policy.mode === 'single' || this.batchesRefused() ? 1 : this.policy.batch.maxSize;
  }

  private batchesRefused(): boolean {
    return this.policy.mode === 'batched' && this.nowMs < this.batchesRefusedUntilMs;
  }

  /** End of the longest run from `from` that one exchange may carry. */
  private groupEnd(group: Pending[], from: number): number {
    const { maxBytes } = this.policy.batch;
    const maxSize = this.groupSizeMax();
    let to = from + 1;
    let bytes = group[from]!.body.length;
    while (to < group.length && to - from < maxSize) {
      bytes += group[to]!.body.length + 1;
      if (bytes > maxBytes) break;
      to++;
    }
    return to;
  }

  private carryGroup(connection: Connection, calls: Pending[]): void {
    this.totals.sent += calls.length;
    if (calls.length === 1) connection.carry(calls[0]!);
    else if (this.policy.mode === 'batched') connection.carryBatch(calls);
    else connection.carryPipelined(calls);
  }

  private enqueue(pending: Pending): void {
    pending.queuedMs = this.nowMs;
    const full =
      this.queue.length >= this.policy.maxConnections * QUEUED_PER_CONNECTION ||
      this.queue.bytes + pending.body.length > QUEUED_BYTES_MAX;
    if (full) this.refuse(pending, 'overloaded', 'too many calls wait for a connection');
    else this.queue.push(pending);
  }

  /** Opens what the queue asks for and the bound allows. */
  private openMore(): void {
    const { groupable } = this.queue;
    const wanted = this.queue.length - groupable + Math.ceil(groupable / this.groupSizeMax());
    while (this.connecting < wanted) {
      if (this.connections.size >= this.policy.maxConnections) {
        // Calls wait although some are idle: they asked for a fresh one.
        const oldest = this.idle.takeOldest();
        if (oldest === undefined) return;
        oldest.destroy('replaced');
      }
      if (!this.open()) return;
    }
  }

  private open(): boolean {
    try {
      this.connections.add(new Connection(this));
    } catch (error) {
      // Only what the node's address itself makes impossible, such as a port of no range.
      const reason = error instanceof Error ? error.message : String(error);
      process.nextTick(() => this.connectFailed(`connect ${reason}`));
      return false;
    }
    this.connecting++;
    this.totals.opened++;
    return true;
  }

  ready(connection: Connection): void {
    if (connection.fresh) {
      connection.fresh = false;
      this.connecting--;
    }
    const first = this.queue.peek();
    if (first === undefined) {
      this.idle.push(connection, this.nowMs);
      return;
    }
    if (first.alone) {
      this.totals.sent++;
      connection.carry(this.queue.shift()!);
      return;
    }
    this.carryGroup(connection, this.takeGroup());
  }

  private takeGroup(): Pending[] {
    const { maxBytes } = this.policy.batch;
    const maxSize = this.groupSizeMax();
    const calls: Pending[] = [];
    let bytes = 0;
    for (;;) {
      const next = this.queue.peek();
      if (next === undefined || next.alone || calls.length >= maxSize) return calls;
      bytes += next.body.length + 1;
      if (calls.length > 0 && bytes > maxBytes) return calls;
      calls.push(this.queue.shift()!);
    }
  }

  gone(connection: Connection): void {
    if (connection.fresh) this.connecting--;
    this.connections.delete(connection);
    this.idle.remove(connection);
    if (this.queue.length > 0) process.nextTick(() => this.openMore());
    this.checkClosed();
  }

  connectFailed(reason: string): void {
    // One connection was opened for each waiting call, so one failed connection fails one call; all of
    // them if there is none left that could take them.
    const hopeless = this.connections.size === 0;
    do {
      const pending = this.queue.shift();
      if (pending === undefined) return;
      this.failed(pending, 'no_upstream', reason, pending.retried ? 'maybe' : 'no');
    } while (hopeless);
  }

  sendAgain(pending: Pending): void {
    if (this.closing) return this.failed(pending, 'no_upstream', 'upstream is closed', 'maybe');
    this.totals.retried++;
    pending.retried = true;
    pending.alone = true;
    pending.call.attempts = (pending.call.attempts ?? 1) + 1;
    pending.queuedMs = this.nowMs;
    this.queue.pushFront(pending);
    this.openMore();
  }

  batchRefused(): void {
    this.batchesRefusedUntilMs = this.nowMs + BATCHES_REFUSED_MS;
  }

  answered(pending: Pending, bytes: Buffer, answer: Answer): void {
    this.totals.answered++;
    this.underWay--;
    pending.call.answered(
      bytes,
      answer.start,
      answer.end,
      answer.idStart,
      answer.idEnd,
      answer.errorStart >= 0,
    );
    if (this.closing) this.checkClosed();
  }

  failed(pending: Pending, code: UpstreamFailure['code'], reason: string, delivered: 'no' | 'maybe'): void {
    this.totals.failed++;
    this.underWay--;
    pending.call.failed({ code, reason, delivered });
    if (this.closing) this.checkClosed();
  }

  /** Fails a call that is still inside `send`, once that is over. */
  private refuse(pending: Pending, code: UpstreamFailure['code'], reason: string): void {
    const refusal = { pending, failure: { code, reason, delivered: 'no' as const } };
    if (this.refused.push(refusal) > 1) return;
    process.nextTick(() => {
      for (const { pending, failure } of this.refused.splice(0)) {
        this.failed(pending, failure.code, failure.reason, failure.delivered);
      }
    });
  }

  private startTicking(): void {
    const { connectTimeoutMs, firstByteTimeoutMs, timeoutMs, idleTimeoutMs } = this.policy;
    const shortest = Math.min(connectTimeoutMs, firstByteTimeoutMs, timeoutMs, idleTimeoutMs);
    this.tickMs = Math.max(TICK_MS_MIN, Math.min(TICK_MS_MAX, Math.floor(shortest / 20)));
    this.nowMs = this.deps.now() / 1000;
    this.ticker = setInterval(() => {
      this.nowMs = this.deps.now() / 1000;
      // After the poll phase: if this thread was held up, what the node sent meanwhile is read first.
      setImmediate(() => this.sweep());
    }, this.tickMs).unref();
  }

  private stopTicking(): void {
    if (this.ticker !== null) clearInterval(this.ticker);
    this.ticker = null;
  }

  private sweep(): void {
    // A tick ahead, so that what would be due before the next one is settled inside its time.
    const nowMs = this.nowMs + this.tickMs;
    for (const connection of this.connections) connection.sweep(nowMs);
    const { connectTimeoutMs, maxIdle, idleTimeoutMs } = this.policy;
    if (this.queue.length > 0) this.expireQueued(nowMs, connectTimeoutMs);
    for (const connection of this.idle.takeSurplus(maxIdle, nowMs - idleTimeoutMs))
      connection.destroy('idle');
    if (this.connections.size === 0 && this.underWay === 0) this.stopTicking();
  }

  private expireQueued(nowMs: number, waitMsMax: number): void {
    const due = this.queue.takeWhere(
      (pending) => nowMs - pending.queuedMs >= waitMsMax || nowMs >= pending.deadlineMs,
    );
    const busy = this.connections.size > this.connecting;
    for (const pending of due) {
      const delivered = pending.retried ? 'maybe' : 'no';
      if (nowMs >= pending.deadlineMs)
        this.failed(pending, 'upstream_timeout', 'not answered in time', delivered);
      else if (busy) this.failed(pending, 'overloaded', 'no connection became free in time', delivered);
      else this.failed(pending, 'no_upstream', 'connect timed out', delivered);
    }
  }

  update(policy: UpstreamPolicy): void {
    const head = requestHead(policy, this.deps.instanceId);
    const before = this.policy;
    this.policy = policy;
    this.head = head;
    this.stopTicking();
    this.startTicking();
    if (policy.mode !== before.mode) this.ungroup();
    const moved = policy.host !== before.host || policy.port !== before.port || policy.tls !== before.tls;
    for (const connection of [...this.connections]) {
      connection.setAnswerBytesMax(policy.maxResponseBytes);
      if (moved) connection.retire();
    }
  }

  /** What may share an exchange depends on the mode: calls that came under another one go alone. */
  private ungroup(): void {
    this.queue.separate();
    for (const pending of this.group.splice(0)) {
      pending.alone = true;
      this.dispatch(pending);
    }
    this.openMore();
  }

  close(graceMs: number): Promise<void> {
    this.closing = true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.abandon(), graceMs);
      const before = this.closed;
      this.closed = () => {
        clearTimeout(timer);
        before?.();
        resolve();
      };
      this.checkClosed();
    });
  }

  /** Once nothing is under way any more there is nothing to keep a connection for. */
  private checkClosed(): void {
    if (!this.closing || this.underWay > 0) return;
    this.stopTicking();
    const closed = this.closed;
    this.closed = null;
    for (const connection of [...this.connections]) connection.destroy('upstream is closed');
    closed?.();
  }

  private abandon(): void {
    const reason = 'upstream is closed';
    for (const pending of this.queue.takeWhere(() => true)) this.failed(pending, 'no_upstream', reason, 'no');
    for (const pending of this.group.splice(0)) this.failed(pending, 'no_upstream', reason, 'no');
    for (const connection of [...this.connections]) connection.destroy(reason);
  }

  stats(): UpstreamStats {
    let inFlight = 0;
    for (const connection of this.connections) inFlight += connection.inFlight;
    const batchesRefused = this.batchesRefused();
    return {
      name: this.policy.name,
      mode: batchesRefused ? 'single' : this.policy.mode,
      batchesRefused,
      connections: this.connections.size,
      connecting: this.connecting,
      idle: this.idle.size,
      inFlight,
      queued: this.queue.length,
      ...this.totals,
    };
  }
}

/** An upstream with no connection yet. Throws TypeError for headers that cannot be sent. */
export function createUpstream(policy: UpstreamPolicy, deps: UpstreamDeps): Upstream {
  return new PooledUpstream(policy, deps);
}
