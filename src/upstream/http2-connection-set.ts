import { Http2Connection } from './http2-connection.ts';
import type { Carriers, ConnectionOwner } from './owner.ts';

/** Streams taken for granted on a connection whose settings have not come (RFC 9113 advises at least as many). */
const STREAMS_EXPECTED = 100;

/** All HTTP/2 connections of one upstream. The first with room is given each call, so that those not needed fall idle. */
export class Http2ConnectionSet implements Carriers<Http2Connection> {
  connecting = 0;
  opened = 0;
  readonly idle: Carriers<Http2Connection>['idle'];
  private readonly all = new Set<Http2Connection>();
  private readonly owner: ConnectionOwner<Http2Connection>;

  constructor(owner: ConnectionOwner<Http2Connection>) {
    this.owner = owner;
    const withRoom = (): Http2Connection | undefined => {
      for (const connection of this.all) if (connection.room > 0) return connection;
      return undefined;
    };
    const idleOnes = (): number => [...this.all].filter((each) => each.connected && !each.busy).length;
    this.idle = {
      get size() {
        return idleOnes();
      },
      peek: withRoom,
      pop: withRoom,
      push() {},
    };
  }

  get size(): number {
    return this.all.size;
  }

  /** Those that only finish what they carry stand beside the others, as long as they are not more. */
  get full(): boolean {
    const { maxConnections } = this.owner.policy;
    let open = 0;
    for (const connection of this.all) if (!connection.retired) open++;
    return open >= maxConnections || this.all.size >= 2 * maxConnections;
  }

  get inFlight(): number {
    let calls = 0;
    for (const connection of this.all) calls += connection.inFlight;
    return calls;
  }

  open(wanted: number): void {
    for (const connection of this.all) {
      while (this.owner.waiting > 0 && connection.room > 0) this.owner.ready(connection);
    }
    const still = Math.min(wanted, this.owner.waiting);
    while (this.connecting * STREAMS_EXPECTED < still && !this.full) {
      try {
        this.all.add(new Http2Connection(this.owner));
      } catch (error) {
        // Only what the node's address itself makes impossible, such as a port of no range.
        const reason = error instanceof Error ? error.message : String(error);
        process.nextTick(() => this.owner.connectFailed(`connect ${reason}`));
        return;
      }
      this.connecting++;
      this.opened++;
    }
  }

  arrived(connection: Http2Connection): void {
    if (!connection.fresh) return;
    connection.fresh = false;
    this.connecting--;
  }

  remove(connection: Http2Connection): void {
    if (this.all.delete(connection) && connection.fresh) this.connecting--;
  }

  sweep(nowMs: number): void {
    for (const connection of this.all) connection.sweep(nowMs);
    const { maxIdle, idleTimeoutMs } = this.owner.policy;
    let idle = 0;
    for (const connection of this.all) {
      if (!connection.connected || connection.busy) continue;
      if (++idle > maxIdle || nowMs - connection.idleSinceMs >= idleTimeoutMs) connection.destroy('idle');
    }
  }

  countBytes(): void {
    for (const connection of this.all) connection.countBytes();
  }

  retire(): void {
    for (const connection of [...this.all]) connection.retire();
  }

  destroy(reason: string): void {
    for (const connection of [...this.all]) connection.destroy(reason);
  }
}
