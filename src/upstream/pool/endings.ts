import type { UpstreamFailure } from '../call.ts';
import { failureOf } from '../failure.ts';
import type { Attempt, Delivery, KeptAnswer } from './delivery.ts';
import type { PoolTotals } from './totals.ts';
import type { CallersInFlight } from './waiting-calls.ts';

/** Timers as `setTimeout` gives them. */
export interface Timers {
  set(run: () => void, ms: number): unknown;
  clear(timer: unknown): void;
}

export interface EndingsDeps {
  timers: Timers;
  /** Monotonic milliseconds. */
  now: () => number;
  totals: PoolTotals;
  callers: CallersInFlight;
  /** An upstream has room again. */
  roomMade: (nowMs: number) => void;
}

/** How calls end: by an answer, a failure or their deadline; and what is to be undone then. */
export class Endings {
  /** A call with all its attempts. */
  timeoutMs = 0;
  /** Under way nowhere: wait before the same upstream is tried again. */
  readonly resting = new Set<Delivery>();
  readonly deps: EndingsDeps;

  constructor(deps: EndingsDeps) {
    this.deps = deps;
  }

  /** Tells the best there is: a node's own answer before a failure of ours. */
  giveUp(delivery: Delivery, nowMs: number): void {
    if (delivery.over) return;
    this.conclude(delivery, null, nowMs);
    const { nodeAnswer, lastFailure } = delivery;
    // Whose it is, and what that node knew, is not remembered: nobody is to keep it.
    if (nodeAnswer !== null && !nodeAnswer.isError) delivery.call.via = -1;
    if (nodeAnswer !== null) this.tell(delivery, nodeAnswer);
    else delivery.call.failed(lastFailure ?? failureOf('connect', 'no upstream', 'no'));
  }

  /** Also inside `send`, where nothing may be told. */
  fail(delivery: Delivery, failure: UpstreamFailure): void {
    process.nextTick(() => {
      if (delivery.over) return;
      this.conclude(delivery, null, this.deps.now());
      delivery.call.failed(failure);
    });
  }

  tell({ call }: Delivery, { bytes, idStart, idEnd, isError }: KeptAnswer): void {
    call.answered(bytes, 0, bytes.length, idStart, idEnd, isError);
  }

  /** The call has its answer, by `winner` if not null: what else is under way for it is so no more. */
  conclude(delivery: Delivery, winner: Attempt | null, nowMs: number): void {
    const { call } = delivery;
    delivery.over = true;
    this.stopTimer(delivery);
    if (delivery.deadline !== undefined) this.deps.timers.clear(delivery.deadline);
    if (winner !== null) {
      delivery.end(winner, nowMs, null);
      call.via = winner.member.policy.index;
      if (winner.why === 'hedge') {
        this.deps.totals.hedgesWon++;
        winner.member.totals.hedgesWon++;
      }
      if (delivery.tried[0] !== winner.member) {
        this.deps.totals.failovers++;
        winner.member.totals.failovers++;
      }
    }
    this.resting.delete(delivery);
    for (const loser of delivery.live) {
      loser.member.upstream.cancel(loser);
      const late = winner !== null && winner.startedMs > loser.startedMs;
      loser.member.outrun(loser.claim, loser.method, nowMs - loser.startedMs, nowMs, late);
      delivery.end(loser, nowMs, winner === null ? 'the call was over' : 'another was faster');
    }
    if (delivery.counted) this.deps.callers.leave(call.caller);
    if (!call.traced && delivery.begun < 2) return;
    call.trace = { attempts: delivery.attempts, weighed: delivery.weighed ?? [] };
  }

  expireDeadline(delivery: Delivery): void {
    if (delivery.over) return;
    const nowMs = this.deps.now();
    const late = failureOf(
      'timeout',
      'not answered in time',
      delivery.maybe || delivery.live.length > 0 ? 'maybe' : 'no',
    );
    for (const attempt of delivery.live) {
      attempt.member.upstream.cancel(attempt);
      // One that had most of the time is to blame; one that came late is not.
      const ms = nowMs - attempt.startedMs;
      const { claim, member } = attempt;
      if (ms * 2 >= this.timeoutMs) member.failed(claim, attempt.method, late, ms, nowMs);
      else member.outrun(claim, attempt.method, ms, nowMs, false);
      delivery.end(attempt, nowMs, late.reason);
    }
    delivery.lastFailure = late;
    this.giveUp(delivery, nowMs);
    this.deps.roomMade(nowMs);
  }

  watchDeadline(delivery: Delivery, nowMs: number): void {
    if (delivery.deadline !== undefined) return;
    const leftMs = delivery.startedMs + this.timeoutMs - nowMs;
    delivery.deadline = this.deps.timers.set(() => this.expireDeadline(delivery), Math.max(0, leftMs));
  }

  wait(delivery: Delivery, ms: number, then: () => void): void {
    this.stopTimer(delivery);
    delivery.timer = this.deps.timers.set(() => {
      delivery.timer = undefined;
      if (!delivery.over) then();
    }, ms);
  }

  /** {@link wait} of a call that nothing else is done for meanwhile. */
  rest(delivery: Delivery, ms: number, then: () => void): void {
    this.resting.add(delivery);
    this.wait(delivery, ms, () => {
      this.resting.delete(delivery);
      then();
    });
  }

  stopTimer(delivery: Delivery): void {
    if (delivery.timer === undefined) return;
    this.deps.timers.clear(delivery.timer);
    delivery.timer = undefined;
  }
}
