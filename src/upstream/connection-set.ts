import { Connection } from './connection.ts';
import { IdleConnections } from './idle-connections.ts';
import type { Carriers, ConnectionOwner } from './owner.ts';

/** All HTTP/1.1 connections of one upstream: how many there may be, which are on their way, which carry nothing. */
export class ConnectionSet implements Carriers<Connection> {
  readonly idle = new IdleConnections();
  /** On their way to being open. */
  connecting = 0;
  /** Opened since start. */
  opened = 0;
  private readonly all = new Set<Connection>();
  private readonly owner: ConnectionOwner<Connection>;

  constructor(owner: ConnectionOwner<Connection>) {
    this.owner = owner;
  }

  get size(): number {
    return this.all.size;
  }

  get full(): boolean {
    return this.all.size >= this.owner.policy.maxConnections;
  }

  /** Calls written and not yet answered. */
  get inFlight(): number {
    let calls = 0;
    for (const connection of this.all) calls += connection.inFlight;
    return calls;
  }

  /** Opens connections until `wanted` are on their way, as far as the bound allows. */
  open(wanted: number): void {
    while (this.connecting < wanted) {
      if (this.full) {
        // Calls wait although some are idle: they asked for a fresh one.
        const oldest = this.idle.takeOldest();
        if (oldest === undefined) return;
        oldest.destroy('replaced');
      }
      if (!this.openOne()) return;
    }
  }

  private openOne(): boolean {
    try {
      this.all.add(new Connection(this.owner));
    } catch (error) {
      // Only what the node's address itself makes impossible, such as a port of no range.
      const reason = error instanceof Error ? error.message : String(error);
      process.nextTick(() => this.owner.connectFailed(`connect ${reason}`));
      return false;
    }
    this.connecting++;
    this.opened++;
    return true;
  }

  /** It can carry calls: no longer on its way. */
  arrived(connection: Connection): void {
    if (!connection.fresh) return;
    connection.fresh = false;
    this.connecting--;
  }

  remove(connection: Connection): void {
    if (!this.all.delete(connection)) return;
    if (connection.fresh) this.connecting--;
    this.idle.remove(connection);
  }

  /** Ends those that let a deadline pass by `nowMs`, and idle ones that nobody needs. */
  sweep(nowMs: number): void {
    for (const connection of this.all) connection.sweep(nowMs);
    const { maxIdle, idleTimeoutMs } = this.owner.policy;
    for (const surplus of this.idle.takeSurplus(maxIdle, nowMs - idleTimeoutMs)) surplus.destroy('idle');
  }

  setAnswerBytesMax(bytes: number): void {
    for (const connection of this.all) connection.setAnswerBytesMax(bytes);
  }

  /** Each closes as soon as it carries nothing. */
  retire(): void {
    for (const connection of [...this.all]) connection.retire();
  }

  destroy(reason: string): void {
    for (const connection of [...this.all]) connection.destroy(reason);
  }
}
