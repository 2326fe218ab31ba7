import type { NetworkPolicy } from '../../config/index.ts';
import type { Turn } from '../../http/index.ts';
import type { Answer } from '../answer.ts';
import type { Heads } from '../board.ts';
import type { Upstream, UpstreamCall, UpstreamFailure, UpstreamObserver } from '../call.ts';
import { failureOf, refused } from '../failure.ts';
import { backoffMs } from './backoff.ts';
import { asksForBlock } from './block-number.ts';
import type { Chooser, Chosen, NoneChosen } from './choose.ts';
import { Attempt, Delivery, deliveryOf, heldBy, nobody } from './delivery.ts';
import { Endings, type Timers } from './endings.ts';
import { ErrorAnswers } from './error-answers.ts';
import { KnownMethods } from './known-methods.ts';
import type { Member } from './member.ts';
import { RetryBudget } from './retry-budget.ts';
import { SecondAttempts } from './second-attempts.ts';
import { ToldBlocks } from './told-blocks.ts';
import { zeroTotals } from './totals.ts';
import { TurnClock } from './turn-clock.ts';
import { CallersInFlight } from './waiting-calls.ts';
import { RETRY_AFTER_MS, WaitingRoom } from './waiting-room.ts';
import { Wishes } from './wishes.ts';

export interface DispatcherDeps {
  turn: Turn;
  /** Monotonic microseconds. */
  now: () => number;
  random: () => number;
  timers: Timers;
  heads: Heads;
}

/** Brings each call to an answer: over as many upstreams as it takes and is safe, inside one deadline. */
export class Dispatcher implements UpstreamObserver {
  readonly totals = zeroTotals();
  readonly clock: TurnClock;
  private readonly deps: DispatcherDeps;
  private readonly wishes: Wishes;
  private readonly retryBudget = new RetryBudget();
  private readonly callers = new CallersInFlight();
  private readonly known = new KnownMethods();
  private readonly endings: Endings;
  private readonly waiting: WaitingRoom;
  private readonly seconds: SecondAttempts;
  private readonly toldBlocks: ToldBlocks;
  private readonly errors: ErrorAnswers;
  private closed = false;
  /** A call needs no {@link Delivery} from its beginning. */
  private plain = false;

  constructor(network: NetworkPolicy, deps: DispatcherDeps) {
    this.deps = deps;
    this.clock = new TurnClock(deps.now, deps.turn);
    const { timers, heads } = deps;
    const { totals, callers, known } = this;
    const now = (): number => this.clock.now();
    const closed = (): boolean => this.closed;
    const roomMade = (nowMs: number): void => this.waiting.release(nowMs);
    const wishes = new Wishes(network, heads, deps.random);
    const endings = new Endings({ timers, now, totals, callers, roomMade });
    this.wishes = wishes;
    this.endings = endings;
    this.waiting = new WaitingRoom({
      ...{ wishes, endings, totals, timers, now },
      go: (delivery, chosen, nowMs) => {
        if (delivery.begun > 0) this.retry(delivery, chosen, nowMs);
        else this.launch(delivery, chosen, 'after waiting', nowMs);
      },
    });
    this.seconds = new SecondAttempts({
      ...{ wishes, endings, totals, now, closed },
      afford: (delivery, nowMs) => this.afford(delivery, nowMs),
      launch: (delivery, chosen, why, nowMs) => this.launch(delivery, chosen, why, nowMs),
    });
    this.toldBlocks = new ToldBlocks(wishes, heads);
    this.errors = new ErrorAnswers({
      ...{ wishes, heads, known, endings, closed, roomMade },
      goOn: (delivery, again, nowMs) => this.goOn(delivery, again, nowMs),
    });
  }

  get chooser(): Chooser {
    return this.wishes.chooser;
  }

  get waitingCount(): number {
    return this.waiting.length;
  }

  update(network: NetworkPolicy, members: readonly Member[]): void {
    this.wishes.update(network, members);
    this.endings.timeoutMs = network.timeoutMs;
    this.seconds.update();
    const { hedge, shed, timeoutMs } = network;
    this.plain =
      (hedge === null || members.length === 1) &&
      shed.maxInFlightPerCaller === 0 &&
      members.every((member) => member.policy.timeoutMs <= timeoutMs);
  }

