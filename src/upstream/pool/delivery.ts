import type { UpstreamPolicy } from '../../config/index.ts';
import type { Answer } from '../answer.ts';
import type { DeliveryTrace, UpstreamCall, UpstreamFailure } from '../call.ts';
import type { Claim, Member } from './member.ts';
import { sameNode } from './same-node.ts';

/**
 * One sending of a call to one upstream: what the upstream takes for the call, so that two attempts of one call are never
 * taken for each other. The call's text and count of attempts are the call's own.
 */
export class Attempt implements UpstreamCall {
  readonly call: UpstreamCall;
  readonly member: Member;
  /** As it was sent: by now the upstream may have another address. */
  readonly policy: UpstreamPolicy;
  /** null: taken without a look. */
  readonly claim: Claim | null;
  readonly startedMs: number;
  readonly why: string;
  /** null as long as it is the call's only attempt and nothing else is known of it. */
  delivery: Delivery | null;

  constructor(
    call: UpstreamCall,
    member: Member,
    claim: Claim | null,
    startedMs: number,
    why: string,
    delivery: Delivery | null,
  ) {
    this.call = call;
    this.member = member;
    this.policy = member.policy;
    this.claim = claim;
    this.startedMs = startedMs;
    this.why = why;
    this.delivery = delivery;
  }

  get bytes(): Buffer {
    return this.call.bytes;
  }
  get start(): number {
    return this.call.start;
  }
  get end(): number {
    return this.call.end;
  }
  get idStart(): number {
    return this.call.idStart;
  }
  get idEnd(): number {
    return this.call.idEnd;
  }
  get safe(): boolean {
    return this.call.safe;
  }
  get cheap(): boolean {
    return this.call.cheap;
  }
  get method(): string {
    return this.call.method;
  }
  get retry(): UpstreamCall['retry'] {
    return this.call.retry;
  }
  get critical(): boolean {
    return this.call.critical;
  }
  get caller(): number {
    return this.call.caller;
  }
  get traced(): boolean {
    return this.call.traced;
  }
  get text(): string {
    return this.call.text;
  }
  set text(text: string) {
    this.call.text = text;
  }
  get idAt(): number {
    return this.call.idAt;
  }
  set idAt(at: number) {
    this.call.idAt = at;
  }
  get idTo(): number {
    return this.call.idTo;
  }
  set idTo(at: number) {
    this.call.idTo = at;
  }
  get via(): number {
    return this.member.policy.index;
  }
  get attempts(): number {
    return this.call.attempts;
  }
  set attempts(attempts: number) {
    this.call.attempts = attempts;
  }
  get sentAt(): number {
    return this.call.sentAt;
  }
  set sentAt(at: number) {
    this.call.sentAt = at;
  }
  get trace(): DeliveryTrace | null {
    return this.call.trace;
  }

  // Upstreams tell the pool, which tells the call.
  answered(
    bytes: Buffer,
    start: number,
    end: number,
    idStart: number,
    idEnd: number,
    isError: boolean,
  ): void {
    this.call.answered(bytes, start, end, idStart, idEnd, isError);
  }
  failed(failure: UpstreamFailure): void {
    this.call.failed(failure);
  }
}

/** An answer that outlives the bytes it was read from. */
export interface KeptAnswer {
  bytes: Buffer;
  idStart: number;
  idEnd: number;
  isError: boolean;
}

/** One for all: most calls fail nowhere. */
export const nobody: readonly Member[] = [];

/** All that is known of a call that does not simply go to one upstream and come back. */
export class Delivery {
  readonly call: UpstreamCall;
  readonly startedMs: number;
  /** Attempts begun, those that wrote nothing included. */
  begun = 0;
  /** Under way: one, or two with a hedge. */
  live: Attempt[] = [];
  /** Asked already. */
  readonly tried: Member[] = [];
  /** Nobody was there when they were asked last. */
  absent: readonly Member[] = nobody;
  /** So long another upstream's room is waited for before one of those is asked again; -1: it was not yet. */
  patientUntilMs = -1;
  /** May have it: a transaction goes to none of them again. */
  readonly holding: UpstreamPolicy[] = [];
  /** An attempt ended with its outcome unknown: a node may have run the call. */
  maybe = false;
  /** A node may have taken the transaction. */
  taken = false;
  /** The last node asked does not have the method. */
  methodMissing = false;
  /** What the last attempt came to may be the call's own fault: another is worth little. */
  doubtful = false;
  /** Sent elsewhere after «method not found» of a method that nobody is known to have. */
  soughtElsewhere = false;
  /** Said «internal error» and no more. */
  unsure: Member | null = null;
  /** A node was troubled with it: from now on attempts are extra traffic. */
  delivered = false;
  /** A node had no state for it. */
  stateMissing = false;
  /** Who told a block so far above the head that it was not believed, and which. */
  readonly tooHigh: { node: UpstreamPolicy; member: Member; number: number }[] = [];
  /** Waits before the same upstream is tried again. */
  waits = 0;
  lastFailure: UpstreamFailure | null = null;
  /** What a node that cannot serve it answered. */
  nodeAnswer: KeptAnswer | null = null;
  /** Of a hedge or a wait; of the deadline. */
  timer: unknown = undefined;
  deadline: unknown = undefined;
  /** Counted as one of its caller's calls in flight. */
  counted = false;
  queuedUntilMs = 0;
  /** Number of its place in the queue. */
  arrival = 0;
  /** Told. */
  over = false;
  readonly attempts: DeliveryTrace['attempts'] = [];
  weighed: DeliveryTrace['weighed'] | null = null;

  constructor(call: UpstreamCall, startedMs: number) {
    this.call = call;
    this.startedMs = startedMs;
  }

  begin(attempt: Attempt): void {
    this.begun++;
    this.live.push(attempt);
    if (!this.tried.includes(attempt.member)) this.tried.push(attempt.member);
    this.attempts.push({
      upstream: attempt.member.policy.name,
      why: attempt.why,
      startedMs: tenths(attempt.startedMs - this.startedMs),
      ms: -1,
      failure: null,
    });
  }

  /** @param failure null: it brought the answer */
  end(attempt: Attempt, nowMs: number, failure: string | null): void {
    this.live = this.live.filter((other) => other !== attempt);
    const startedMs = tenths(attempt.startedMs - this.startedMs);
    const noted = this.attempts.findLast(
      (each) => each.ms < 0 && each.upstream === attempt.member.policy.name && each.startedMs === startedMs,
    );
    if (noted === undefined) return;
    noted.ms = tenths(nowMs - attempt.startedMs);
    noted.failure = failure;
  }

  keep(bytes: Buffer, { start, end, idStart, idEnd, errorStart }: Answer): void {
    this.nodeAnswer = {
      bytes: Buffer.from(bytes.subarray(start, end)),
      idStart: idStart - start,
      idEnd: idEnd - start,
      isError: errorStart >= 0,
    };
  }
}

/** What is known of an attempt's call: one that went out plainly turns out to need more. */
export function deliveryOf(attempt: Attempt): Delivery {
  if (attempt.delivery !== null) return attempt.delivery;
  const delivery = new Delivery(attempt.call, attempt.startedMs);
  attempt.delivery = delivery;
  delivery.begin(attempt);
  return delivery;
}

/** May the node have the call already? By its address: two upstreams may be one node, and one may have a new name. */
export function heldBy({ holding }: Delivery, { policy }: Member): boolean {
  return holding.some((node) => sameNode(node, policy));
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
