import type { Answer } from '../answer.ts';
import type { Heads } from '../board.ts';
import { resultAnswer } from './block-number.ts';
import { Attempt, type Delivery, deliveryOf } from './delivery.ts';
import type { Endings } from './endings.ts';
import { judgeError } from './judge-error.ts';
import type { KnownMethods } from './known-methods.ts';
import type { NodeErrorKind } from './node-errors.ts';
import { oldBlock } from './old-state.ts';
import { transactionHash } from './transaction.ts';
import { LOOKUP_METHOD, TransactionLookup } from './transaction-lookup.ts';
import type { Wishes } from './wishes.ts';

export interface ErrorAnswersDeps {
  wishes: Wishes;
  heads: Heads;
  known: KnownMethods;
  endings: Endings;
  /** Nothing is sent any more. */
  closed: () => boolean;
  /** After an attempt that brought nothing. @param again may the same upstream be asked once more? */
  goOn: (delivery: Delivery, again: boolean, nowMs: number) => void;
  /** An upstream has room again. */
  roomMade: (nowMs: number) => void;
}

/** What nodes answer with an error: the call's own outcome, which its caller is told, or a reason to ask another node. */
export class ErrorAnswers {
  private readonly deps: ErrorAnswersDeps;

  constructor(deps: ErrorAnswersDeps) {
    this.deps = deps;
  }

  answered(attempt: Attempt, bytes: Buffer, answer: Answer, code: number, ms: number, nowMs: number): void {
    const { call } = attempt;
    const { heads, wishes, endings } = this.deps;
    const text = bytes.toString('latin1', answer.errorStart, answer.errorEnd);
    // A caller may know of a block before the next check does.
    const known = Math.max(heads.head, heads.served);
    const kind = judgeError(code, text, call.text, wishes.network.kind, known);
    this.learn(attempt, kind, ms, nowMs);
    const ours = call.retry === 'transaction' && attempt.delivery?.taken === true;
    const hash = ours && (kind === 'known' || kind === 'nonce') ? transactionHash(call.text) : undefined;
    if (hash === undefined && this.isOutcome(kind, attempt)) {
      if (attempt.delivery !== null) endings.conclude(attempt.delivery, attempt, nowMs);
      call.answered(bytes, answer.start, answer.end, answer.idStart, answer.idEnd, true);
      return this.deps.roomMade(nowMs);
    }
    const delivery = deliveryOf(attempt);
    if (hash !== undefined && kind === 'known') {
      endings.conclude(delivery, attempt, nowMs);
      return endings.tell(delivery, resultAnswer(hash));
    }
    delivery.end(attempt, nowMs, `node error ${code}: ${kind}`);
    delivery.keep(bytes, answer);
    if (hash !== undefined) return this.lookUp(attempt, delivery, hash, nowMs);
    this.elsewhere(attempt, delivery, kind, nowMs);
  }

  private elsewhere(attempt: Attempt, delivery: Delivery, kind: NodeErrorKind, nowMs: number): void {
    const { known, endings } = this.deps;
    delivery.delivered = true;
    delivery.maybe ||= kind === 'busy';
    delivery.taken ||= kind === 'busy';
    delivery.stateMissing ||= kind === 'state';
    delivery.methodMissing = kind === 'method';
    delivery.holding.push(attempt.policy);
    if (kind === 'internal') delivery.unsure = attempt.member;
    delivery.doubtful = kind === 'internal' || (kind === 'method' && !known.has(attempt.call.method));
    if (kind === 'method' && delivery.doubtful) {
      if (delivery.soughtElsewhere) return endings.giveUp(delivery, nowMs);
      delivery.soughtElsewhere = true;
    }
    this.deps.goOn(delivery, kind === 'throttled' || kind === 'busy', nowMs);
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
    this.deps.wishes.missedState(nowMs);
  }

  /** Is a node's error of this kind what the call is to be told? */
  private isOutcome(kind: NodeErrorKind, { call, delivery }: Attempt): boolean {
    if (kind === 'caller' || kind === 'known' || kind === 'nonce' || call.retry === 'never') return true;
    if (kind !== 'internal') return false;
    const { sole } = this.deps.wishes;
    return sole !== null || call.retry !== 'safe' || (delivery !== null && delivery.unsure !== null);
  }

  /** The nonce is used up: by this transaction, which another node took for us, or by another one of its sender. */
  private lookUp({ member }: Attempt, delivery: Delivery, hash: string, nowMs: number): void {
    const { call } = delivery;
    const { endings } = this.deps;
    const claim = member.methods.has(LOOKUP_METHOD)
      ? member.claim(LOOKUP_METHOD, call.critical, nowMs)
      : undefined;
    if (claim === undefined || this.deps.closed()) {
      if (claim !== undefined) member.withdrawn(claim, LOOKUP_METHOD);
      return endings.giveUp(delivery, nowMs);
    }
    endings.watchDeadline(delivery, nowMs);
    const lookup = new TransactionLookup(hash, call.critical);
    const attempt = new Attempt(lookup, member, claim, nowMs, 'does it have it', delivery);
    delivery.begin(attempt);
    member.upstream.send(attempt);
  }

  /** The answer to that. */
  lookedUp(
    attempt: Attempt,
    delivery: Delivery,
    bytes: Buffer,
    answer: Answer,
    ms: number,
    nowMs: number,
  ): void {
    const { endings } = this.deps;
    const lookup = attempt.call as TransactionLookup;
    attempt.member.succeeded(attempt.claim, lookup.method, ms, nowMs);
    if (lookup.foundIn(bytes, answer)) {
      endings.conclude(delivery, attempt, nowMs);
      endings.tell(delivery, resultAnswer(lookup.hash));
    } else {
      delivery.end(attempt, nowMs, 'does not have it');
      endings.giveUp(delivery, nowMs);
    }
    this.deps.roomMade(nowMs);
  }
}
