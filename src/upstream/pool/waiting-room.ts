import type { UpstreamCall } from '../call.ts';
import { failureOf } from '../failure.ts';
import { takeText } from '../pending.ts';
import type { Chosen } from './choose.ts';
import type { Delivery } from './delivery.ts';
import type { Endings, Timers } from './endings.ts';
import type { PoolTotals } from './totals.ts';
import { WaitingCalls } from './waiting-calls.ts';
import type { Wishes } from './wishes.ts';

/** How often waiting calls look whether another worker made room, and whether they waited too long. */
const LOOK_MS = 10;
/** Told to who is turned away where nothing says when there is room. */
export const RETRY_AFTER_MS = 1000;
const RETRY_AFTER_MS_MAX = 3_600_000;

export interface WaitingRoomDeps {
  wishes: Wishes;
  endings: Endings;
  totals: PoolTotals;
  timers: Timers;
  /** Monotonic milliseconds. */
  now: () => number;
  /** An upstream was found for it. */
  go: (delivery: Delivery, chosen: Chosen, nowMs: number) => void;
}

/** Calls for which no upstream has room: they wait for some, and are turned away where that would take too long. */
export class WaitingRoom {
  private readonly calls = new WaitingCalls();
  private looking = false;
  private readonly deps: WaitingRoomDeps;

  constructor(deps: WaitingRoomDeps) {
    this.deps = deps;
  }

  get length(): number {
    return this.calls.length;
  }

  /** @param waitMs until there may be room, as far as is known; 0: unknown */
  enter(delivery: Delivery, waitMs: number, nowMs: number): void {
    const { call } = delivery;
    const { shed } = this.deps.wishes.network;
    // Its bytes are gone by the time it is sent.
    if (call.text === '') takeText(call);
    if (waitMs > shed.queueTimeoutMs)
      return this.turnAway(delivery, 'no upstream will have room in time', waitMs);
    if (!this.calls.add(delivery, shed, nowMs))
      return this.turnAway(delivery, 'upstreams are full, and so is the queue', waitMs);
    this.deps.endings.watchDeadline(delivery, nowMs);
    this.look();
  }

  /** Lets go whom there is room for now. @param next arrives now, behind those that wait for the same */
  release(nowMs: number, next?: UpstreamCall): void {
    if (this.calls.length === 0) return;
    this.calls.release((delivery) => {
      const chosen = this.deps.wishes.chooseAny(delivery, nowMs);
      if (chosen.member === null) return false;
      this.deps.go(delivery, chosen, nowMs);
      return true;
    }, next);
  }

  turnAway(delivery: Delivery, reason: string, waitMs: number): void {
    if (delivery.over) return;
    const { endings, totals } = this.deps;
    const retryAfterMs = waitMs > 0 ? Math.min(RETRY_AFTER_MS_MAX, Math.ceil(waitMs)) : RETRY_AFTER_MS;
    if (delivery.begun > 0) {
      const { lastFailure } = delivery;
      if (lastFailure?.kind === 'throttled') delivery.lastFailure = { retryAfterMs, ...lastFailure };
      return endings.giveUp(delivery, this.deps.now());
    }
    totals.shed++;
    endings.fail(delivery, failureOf('overloaded', reason, 'no', retryAfterMs));
  }

  takeAll(): Delivery[] {
    return this.calls.takeAll();
  }

  private look(): void {
    if (this.looking) return;
    this.looking = true;
    this.deps.timers.set(() => {
      this.looking = false;
      const nowMs = this.deps.now();
      this.release(nowMs);
      for (const late of this.calls.expire(nowMs))
        this.turnAway(late, 'upstreams stayed full', this.waitMsOf(late, nowMs));
      if (this.calls.length > 0) this.look();
    }, LOOK_MS);
  }

  /** Milliseconds until there may be room for it, as far as is known now; 0: unknown. */
  private waitMsOf(delivery: Delivery, nowMs: number): number {
    const chosen = this.deps.wishes.chooseAny(delivery, nowMs);
    if (chosen.member === null) return chosen.waitMs;
    chosen.member.withdrawn(chosen.claim, delivery.call.method);
    return 0;
  }
}
