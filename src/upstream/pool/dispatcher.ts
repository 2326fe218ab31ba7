import type { NetworkPolicy } from '../../config/index.ts';
import type { Turn } from '../../http/index.ts';
import { wellKnownMethods } from '../../metrics/index.ts';
import type { Answer } from '../answer.ts';
import type { Heads } from '../board.ts';
import type { Upstream, UpstreamCall, UpstreamFailure, UpstreamObserver } from '../call.ts';
import { failureOf } from '../failure.ts';
import { takeText } from '../pending.ts';
import { backoffMs } from './backoff.ts';
import {
  asksForBlock,
  unfinalizes,
  headTold,
  neededBlock,
  noteTold,
  saysNone,
  resultAnswer,
  runsBackwards,
  servedAnswer,
  tellsHead,
} from './block-number.ts';
import { Chooser, type Chosen, type NoneChosen, type Wish } from './choose.ts';
import { Attempt, Delivery } from './delivery.ts';
import { Endings, type Timers } from './endings.ts';
import { HeadBound } from './head-bound.ts';
import { MethodLatencies } from './latency-sketch.ts';
import type { Member } from './member.ts';
import { judgeError } from './judge-error.ts';
import type { NodeErrorKind } from './node-errors.ts';
import { MISSED_MS, oldBlock, readsState } from './old-state.ts';
import { RetryBudget } from './retry-budget.ts';
import { sameNode } from './same-node.ts';
import { zeroTotals } from './totals.ts';
import { transactionHash } from './transaction.ts';
import { LOOKUP_METHOD, TransactionLookup } from './transaction-lookup.ts';
import { TurnClock } from './turn-clock.ts';
import { CallersInFlight, WaitingCalls } from './waiting-calls.ts';

