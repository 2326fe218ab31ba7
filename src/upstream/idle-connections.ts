import type { Connection } from './connection.ts';

/** Connections that carry nothing, the one used last on top: the others grow old and are closed. */
export class IdleConnections {
  private readonly stack: Connection[] = [];
  /** Fewest there were since the last `takeSurplus`: those below were not needed. */
  private fewest = 0;

  get size(): number {
    return this.stack.length;
  }

  push(connection: Connection, nowMs: number): void {
    connection.sinceMs = nowMs;
    this.stack.push(connection);
  }

  peek(): Connection | undefined {
    return this.stack[this.stack.length - 1];
  }

  pop(): Connection | undefined {
    const connection = this.stack.pop();
    if (this.stack.length < this.fewest) this.fewest = this.stack.length;
    return connection;
  }

  takeOldest(): Connection | undefined {
    const connection = this.stack.shift();
    if (this.stack.length < this.fewest) this.fewest = this.stack.length;
    return connection;
  }

  remove(connection: Connection): void {
    const at = this.stack.lastIndexOf(connection);
    if (at < 0) return;
    this.stack.splice(at, 1);
    if (this.stack.length < this.fewest) this.fewest = this.stack.length;
  }

  /**
   * Takes out those idle since before `sinceMs`, and of those over `max` the ones that no call has
   * needed since this was last asked. To close them at once would close and open connections all the
   * time where the load is just above `max`.
   */
  takeSurplus(max: number, sinceMs: number): Connection[] {
    let taken = Math.max(0, Math.min(this.stack.length - max, this.fewest));
    while (taken < this.stack.length && this.stack[taken]!.sinceMs <= sinceMs) taken++;
    const surplus = this.stack.splice(0, taken);
    this.fewest = this.stack.length;
    return surplus;
  }
}
