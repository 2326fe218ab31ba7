import type { Pending } from './pending.ts';

/** How many may wait for each connection allowed, and how many bytes of them. */
const CALLS_PER_CONNECTION = 16;
const BYTES_MAX = 64 * 1024 * 1024;
/** Places of calls that have gone, before they are cut off: each still holds its call's text. */
const GONE_MAX = 32;

/** Calls that wait for a connection: those to be sent again first, then in order of arrival. */
export class WaitQueue {
  /** Bytes of all bodies in it. */
  bytes = 0;
  /** How many of them may share a connection's exchange. */
  groupable = 0;
  private again: Pending[] = [];
  private items: Pending[] = [];
  private first = 0;

  get length(): number {
    return this.again.length + this.items.length - this.first;
  }

  hasRoom(pending: Pending, maxConnections: number): boolean {
    return (
      this.length < maxConnections * CALLS_PER_CONNECTION && this.bytes + pending.body.length <= BYTES_MAX
    );
  }

  push(pending: Pending): void {
    this.items.push(pending);
    this.count(pending, 1);
  }

  /** For a call that waited before. */
  pushFront(pending: Pending): void {
    this.again.push(pending);
    this.count(pending, 1);
  }

  peek(): Pending | undefined {
    return this.again.length > 0 ? this.again[0] : this.items[this.first];
  }

  shift(): Pending | undefined {
    const pending = this.again.length > 0 ? this.again.shift() : this.items[this.first++];
    if (pending === undefined) this.first--;
    else this.count(pending, -1);
    if (this.first === this.items.length || (this.first > GONE_MAX && this.first * 2 > this.items.length)) {
      this.items = this.items.slice(this.first);
      this.first = 0;
    }
    return pending;
  }

  /** Takes out, in order, every call that `due` says yes to. */
  takeWhere(due: (pending: Pending) => boolean): Pending[] {
    const all = [...this.again, ...this.items.slice(this.first)];
    const taken = all.filter(due);
    if (taken.length === 0) return taken;
    for (const pending of taken) this.count(pending, -1);
    const gone = new Set(taken);
    this.again = this.again.filter((pending) => !gone.has(pending));
    this.items = this.items.slice(this.first).filter((pending) => !gone.has(pending));
    this.first = 0;
    return taken;
  }

  takeAll(): Pending[] {
    return this.takeWhere(() => true);
  }

  /** From now on none of them shares an exchange. */
  separate(): void {
    for (const pending of this.items.slice(this.first)) pending.alone = true;
    this.groupable = 0;
  }

  private count(pending: Pending, sign: 1 | -1): void {
    this.bytes += sign * pending.body.length;
    if (!pending.alone) this.groupable += sign;
  }
}