/** Methods known to be answered somewhere; nodes answer few. */
const KNOWN_MAX = 1024;
/** How often waiting calls look whether another worker made room, and whether they waited too long. */
const LOOK_MS = 10;
/** A trial that has not answered by then gets company, so that finding out whether a node is well holds up nobody. */
const TRIAL_BACKUP_MS = 250;
/** Told to who is turned away where nothing says when there is room. */
const RETRY_AFTER_MS = 1000;
const RETRY_AFTER_MS_MAX = 3_600_000;

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
  readonly chooser: Chooser;
  readonly clock: TurnClock;
  private network: NetworkPolicy;
  private readonly deps: DispatcherDeps;
  private readonly retryBudget = new RetryBudget();
  private readonly waiting = new WaitingCalls();
  private readonly callers = new CallersInFlight();
  private readonly endings: Endings;
  private readonly headBound = new HeadBound();
  private latencies: MethodLatencies | null = null;
  private readonly wish: Wish = { method: '', critical: false, mayTry: false, block: -1, oldBlock: -1 };
  /** Methods that an upstream answered, or that any node may be taken to have. */
  private readonly known = new Set(wellKnownMethods);
  private answeredLast = '';
  /** An upstream keeps late states only; until when one is taken to by what it said. */
  private lateStates = false;
  private stateMissedUntilMs = 0;
  private looking = false;
  private closed = false;
  /** A call needs no {@link Delivery} from its beginning. */
  private plain = false;
  /** The only upstream; null where there are several. */
  private sole: Member | null = null;

  constructor(network: NetworkPolicy, deps: DispatcherDeps) {
    this.network = network;
    this.deps = deps;
    this.clock = new TurnClock(deps.now, deps.turn);
    this.chooser = new Chooser(deps.random);
    const now = (): number => this.clock.now();
    const roomMade = (nowMs: number): void => {
      if (this.waiting.length > 0) this.releaseWaiting(nowMs);
    };
    this.endings = new Endings({
      timers: deps.timers,
      now,
      totals: this.totals,
      callers: this.callers,
      roomMade,
    });
    this.chooser.networkHead = () => deps.heads.head;
  }

  update(network: NetworkPolicy, members: readonly Member[]): void {
    this.network = network;
    this.endings.timeoutMs = network.timeoutMs;
    this.chooser.members = members;
    this.sole = members.length === 1 ? members[0]! : null;
    this.lateStates = members.some((member) => !member.policy.archive);
    const { hedge, shed, timeoutMs } = network;
    this.plain =
      (hedge === null || members.length === 1) &&
      shed.maxInFlightPerCaller === 0 &&
      members.every((member) => member.policy.timeoutMs <= timeoutMs);
    if (hedge === null) this.latencies = null;
    else this.latencies ??= new MethodLatencies();
  }

  send(call: UpstreamCall): void {
    const nowMs = this.clock.now();
    this.retryBudget.called(nowMs);
    call.attempts = 0;
    if (this.closed) return this.endings.fail(new Delivery(call, nowMs), closedFailure);
    if (!this.plain || call.traced) return this.begin(new Delivery(call, nowMs), nowMs);
    const { sole } = this;
    if (sole?.carefree && this.waiting.length === 0) {
      sole.enterFreely();
      call.via = sole.policy.index;
      sole.upstream.send(new Attempt(call, sole, null, nowMs, 'only one', null));
      return;
    }
    if (this.waiting.length > 0) this.releaseWaiting(nowMs, call);
    const chosen = this.choose(call, nothing, nowMs);
    if (chosen.member === null) return this.noneFor(new Delivery(call, nowMs), chosen, nowMs);
    if (chosen.why === 'trial') return this.launch(new Delivery(call, nowMs), chosen, chosen.why, nowMs);
    const { member } = chosen;
    call.via = member.policy.index;
    member.upstream.send(new Attempt(call, member, chosen.claim, nowMs, chosen.why, null));
  }

  private begin(delivery: Delivery, nowMs: number): void {
    const { call } = delivery;
    const { maxInFlightPerCaller } = this.network.shed;
    if (call.traced) this.note(delivery, nowMs);
    if (maxInFlightPerCaller > 0 && call.caller !== 0) {
      if (!this.callers.enter(call.caller, maxInFlightPerCaller)) {
        return this.shed(delivery, 'the caller has too many calls in flight', RETRY_AFTER_MS);
      }
      delivery.counted = true;
    }
    this.endings.watchDeadline(delivery, nowMs);
    if (this.waiting.length > 0) this.releaseWaiting(nowMs, call);
    const chosen = this.choose(call, nothing, nowMs);
    if (chosen.member === null) return this.noneFor(delivery, chosen, nowMs);
    this.launch(delivery, chosen, chosen.why, nowMs);
  }

  private choose(call: UpstreamCall, not: readonly Member[], nowMs: number): Chosen | NoneChosen {
    const { wish } = this;
    wish.method = call.method;
    wish.critical = call.critical;
    wish.mayTry = call.retry === 'safe' && this.sole === null && this.network.retry.attempts > 1;
    wish.block = this.blockFor(call);
    wish.oldBlock = this.oldBlockFor(call, nowMs);
    return this.chooser.choose(wish, not, nowMs);
  }

  private blockFor(call: UpstreamCall): number {
    if (this.sole !== null || this.network.kind !== 'ethereum' || !asksForBlock(call.method)) return -1;
    if (call.text === '') takeText(call);
    return neededBlock(call.method, call.text, this.deps.heads);
  }

  private oldBlockFor(call: UpstreamCall, nowMs: number): number {
    if (this.sole !== null || this.network.kind !== 'ethereum') return -1;
    if (nowMs >= this.stateMissedUntilMs && !(this.lateStates && readsState(call.method))) return -1;
    if (call.text === '') takeText(call);
    return oldBlock(call.text, this.deps.heads.head);
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
    this.planSecond(delivery, reason === 'trial');
    member.upstream.send(attempt);
  }

  /** A second attempt beside the first, if that takes long. */
  private planSecond(delivery: Delivery, trial: boolean): void {
    const { hedge } = this.network;
    const { call } = delivery;
    if (call.retry !== 'safe' || this.sole !== null || delivery.live.length > 1) return;
    if (trial)
      return this.endings.wait(delivery, TRIAL_BACKUP_MS, () => this.addSecond(delivery, 'beside a trial'));
    if (hedge === null || delivery.begun > 1) return;
    const usual = this.latencies?.of(call.method).quantile(hedge.quantile) ?? hedge.maxDelayMs;
    const delayMs = Math.max(hedge.minDelayMs, Math.min(hedge.maxDelayMs, usual));
    this.endings.wait(delivery, delayMs, () => this.addSecond(delivery, 'hedge'));
  }

  private addSecond(delivery: Delivery, why: string): void {
    const nowMs = this.clock.now();
    if (this.closed || delivery.live.length !== 1 || delivery.begun >= this.network.retry.attempts) return;
    // First whether there is one: what is taken from the budget is not given back.
    const chosen = this.choose(delivery.call, delivery.tried, nowMs);
    if (chosen.member === null) return;
    if (!this.afford(delivery, nowMs)) return chosen.member.withdrawn(chosen.claim, delivery.call.method);
    const kind = why === 'hedge' ? 'hedges' : 'retries';
    this.totals[kind]++;
    chosen.member.totals[kind]++;
    this.note(delivery, nowMs);
    this.endings.watchDeadline(delivery, nowMs);
    this.launch(delivery, chosen, why, nowMs);
  }

  answered(_upstream: Upstream, sent: UpstreamCall, bytes: Buffer, answer: Answer, errorCode: number): void {
    const attempt = sent as Attempt;
    const { member, call, delivery } = attempt;
    const nowMs = this.clock.now();
    const ms = nowMs - attempt.startedMs;
    if (delivery !== null && delivery.call !== call) return this.lookedUp(attempt, bytes, answer, ms, nowMs);
    if (answer.errorStart >= 0) return this.answeredError(attempt, bytes, answer, errorCode, ms, nowMs);
    member.succeeded(attempt.claim, call.method, ms, nowMs);
    if (call.method !== this.answeredLast) this.learnKnown(call.method);
    delivery?.unsure?.blamed(call.method, nowMs);
    if (this.latencies !== null) this.latencies.of(call.method).observe(ms);
    if (this.network.kind === 'ethereum' && asksForBlock(call.method)) {
      if (tellsHead(call.method, call.text)) {
        if (this.holdsBack(attempt, bytes, answer, nowMs)) return;
      } else if (this.sole === null && unfinalizes(call, bytes, answer, this.deps.heads)) {
        return this.passesOver(
          attempt,
          bytes,
          answer,
          'its finalized block is older than the known one',
          nowMs,
        );
      } else if (this.sole === null && saysNone(bytes, answer)) {
        if (this.lacksBlock(attempt, bytes, answer, nowMs)) return;
      }
    }
    if (delivery !== null) this.endings.conclude(delivery, attempt, nowMs);
    call.answered(bytes, answer.start, answer.end, answer.idStart, answer.idEnd, false, answer.resultStart);
    if (this.waiting.length > 0) this.releaseWaiting(nowMs);
  }

  /** An answer by which the chain would run backwards is asked for elsewhere; true if it is not to be told. */
  private holdsBack(attempt: Attempt, bytes: Buffer, answer: Answer, nowMs: number): boolean {
    const { heads } = this.deps;
    const { call } = attempt;
    const { maxBlockLag, health } = this.network;
    const number = headTold(call.method, bytes, answer);
    const blocks =
      heads.head < 0 ? -1 : this.headBound.blocks(heads.head, maxBlockLag, health.intervalMs, nowMs);
    if (blocks >= 0 && number > heads.head + blocks && !this.confirmed(attempt, number, blocks)) {
      return this.doubts(attempt, number, bytes, answer, nowMs);
    }
    if (!runsBackwards(heads, number)) {
      noteTold(heads, number);
      attempt.member.hasBlock(number);
      return false;
    }
    const delivery = this.deliveryOf(attempt);
    delivery.end(attempt, nowMs, `behind: block ${number}, ${heads.served} was told`);
    delivery.delivered = true;
    if (call.method === 'eth_blockNumber') delivery.nodeAnswer = servedAnswer(heads);
    else delivery.keep(bytes, answer);
    delivery.lastFailure = null;
    this.goOn(delivery, false, nowMs);
    return true;
  }

  /** Is there another upstream that has about this block, as far as is known or as it was just told? */
  private confirmed({ policy, delivery }: Attempt, number: number, blocks: number): boolean {
    const near = (other: number): boolean => Math.abs(other - number) <= blocks;
    const alike = (delivery?.tooHigh ?? []).filter(
      ({ node, number: told }) => near(told) && !sameNode(node, policy),
    );
    for (const { member } of alike) member.believe();
    return (
      alike.length > 0 ||
      this.chooser.members.some(
        (member) => !member.down && near(member.head) && !sameNode(member.policy, policy),
      )
    );
  }

  /**
   * A block so far above the head would hold up the number for all callers. It is told only where nobody else can be asked,
   * and not held to. The call that finds this out is sent on whatever the retry budget: its node is asked last from now on.
   * True if it is not told now.
   */
  private doubts(attempt: Attempt, number: number, bytes: Buffer, answer: Answer, nowMs: number): boolean {
    const { heads } = this.deps;
    const { call, member, policy } = attempt;
    const others = this.chooser.members.some(
      (other) =>
        !other.down && !sameNode(other.policy, policy) && other.breakerWaitMs(call.method, nowMs) === 0,
    );
    if (!others) return false;
    member.doubt(nowMs);
    const delivery = this.deliveryOf(attempt);
    delivery.end(attempt, nowMs, `block ${number} is far above the head, ${heads.head}`);
    delivery.tooHigh.push({ node: policy, member, number });
    if (call.method === 'eth_blockNumber') {
      noteTold(heads, heads.head);
      delivery.nodeAnswer ??= servedAnswer(heads);
    } else if (delivery.nodeAnswer === null) delivery.keep(bytes, answer);
    delivery.lastFailure = null;
    this.goOn(delivery, false, nowMs);
    return true;
  }

  /** A node that does not have a block which the network has is no reason to tell its caller that there is none. */
  private lacksBlock(attempt: Attempt, bytes: Buffer, answer: Answer, nowMs: number): boolean {
    const { call } = attempt;
    const block = neededBlock(call.method, call.text, this.deps.heads);
    if (block < 0) return false;
    this.passesOver(attempt, bytes, answer, `does not have block ${block}`, nowMs);
    return true;
  }

  /** Asks elsewhere; where nobody else can be asked the caller gets this answer after all. */
  private passesOver(attempt: Attempt, bytes: Buffer, answer: Answer, why: string, nowMs: number): void {
    const delivery = this.deliveryOf(attempt);
    delivery.end(attempt, nowMs, why);
    delivery.delivered = true;
    delivery.keep(bytes, answer);
    delivery.lastFailure = null;
    this.goOn(delivery, false, nowMs);
  }

  private answeredError(
    attempt: Attempt,
    bytes: Buffer,
    answer: Answer,
    code: number,
    ms: number,
    nowMs: number,
  ): void {
    const { member, call } = attempt;
    const text = bytes.toString('latin1', answer.errorStart, answer.errorEnd);
    const { heads } = this.deps;
    // A caller may know of a block before the next check does.
    const known = Math.max(heads.head, heads.served);
    const kind = judgeError(code, text, call.text, this.network.kind, known);
    this.learn(attempt, kind, ms, nowMs);
    const ours = call.retry === 'transaction' && attempt.delivery?.taken === true;
    const hash = ours && (kind === 'known' || kind === 'nonce') ? transactionHash(call.text) : undefined;
    if (hash === undefined && this.isAnswer(kind, attempt)) {
      if (attempt.delivery !== null) this.endings.conclude(attempt.delivery, attempt, nowMs);
      call.answered(bytes, answer.start, answer.end, answer.idStart, answer.idEnd, true);
      if (this.waiting.length > 0) this.releaseWaiting(nowMs);
      return;
    }
    const delivery = this.deliveryOf(attempt);
    if (hash !== undefined && kind === 'known') {
      this.endings.conclude(delivery, attempt, nowMs);
      return this.endings.tell(delivery, resultAnswer(hash));
    }
    delivery.end(attempt, nowMs, `node error ${code}: ${kind}`);
    delivery.keep(bytes, answer);
    if (hash !== undefined) return this.lookUp(attempt, delivery, hash, nowMs);
    delivery.delivered = true;
    delivery.maybe ||= kind === 'busy';
    delivery.taken ||= kind === 'busy';
    delivery.stateMissing ||= kind === 'state';
    delivery.methodMissing = kind === 'method';
    delivery.holding.push(attempt.policy);
    if (kind === 'internal') delivery.unsure = member;
    delivery.doubtful = kind === 'internal' || (kind === 'method' && !this.known.has(call.method));
    if (kind === 'method' && delivery.doubtful) {
      if (delivery.soughtElsewhere) return this.endings.giveUp(delivery, nowMs);
      delivery.soughtElsewhere = true;
    }
    this.goOn(delivery, kind === 'throttled' || kind === 'busy', nowMs);
  }

  /** What a node's error says of the node. One that cannot answer is quick to say so: that makes it no better. */
  private learn({ member, call, claim }: Attempt, kind: NodeErrorKind, ms: number, nowMs: number): void {
    const { method } = call;
    if (kind === 'throttled') member.throttled(nowMs);
    if (kind === 'method') member.methods.learnMissing(method, nowMs);
    if (kind === 'busy') return member.gaveUp(claim, method, nowMs);
    if (kind === 'throttled' || kind === 'method' || kind === 'internal')
      return member.withdrawn(claim, method);
    member.succeeded(claim, method, kind === 'state' ? -1 : ms, nowMs);
    const block = kind === 'state' ? oldBlock(call.text, this.deps.heads.head) : -1;
    if (block < 0) return;
    member.missedStates.learn(method, block, nowMs);
    this.stateMissedUntilMs = nowMs + MISSED_MS;
  }

  /** Is a node's error of this kind what the call is to be told? */
  private isAnswer(kind: NodeErrorKind, { call, delivery }: Attempt): boolean {
    if (kind === 'caller' || kind === 'known' || kind === 'nonce' || call.retry === 'never') return true;
    if (kind !== 'internal') return false;
    return this.sole !== null || call.retry !== 'safe' || (delivery !== null && delivery.unsure !== null);
  }

  /** The nonce is used up: by this transaction, which another node took for us, or by another one of its sender. */
  private lookUp({ member }: Attempt, delivery: Delivery, hash: string, nowMs: number): void {
    const { call } = delivery;
    const claim = member.methods.has(LOOKUP_METHOD)
      ? member.claim(LOOKUP_METHOD, call.critical, nowMs)
      : undefined;
    if (claim === undefined || this.closed) {
      if (claim !== undefined) member.withdrawn(claim, LOOKUP_METHOD);
      return this.endings.giveUp(delivery, nowMs);
    }
    this.endings.watchDeadline(delivery, nowMs);
    const lookup = new TransactionLookup(hash, call.critical);
    const attempt = new Attempt(lookup, member, claim, nowMs, 'does it have it', delivery);
    delivery.begin(attempt);
    member.upstream.send(attempt);
  }

  private lookedUp(attempt: Attempt, bytes: Buffer, answer: Answer, ms: number, nowMs: number): void {
    const delivery = this.deliveryOf(attempt);
    const lookup = attempt.call as TransactionLookup;
    attempt.member.succeeded(attempt.claim, lookup.method, ms, nowMs);
    if (lookup.foundIn(bytes, answer)) {
      this.endings.conclude(delivery, attempt, nowMs);
      this.endings.tell(delivery, resultAnswer(lookup.hash));
    } else {
      delivery.end(attempt, nowMs, 'does not have it');
      this.endings.giveUp(delivery, nowMs);
    }
    if (this.waiting.length > 0) this.releaseWaiting(nowMs);
  }

  private learnKnown(method: string): void {
    this.answeredLast = method;
    if (this.known.size < KNOWN_MAX) this.known.add(method);
  }

  failed(_upstream: Upstream, sent: UpstreamCall, failure: UpstreamFailure): void {
    const attempt = sent as Attempt;
    const { member, call } = attempt;
    const nowMs = this.clock.now();
    // What fails because we take an upstream out of service is no sign of its health.
    if (this.closed || !this.chooser.members.includes(member)) member.withdrawn(attempt.claim, call.method);
    else member.failed(attempt.claim, call.method, failure, nowMs - attempt.startedMs, nowMs);
    const delivery = this.deliveryOf(attempt);
    delivery.end(attempt, nowMs, failure.reason);
    delivery.lastFailure = failure;
    const lookup = delivery.call !== call;
    if (lookup || (failure.kind === 'oversized' && delivery.live.length === 0)) {
      // Asked elsewhere, it would be as large.
      this.endings.giveUp(delivery, nowMs);
      if (this.waiting.length > 0) this.releaseWaiting(nowMs);
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
    if (this.waiting.length > 0) this.releaseWaiting(nowMs);
  }

  /** After an attempt that brought nothing. @param again may the same upstream be asked once more? */
  private goOn(delivery: Delivery, again: boolean, nowMs: number): void {
    if (delivery.live.length > 0) return;
    const { call } = delivery;
    const { retry } = this.network;
    this.endings.stopTimer(delivery);
    const forbidden = call.retry === 'never' && delivery.maybe;
    if (this.closed || forbidden || delivery.begun >= retry.attempts)
      return this.endings.giveUp(delivery, nowMs);
    this.note(delivery, nowMs);
    const other = this.chooseOther(delivery, nowMs);
    if (delivery.methodMissing && other.member !== null && other.member.methods.lacks(call.method, nowMs)) {
      // Its answer is known.
      other.member.withdrawn(other.claim, call.method);
      return this.endings.giveUp(delivery, nowMs);
    }
    const same =
      again && (call.retry !== 'transaction' || delivery.tried.some((one) => !held(delivery, one)));
    if (other.member === null && !same && other.why === 'none') return this.endings.giveUp(delivery, nowMs);
    if (delivery.delivered && !this.afford(delivery, nowMs)) {
      other.member?.withdrawn(other.claim, call.method);
      return this.endings.giveUp(delivery, nowMs);
    }
    this.endings.watchDeadline(delivery, nowMs);
    if (other.member !== null) return this.retry(delivery, other, nowMs);
    if (!same) return this.enqueue(delivery, other.waitMs, nowMs);
    this.endings.rest(delivery, backoffMs(++delivery.waits, retry, this.deps.random), () =>
      this.tryAgain(delivery),
    );
  }

  /** One that was not asked yet; for a state that a node had no more, those that keep all first. */
  private chooseOther(delivery: Delivery, nowMs: number): Chosen | NoneChosen {
    const { call, stateMissing } = delivery;
    const tried = [...delivery.tried, ...this.barred(delivery)];
    if (stateMissing) {
      const late = this.chooser.members.filter((member) => !member.policy.archive);
      const keeper = late.length === 0 ? null : this.choose(call, [...tried, ...late], nowMs);
      if (keeper !== null && keeper.member !== null) return keeper;
    }
    return this.choose(call, tried, nowMs);
  }

  /** On an upstream that was asked before, or on another that has become fit meanwhile. */
  private tryAgain(delivery: Delivery): void {
    const nowMs = this.clock.now();
    if (this.closed) return this.endings.giveUp(delivery, nowMs);
    const chosen = this.choose(delivery.call, this.barred(delivery), nowMs);
    if (chosen.member !== null) return this.retry(delivery, chosen, nowMs);
    if (chosen.why === 'full') this.enqueue(delivery, chosen.waitMs, nowMs);
    else this.endings.giveUp(delivery, nowMs);
  }

  private retry(delivery: Delivery, chosen: Chosen, nowMs: number): void {
    this.totals.retries++;
    chosen.member.totals.retries++;
    this.launch(delivery, chosen, 'retry', nowMs);
  }

  private barred(delivery: Delivery): readonly Member[] {
    const { call, holding } = delivery;
    if (call.retry !== 'transaction' || holding.length === 0) return nothing;
    return this.chooser.members.filter((member) => held(delivery, member));
  }

  private afford({ doubtful }: Delivery, nowMs: number): boolean {
    const { retryBudget } = this;
    if (doubtful ? retryBudget.takeDoubtful(nowMs) : retryBudget.take(nowMs, this.network.retry.budget))
      return true;
    this.totals.overBudget++;
    return false;
  }

  /** No upstream for a first attempt. */
  private noneFor(delivery: Delivery, { why, waitMs }: NoneChosen, nowMs: number): void {
    if (why === 'full') return this.enqueue(delivery, waitMs, nowMs);
    this.totals.unserved++;
    const reasons = this.chooser
      .weigh({ ...this.wish }, nowMs)
      .map(({ member, passedOver }) => `${member.policy.name}: ${passedOver ?? 'passed over'}`);
    this.endings.fail(
      delivery,
      failureOf('connect', reasons.join('; '), 'no', waitMs > 0 ? Math.ceil(waitMs) : undefined),
    );
  }

  private enqueue(delivery: Delivery, waitMs: number, nowMs: number): void {
    const { call } = delivery;
    // Its bytes are gone by the time it is sent.
    if (call.text === '') takeText(call);
    if (waitMs > this.network.shed.queueTimeoutMs) {
      return this.shed(delivery, 'no upstream will have room in time', waitMs);
    }
    if (!this.waiting.add(delivery, this.network.shed, nowMs)) {
      return this.shed(delivery, 'upstreams are full, and so is the queue', waitMs);
    }
    this.endings.watchDeadline(delivery, nowMs);
    this.look();
  }

  private look(): void {
    if (this.looking) return;
    this.looking = true;
    this.deps.timers.set(() => {
      this.looking = false;
      const nowMs = this.clock.now();
      this.releaseWaiting(nowMs);
      for (const late of this.waiting.expire(nowMs)) {
        this.shed(late, 'upstreams stayed full', this.waitMsOf(late, nowMs));
      }
      if (this.waiting.length > 0) this.look();
    }, LOOK_MS);
  }

  /** Milliseconds until there may be room for it, as far as is known now; 0: unknown. */
  private waitMsOf(delivery: Delivery, nowMs: number): number {
    const { call } = delivery;
    const chosen = this.choose(call, this.barred(delivery), nowMs);
    if (chosen.member === null) return chosen.waitMs;
    chosen.member.withdrawn(chosen.claim, call.method);
    return 0;
  }

  /** @param next that arrives now */
  private releaseWaiting(nowMs: number, next?: UpstreamCall): void {
    this.waiting.release((delivery) => {
      const chosen = this.choose(delivery.call, this.barred(delivery), nowMs);
      if (chosen.member === null) return false;
      if (delivery.begun > 0) this.retry(delivery, chosen, nowMs);
      else this.launch(delivery, chosen, 'after waiting', nowMs);
      return true;
    }, next);
  }

  private shed(delivery: Delivery, reason: string, waitMs: number): void {
    if (delivery.over) return;
    const retryAfterMs = waitMs > 0 ? Math.min(RETRY_AFTER_MS_MAX, Math.ceil(waitMs)) : RETRY_AFTER_MS;
    if (delivery.begun > 0) {
      const { lastFailure } = delivery;
      if (lastFailure?.kind === 'throttled') delivery.lastFailure = { retryAfterMs, ...lastFailure };
      return this.endings.giveUp(delivery, this.clock.now());
    }
    this.totals.shed++;
    this.endings.fail(delivery, failureOf('overloaded', reason, 'no', retryAfterMs));
  }

  /** A call that went out plainly turns out to need more. */
  private deliveryOf(attempt: Attempt): Delivery {
    if (attempt.delivery !== null) return attempt.delivery;
    const delivery = new Delivery(attempt.call, attempt.startedMs);
    attempt.delivery = delivery;
    delivery.begin(attempt);
    return delivery;
  }

  /** For the trace, which is shown from the second attempt on. */
  private note(delivery: Delivery, nowMs: number): void {
    const { method, critical } = delivery.call;
    const block = this.blockFor(delivery.call);
    const wish = {
      method,
      critical,
      mayTry: false,
      block,
      oldBlock: this.oldBlockFor(delivery.call, nowMs),
    };
    delivery.weighed ??= this.chooser.trace(wish, nowMs);
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

  get waitingCount(): number {
    return this.waiting.length;
  }
}

/** The node did not let it in: it was too much, or HTTP says that the request was at fault. */
function refused({ kind, reason }: UpstreamFailure): boolean {
  return kind === 'throttled' || (kind === 'status' && reason.startsWith('HTTP 4'));
}

/** May the node have the call already? By its address: two upstreams may be one node, and one may have a new name. */
function held({ holding }: Delivery, { policy }: Member): boolean {
  return holding.some((node) => sameNode(node, policy));
}

const nothing: readonly Member[] = [];
const closedFailure: UpstreamFailure = failureOf('connect', 'upstream is closed', 'no');
