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
import { ConnectionSet } from './connection-set.ts';
import type { Connection } from './connection.ts';
import { DeferredFailures } from './deferred-failures.ts';
import { Drain } from './drain.ts';
import { failureOf } from './failure.ts';
import { Grouping } from './grouping.ts';
import type { Answer, ConnectionOwner, Traffic } from './owner.ts';
import { idAfter, Pending } from './pending.ts';
import { requestHead } from './request-head.ts';
import { Ticker } from './ticker.ts';
import { WaitQueue } from './wait-queue.ts';

/** Calls that may wait for a connection: this many for each connection allowed, and this many bytes. */
const QUEUED_PER_CONNECTION = 16;
const QUEUED_BYTES_MAX = 64 * 1024 * 1024;
/** A call that cannot be sent twice does not go over a connection the node may be closing just now. */
const UNSAFE_IDLE_MS_MAX = 1000;

/** The pool of one upstream: which call goes over which connection, and when it has waited long enough. */
export class PooledUpstream implements Upstream, ConnectionOwner<Connection>, TurnTask {
  policy: UpstreamPolicy;
  head: string;
  readonly ca: string | undefined;
  private readonly deps: UpstreamDeps;
  readonly traffic: Traffic = { exchanges: 0, bytesIn: 0, bytesOut: 0 };
  private readonly connections: ConnectionSet;
  private readonly queue = new WaitQueue();
  private readonly grouping: Grouping;
  private readonly ticker: Ticker;
  /** This turn's calls that may share a connection. */
  private group: Pending[] = [];
  /** This turn's other calls. */
  private singles: Pending[] = [];
  private enrolled = false;
  /** Monotonic microseconds: one look at the clock for all calls that are written together. */
  private writingAt = 0;
  private nextId = 1;
  private readonly drain = new Drain();
  private readonly refused = new DeferredFailures((pending, kind, reason) =>
    this.failed(pending, kind, reason, 'no'),
  );
  private underWay = 0;
  private readonly totals = { sent: 0, answered: 0, failed: 0, retried: 0 };

  constructor(policy: UpstreamPolicy, deps: UpstreamDeps) {
    this.policy = policy;
    this.deps = deps;
    this.ca = deps.ca;
    this.head = requestHead(policy, deps.instanceId);
    this.grouping = new Grouping(policy);
    this.connections = new ConnectionSet(this);
    this.ticker = new Ticker(deps.now, () => this.sweep());
  }

  get nowMs(): number {
    return this.ticker.nowMs;
  }

  send(call: UpstreamCall): void {
    if (!this.ticker.running) this.startTicking();
    this.underWay++;
    const alone = this.grouping.goesAlone(call, this.nowMs);
    let id = 0;
    if (call.idStart >= 0) {
      id = this.nextId;
      this.nextId = idAfter(id);
    }
    const pending = new Pending(call, id, this.nowMs + this.policy.timeoutMs, alone);
    if (this.drain.begun) return this.refused.add(pending, 'connect', 'upstream is closed');
    if (alone) this.singles.push(pending);
    else this.group.push(pending);
    if (this.enrolled) return;
    this.enrolled = true;
    this.deps.turn.defer(this);
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
    if (this.group.length > 0) this.flushGroup();
  }

  private flushGroup(): void {
    const group = this.group;
    this.group = [];
    let from = 0;
    while (from < group.length) {
      const connection = this.connections.idle.pop();
      if (connection === undefined) break;
      const to = this.grouping.runEnd(group, from, this.nowMs);
      this.carryGroup(connection, group.slice(from, to));
      from = to;
    }
    for (; from < group.length; from++) this.enqueue(group[from]!);
    this.openMore();
  }

  private dispatch(pending: Pending): void {
    const { idle } = this.connections;
    const connection = idle.peek();
    const usable =
      connection !== undefined &&
      (pending.call.safe || this.nowMs - connection.sinceMs <= UNSAFE_IDLE_MS_MAX || this.connections.full);
    if (!usable) {
      this.enqueue(pending);
      this.openMore();
      return;
    }
    idle.pop();
    this.totals.sent++;
    this.stamp(pending.call);
    connection.carry(pending);
  }

  private carryGroup(connection: Connection, calls: Pending[]): void {
    this.totals.sent += calls.length;
    for (const { call } of calls) this.stamp(call);
    if (calls.length === 1) connection.carry(calls[0]!);
    else if (this.policy.mode === 'batched') connection.carryBatch(calls);
    else connection.carryPipelined(calls);
  }

  private stamp(call: UpstreamCall): void {
    call.attempts++;
    call.sentAt = this.writingAt;
  }