  send(call: UpstreamCall): void {
    const nowMs = this.clock.now();
    this.retryBudget.called(nowMs);
    call.attempts = 0;
    if (this.closed) return this.endings.fail(new Delivery(call, nowMs), closedFailure);
    if (!this.plain || call.traced) return this.begin(new Delivery(call, nowMs), nowMs);
    const { sole } = this.wishes;
    if (sole?.carefree && this.waiting.length === 0) {
      sole.flight.enterFreely();
      call.via = sole.policy.index;
      sole.upstream.send(new Attempt(call, sole, null, nowMs, 'only one', null));
      return;
    }
    this.waiting.release(nowMs, call);
    const chosen = this.wishes.choose(call, nobody, nowMs);
    if (chosen.member === null) return this.noneFor(new Delivery(call, nowMs), chosen, nowMs);
    if (chosen.why === 'trial') return this.launch(new Delivery(call, nowMs), chosen, chosen.why, nowMs);
    const { member } = chosen;
    call.via = member.policy.index;
    member.upstream.send(new Attempt(call, member, chosen.claim, nowMs, chosen.why, null));
  }

  private begin(delivery: Delivery, nowMs: number): void {
    const { call } = delivery;
    const { maxInFlightPerCaller } = this.wishes.network.shed;
    if (call.traced) this.note(delivery, nowMs);
    if (maxInFlightPerCaller > 0 && call.caller !== 0) {
      if (!this.callers.enter(call.caller, maxInFlightPerCaller)) {
        return this.waiting.turnAway(delivery, 'the caller has too many calls in flight', RETRY_AFTER_MS);
      }
      delivery.counted = true;
    }
    this.endings.watchDeadline(delivery, nowMs);
    this.waiting.release(nowMs, call);
    const chosen = this.wishes.choose(call, nobody, nowMs);
    if (chosen.member === null) return this.noneFor(delivery, chosen, nowMs);
    this.launch(delivery, chosen, chosen.why, nowMs);
  }

  private launch(
    delivery: Delivery,
    { member, claim, why: reason }: Chosen,
    why: string,
    nowMs: number,
  ): void {
    const { call } = delivery;
    call.via = member.policy.index;
    const attempt = new Attempt(call, member, claim, nowMs, why, delivery);
    delivery.begin(attempt);
    this.seconds.plan(delivery, reason === 'trial');
    member.upstream.send(attempt);
  }

  answered(_upstream: Upstream, sent: UpstreamCall, bytes: Buffer, answer: Answer, errorCode: number): void {
    const attempt = sent as Attempt;
    const { member, call, delivery } = attempt;
    const nowMs = this.clock.now();
    const ms = nowMs - attempt.startedMs;
    if (delivery !== null && delivery.call !== call)
      return this.errors.lookedUp(attempt, delivery, bytes, answer, ms, nowMs);
    if (answer.errorStart >= 0) return this.errors.answered(attempt, bytes, answer, errorCode, ms, nowMs);
    member.succeeded(attempt.claim, call.method, ms, nowMs);
    this.known.learn(call.method);
    delivery?.unsure?.blamed(call.method, nowMs);
    this.seconds.observe(call.method, ms);
    if (this.wishes.network.kind === 'ethereum' && asksForBlock(call.method)) {
      const aside = this.toldBlocks.putAside(attempt, bytes, answer, nowMs);
      if (aside !== null) return this.goOn(aside, false, nowMs);
    }
    if (delivery !== null) this.endings.conclude(delivery, attempt, nowMs);
    call.answered(bytes, answer.start, answer.end, answer.idStart, answer.idEnd, false, answer.resultStart);
    this.waiting.release(nowMs);
  }

  failed(_upstream: Upstream, sent: UpstreamCall, failure: UpstreamFailure): void {
    const attempt = sent as Attempt;
    const { member, call } = attempt;
    const nowMs = this.clock.now();
    // What fails because we take an upstream out of service is no sign of its health.
    if (this.closed || !this.wishes.members.includes(member)) member.withdrawn(attempt.claim, call.method);
    else member.failed(attempt.claim, call.method, failure, nowMs - attempt.startedMs, nowMs);
    const delivery = deliveryOf(attempt);
    delivery.end(attempt, nowMs, failure.reason);
    delivery.lastFailure = failure;
    const others = delivery.absent.filter((one) => one !== member);
    delivery.absent = failure.kind === 'connect' && failure.delivered === 'no' ? [...others, member] : others;
    const lookup = delivery.call !== call;
    if (lookup || (failure.kind === 'oversized' && delivery.live.length === 0)) {
      // Asked elsewhere, it would be as large.
      this.endings.giveUp(delivery, nowMs);
      this.waiting.release(nowMs);
      return;
    }
    delivery.methodMissing = false;
    delivery.doubtful = failure.kind === 'status' && !this.known.has(call.method);
    if (failure.delivered === 'maybe') {
      delivery.maybe = true;
      delivery.taken ||= !refused(failure);
      delivery.delivered = true;
      delivery.holding.push(attempt.policy);
    }
    this.goOn(delivery, true, nowMs);
    this.waiting.release(nowMs);
  }

