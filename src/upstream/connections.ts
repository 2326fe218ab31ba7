import { ConnectionSet } from './connection-set.ts';
import { Http2ConnectionSet } from './http2-connection-set.ts';
import type { Carrier, Carriers, ConnectionOwner } from './owner.ts';

/** Connections of both HTTP versions: of the one asked for, and of the other what still finishes after a change. */
export class Connections {
  current: Carriers<Carrier>;
  private readonly http1: ConnectionSet;
  private readonly http2: Http2ConnectionSet;
  private readonly both: Carriers<Carrier>[];

  constructor(owner: ConnectionOwner<Carrier>) {
    this.http1 = new ConnectionSet(owner);
    this.http2 = new Http2ConnectionSet(owner);
    this.both = [this.http1, this.http2];
    this.current = owner.policy.http2 ? this.http2 : this.http1;
  }

  get size(): number {
    return this.http1.size + this.http2.size;
  }

  counts(): Record<'connections' | 'connecting' | 'idle' | 'inFlight' | 'opened', number> {
    const total = (of: (set: Carriers<Carrier>) => number): number => of(this.http1) + of(this.http2);
    this.http2.countBytes();
    return {
      connections: this.size,
      connecting: total((set) => set.connecting),
      idle: total((set) => set.idle.size),
      inFlight: total((set) => set.inFlight),
      opened: total((set) => set.opened),
    };
  }

  /** Others from now on: those there are close as soon as they carry nothing. */
  replace(http2: boolean): void {
    this.current = http2 ? this.http2 : this.http1;
    for (const set of this.both) set.retire();
  }

  remove(connection: Carrier): void {
    for (const set of this.both) set.remove(connection);
  }

  sweep(nowMs: number): void {
    for (const set of this.both) if (set.size > 0) set.sweep(nowMs);
  }

  /** Over HTTP/2 each stream takes it from the policy. */
  setAnswerBytesMax(bytes: number): void {
    this.http1.setAnswerBytesMax(bytes);
  }

  destroy(reason: string): void {
    for (const set of this.both) set.destroy(reason);
  }
}