  private enqueue(pending: Pending): void {
    pending.queuedMs = this.nowMs;
    const full =
      this.queue.length >= this.policy.maxConnections * QUEUED_PER_CONNECTION ||
      this.queue.bytes + pending.body.length > QUEUED_BYTES_MAX;
    if (full) this.refused.add(pending, 'overloaded', 'too many calls wait for a connection');
    else this.queue.push(pending);
  }

  /** Opens what the queue asks for. */
  private openMore(): void {
    const { groupable } = this.queue;
    const exchanges = Math.ceil(groupable / this.grouping.sizeMax(this.nowMs));
    this.connections.open(this.queue.length - groupable + exchanges);
  }

  ready(connection: Connection): void {
    this.connections.arrived(connection);
    if (this.queue.length === 0) return this.connections.idle.push(connection, this.nowMs);
    this.writingAt = this.deps.now();
    this.carryGroup(connection, this.grouping.takeRun(this.queue, this.nowMs));
  }

  gone(connection: Connection): void {
    this.connections.remove(connection);
    if (this.queue.length > 0) process.nextTick(() => this.openMore());
    this.checkClosed();
  }

  connectFailed(reason: string): void {
    // One connection was opened for each waiting call, so one failed connection fails one call; all of
    // them if there is none left that could take them.
    const first = this.connections.size > 0 ? this.queue.shift() : undefined;
    const due = first === undefined ? this.queue.takeAll() : [first];
    for (const pending of due) this.failed(pending, 'connect', reason, pending.retried ? 'maybe' : 'no');
  }

  sendAgain(pending: Pending): void {
    if (this.drain.begun) return this.failed(pending, 'connect', 'upstream is closed', 'maybe');
    this.totals.retried++;
    pending.retried = true;
    pending.alone = true;
    pending.queuedMs = this.nowMs;
    this.queue.pushFront(pending);
    this.openMore();
  }

  batchRefused(): void {
    this.grouping.refuseBatches(this.nowMs);
  }

  answered(pending: Pending, bytes: Buffer, answer: Answer): void {
    this.totals.answered++;
    this.underWay--;
    const { start, end, idStart, idEnd } = answer;
    pending.call.answered(bytes, start, end, idStart, idEnd, answer.errorStart >= 0);
    if (this.drain.begun) this.checkClosed();
  }

  failed(pending: Pending, kind: FailureKind, reason: string, delivered: UpstreamFailure['delivered']): void {
    this.totals.failed++;
    this.underWay--;
    pending.call.failed(failureOf(kind, reason, delivered));
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
    if (this.connections.size === 0 && this.underWay === 0) this.ticker.stop();
  }

  private expireQueued(nowMs: number, waitMsMax: number): void {
    const due = this.queue.takeWhere(
      (pending) => nowMs - pending.queuedMs >= waitMsMax || nowMs >= pending.deadlineMs,
    );
    const busy = this.connections.size > this.connections.connecting;
    for (const pending of due) {
      const delivered = pending.retried ? 'maybe' : 'no';
      const late = nowMs >= pending.deadlineMs;
      if (late) this.failed(pending, 'timeout', 'not answered in time', delivered);
      else if (busy) this.failed(pending, 'overloaded', 'no connection became free in time', delivered);
      else this.failed(pending, 'connect', 'connect timed out', delivered);
    }
  }

  update(policy: UpstreamPolicy): void {
    const head = requestHead(policy, this.deps.instanceId);
    const before = this.policy;
    this.policy = policy;
    this.head = head;
    this.grouping.update(policy);
    if (this.ticker.running) this.startTicking();
    if (policy.mode !== before.mode) this.ungroup();
    const moved = policy.host !== before.host || policy.port !== before.port || policy.tls !== before.tls;
    this.connections.setAnswerBytesMax(policy.maxResponseBytes);
    if (moved) this.connections.retire();
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
    const closed = this.drain.begin(graceMs, () => this.abandon());
    this.checkClosed();
    return closed;
  }

  /** Once nothing is under way any more there is nothing to keep a connection for. */
  private checkClosed(): void {
    if (!this.drain.begun || this.underWay > 0) return;
    this.ticker.stop();
    this.connections.destroy('upstream is closed');
    this.drain.finish();
  }

  private abandon(): void {
    const reason = 'upstream is closed';
    for (const pending of [...this.queue.takeAll(), ...this.group.splice(0), ...this.singles.splice(0)]) {
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
      connections: this.connections.size,
      connecting: this.connections.connecting,
      idle: this.connections.idle.size,
      inFlight: this.connections.inFlight,
      queued: this.queue.length,
      opened: this.connections.opened,
      ...this.totals,
      ...this.traffic,
    };
  }
}

/** An upstream with no connection yet. Throws TypeError for headers that cannot be sent. */
export function createUpstream(policy: UpstreamPolicy, deps: UpstreamDeps): Upstream {
  return new PooledUpstream(policy, deps);
}
