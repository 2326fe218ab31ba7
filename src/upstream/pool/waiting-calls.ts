import type { ShedPolicy } from '../../config/index.ts';
import type { Delivery } from './delivery.ts';

/** Calls looked at in vain before the rest are left for the next time. */
const LOOKED_AT_MAX = 16;

/** Calls that wait until an upstream has room, in order of arrival. */
export class WaitingCalls {
  private waiting: Delivery[] = [];

  get length(): number {
    return this.waiting.length;
  }

  /** False where there is no place left; the last ones are kept for critical calls. */
  add(delivery: Delivery, { queue, reserve, queueTimeoutMs }: ShedPolicy, nowMs: number): boolean {
    const places = delivery.call.critical ? queue : Math.floor(queue * (1 - reserve));
    if (this.waiting.length >= places) return false;
    delivery.queuedUntilMs = nowMs + queueTimeoutMs;
    this.waiting.push(delivery);
    return true;
  }

  /** Lets each go in order, as far as there is room. @param go false: no room for this one */
  release(go: (delivery: Delivery) => boolean): void {
    let blocked = 0;
    const { waiting } = this;
    this.waiting = waiting.filter((delivery) => {
      if (delivery.over) return false;
      if (blocked >= LOOKED_AT_MAX) return true;
      const gone = go(delivery);
      if (!gone) blocked++;
      return !gone;
    });
  }

  /** Takes out those that waited too long. */
  expire(nowMs: number): Delivery[] {
    const due = this.waiting.filter((delivery) => nowMs >= delivery.queuedUntilMs);
    if (due.length > 0) this.waiting = this.waiting.filter((delivery) => nowMs < delivery.queuedUntilMs);
    return due;
  }

  takeAll(): Delivery[] {
    return this.waiting.splice(0);
  }
}

/** How many calls each caller has in flight in this worker. Remembers only callers that have any. */
export class CallersInFlight {
  private readonly counts = new Map<number, number>();

  /** False where the caller has `bound` already. */
  enter(caller: number, bound: number): boolean {
    const count = this.counts.get(caller) ?? 0;
    if (count >= bound) return false;
    this.counts.set(caller, count + 1);
    return true;
  }

  leave(caller: number): void {
    const count = this.counts.get(caller) ?? 0;
    if (count > 1) this.counts.set(caller, count - 1);
    else this.counts.delete(caller);
  }

  get size(): number {
    return this.counts.size;
  }
}
