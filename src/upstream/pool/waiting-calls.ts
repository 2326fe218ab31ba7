import type { ShedPolicy } from '../../config/index.ts';
import type { UpstreamCall } from '../call.ts';
import type { Delivery } from './delivery.ts';

/** Kinds of calls looked at, of which one is that of the call that gives the occasion; the rest have their turn the next time. */
const LOOKED_AT_MAX = 16;

/** Calls that the same upstreams can serve: where one of them has no room, no other has. In order of arrival. */
interface Kind {
  readonly name: string;
  calls: Delivery[];
}

/** Calls that wait until an upstream has room: in order of arrival, but none is held up by others that wait for something else. */
export class WaitingCalls {
  private readonly byName = new Map<string, Kind>();
  private kinds: Kind[] = [];
  /** Where the next look begins, if there are more kinds than are looked at. */
  private from = 0;
  private count = 0;
  private arrivals = 0;

  get length(): number {
    return this.count;
  }

  /** False where there is no place left; the last ones are kept for critical calls. */
  add(delivery: Delivery, { queue, reserve, queueTimeoutMs }: ShedPolicy, nowMs: number): boolean {
    const places = delivery.call.critical ? queue : Math.floor(queue * (1 - reserve));
    if (this.count >= places) return false;
    delivery.queuedUntilMs = nowMs + queueTimeoutMs;
    delivery.arrival = ++this.arrivals;
    const name = nameOf(delivery.call, delivery.begun);
    const known = this.byName.get(name);
    if (known === undefined) {
      const kind: Kind = { name, calls: [delivery] };
      this.byName.set(name, kind);
      this.kinds.push(kind);
    } else known.calls.push(delivery);
    this.count++;
    return true;
  }

  /**
   * Lets each go in order, as far as there is room.
   *
   * @param go false: no room for this one
   * @param next arrives now: those of its kind are looked at in any case, and so are not overtaken by it
   */
  release(go: (delivery: Delivery) => boolean, next?: UpstreamCall): void {
    const looked = this.turnOf(next);
    for (;;) {
      let first: Kind | undefined;
      for (const kind of looked) {
        if (kind.calls.length > 0 && (first === undefined || arrivalOf(kind) < arrivalOf(first)))
          first = kind;
      }
      if (first === undefined) break;
      const delivery = first.calls[0]!;
      if (!delivery.over && !go(delivery)) {
        looked.splice(looked.indexOf(first), 1);
        continue;
      }
      first.calls.shift();
      this.count--;
    }
    this.forgetEmpty(looked);
  }

  /** The kinds to be looked at now. */
  private turnOf(next: UpstreamCall | undefined): Kind[] {
    const { kinds } = this;
    if (kinds.length <= LOOKED_AT_MAX) return [...kinds];
    const own = next === undefined ? undefined : this.byName.get(nameOf(next, 0));
    const looked = own === undefined ? [] : [own];
    for (let k = 0; k < kinds.length && looked.length < LOOKED_AT_MAX; k++) {
      const kind = kinds[this.from++ % kinds.length]!;
      if (kind !== own) looked.push(kind);
    }
    this.from %= kinds.length;
    return looked;
  }

  private forgetEmpty(looked: readonly Kind[]): void {
    const empty = looked.filter(({ calls }) => calls.length === 0);
    if (empty.length === 0) return;
    for (const { name } of empty) this.byName.delete(name);
    this.kinds = this.kinds.filter(({ calls }) => calls.length > 0);
  }

  /** Takes out those that waited too long, and those that are over. */
  expire(nowMs: number): Delivery[] {
    const due: Delivery[] = [];
    for (const kind of this.kinds) {
      const before = kind.calls.length;
      kind.calls = kind.calls.filter((delivery) => {
        if (delivery.over) return false;
        if (nowMs < delivery.queuedUntilMs) return true;
        due.push(delivery);
        return false;
      });
      this.count -= before - kind.calls.length;
    }
    this.forgetEmpty(this.kinds);
    return due;
  }

  takeAll(): Delivery[] {
    const all = this.kinds.flatMap(({ calls }) => calls);
    this.kinds = [];
    this.byName.clear();
    this.count = 0;
    return all;
  }
}

/** Where a call was already sent it may have fewer upstreams left than others of its method. */
function nameOf({ method, critical }: UpstreamCall, begun: number): string {
  return `${critical ? '!' : ''}${begun > 0 ? '+' : ''}${method}`;
}

function arrivalOf({ calls }: Kind): number {
  return calls[0]!.arrival;
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