  /** After an attempt that brought nothing. @param again may the same upstream be asked once more? */
  private goOn(delivery: Delivery, again: boolean, nowMs: number): void {
    if (delivery.live.length > 0) return;
    const { call } = delivery;
    const { retry } = this.wishes.network;
    this.endings.stopTimer(delivery);
    const forbidden = call.retry === 'never' && delivery.maybe;
    if (this.closed || forbidden || delivery.begun >= retry.attempts)
      return this.endings.giveUp(delivery, nowMs);
    this.note(delivery, nowMs);
    const other = this.wishes.chooseOther(delivery, nowMs);
    if (delivery.methodMissing && other.member !== null && other.member.methods.lacks(call.method, nowMs)) {
      // Its answer is known.
      other.member.withdrawn(other.claim, call.method);
      return this.endings.giveUp(delivery, nowMs);
    }
    const same =
      again && (call.retry !== 'transaction' || delivery.tried.some((one) => !heldBy(delivery, one)));
    if (other.member === null && !same && other.why === 'none') return this.endings.giveUp(delivery, nowMs);
    if (delivery.delivered && !this.afford(delivery, nowMs)) {
      other.member?.withdrawn(other.claim, call.method);
      return this.endings.giveUp(delivery, nowMs);
    }
    this.endings.watchDeadline(delivery, nowMs);
    if (other.member !== null) return this.retry(delivery, other, nowMs);
    if (!same) return this.waiting.enter(delivery, other.waitMs, nowMs);
    this.rest(delivery, 0);
  }

  private rest(delivery: Delivery, leastMs: number): void {
    const waitMs = backoffMs(++delivery.waits, this.wishes.network.retry, this.deps.random);
    this.endings.rest(delivery, Math.max(leastMs, waitMs), () => this.tryAgain(delivery));
  }

  /** On an upstream that was asked before, or on another that has become fit meanwhile. */
  private tryAgain(delivery: Delivery): void {
    const nowMs = this.clock.now();
    if (this.closed) return this.endings.giveUp(delivery, nowMs);
    const chosen = this.wishes.chooseAny(delivery, nowMs);
    if (chosen.member !== null) {
      const found = this.wishes.unlessAbsent(delivery, chosen, nowMs);
      return found === null ? this.rest(delivery, ROOM_MS) : this.retry(delivery, found, nowMs);
    }
    if (chosen.why === 'full') this.waiting.enter(delivery, chosen.waitMs, nowMs);
    else this.endings.giveUp(delivery, nowMs);
  }

  private retry(delivery: Delivery, chosen: Chosen, nowMs: number): void {
    this.totals.retries++;
    chosen.member.totals.retries++;
    this.launch(delivery, chosen, 'retry', nowMs);
  }

  private afford({ doubtful }: Delivery, nowMs: number): boolean {
    const { retryBudget } = this;
    if (
      doubtful ? retryBudget.takeDoubtful(nowMs) : retryBudget.take(nowMs, this.wishes.network.retry.budget)
    )
      return true;
    this.totals.overBudget++;
    return false;
  }

  /** No upstream for a first attempt. */
  private noneFor(delivery: Delivery, { why, waitMs }: NoneChosen, nowMs: number): void {
    if (why === 'full') return this.waiting.enter(delivery, waitMs, nowMs);
    this.totals.unserved++;
    this.endings.fail(
      delivery,
      failureOf('connect', this.wishes.whyNobody(nowMs), 'no', waitMs > 0 ? Math.ceil(waitMs) : undefined),
    );
  }

  /** For the trace, which is shown from the second attempt on. */
  private note(delivery: Delivery, nowMs: number): void {
    delivery.weighed ??= this.wishes.trace(delivery.call, nowMs);
  }

  /** Nothing new is taken, nothing sent again: calls that wait are told so now. Calls under way come to their end. */
  close(): void {
    this.closed = true;
    const nowMs = this.clock.now();
    for (const delivery of [...this.waiting.takeAll(), ...this.endings.resting]) {
      delivery.lastFailure ??= closedFailure;
      this.endings.giveUp(delivery, nowMs);
    }
  }
}

/** Between two looks whether another upstream has room, at least. */
const ROOM_MS = 10;
const closedFailure: UpstreamFailure = failureOf('connect', 'upstream is closed', 'no');
