import type { NetworkPolicy } from '../../config/index.ts';
import type { Heads } from '../board.ts';
import type { DeliveryTrace, UpstreamCall } from '../call.ts';
import { takeText } from '../pending.ts';
import { asksForBlock, neededBlock } from './block-number.ts';
import { Chooser, type Chosen, type NoneChosen, type Wish } from './choose.ts';
import { type Delivery, heldBy, nobody } from './delivery.ts';
import type { Member } from './member.ts';
import { MISSED_MS, oldBlock, readsState } from './old-state.ts';

/** What each call needs of an upstream, as its text says it, and who is chosen for it by that. */
export class Wishes {
  network: NetworkPolicy;
  readonly chooser: Chooser;
  /** The only upstream; null where there are several. */
  sole: Member | null = null;
  private readonly heads: Heads;
  /** Of the call that was chosen for last. */
  private readonly wish: Wish = { method: '', critical: false, mayTry: false, block: -1, oldBlock: -1 };
  /** An upstream keeps late states only; until when one is taken to by what it said. */
  private lateStates = false;
  private stateMissedUntilMs = 0;

  constructor(network: NetworkPolicy, heads: Heads, random: () => number) {
    this.network = network;
    this.heads = heads;
    this.chooser = new Chooser(random);
    this.chooser.networkHead = () => heads.head;
  }

  update(network: NetworkPolicy, members: readonly Member[]): void {
    this.network = network;
    this.chooser.members = members;
    this.sole = members.length === 1 ? members[0]! : null;
    this.lateStates = members.some((member) => !member.policy.archive);
  }

  get members(): readonly Member[] {
    return this.chooser.members;
  }

  /** @param not those that are not to be chosen */
  choose(call: UpstreamCall, not: readonly Member[], nowMs: number): Chosen | NoneChosen {
    const { wish } = this;
    wish.method = call.method;
    wish.critical = call.critical;
    wish.mayTry = call.retry === 'safe' && this.sole === null && this.network.retry.attempts > 1;
    wish.block = this.blockFor(call);
    wish.oldBlock = this.oldBlockFor(call, nowMs);
    return this.chooser.choose(wish, not, nowMs);
  }

  /** One that was not asked yet; for a state that a node had no more, those that keep all first. */
  chooseOther(delivery: Delivery, nowMs: number): Chosen | NoneChosen {
    const { call, stateMissing } = delivery;
    const tried = [...delivery.tried, ...this.barred(delivery)];
    if (stateMissing) {
      const late = this.members.filter((member) => !member.policy.archive);
      const keeper = late.length === 0 ? null : this.choose(call, [...tried, ...late], nowMs);
      if (keeper !== null && keeper.member !== null) return keeper;
    }
    return this.choose(call, tried, nowMs);
  }

  /** One that was asked before, or another that has become fit meanwhile. */
  chooseAny(delivery: Delivery, nowMs: number): Chosen | NoneChosen {
    return this.choose(delivery.call, this.barred(delivery), nowMs);
  }

  /** What was chosen; a sound one in its place where nobody was when it was asked last; null: that one has no room yet, and is worth a wait. */
  unlessAbsent(delivery: Delivery, chosen: Chosen, nowMs: number): Chosen | null {
    const { absent, call } = delivery;
    // It may have answered others meanwhile.
    if (!absent.includes(chosen.member) || !chosen.member.streak.goesOn) return chosen;
    const { shed, timeoutMs } = this.network;
    if (delivery.patientUntilMs < 0)
      delivery.patientUntilMs = Math.min(nowMs + shed.queueTimeoutMs / 2, delivery.startedMs + timeoutMs / 2);
    const other = this.choose(call, [...absent, ...this.barred(delivery)], nowMs);
    const waits = other.member === null && other.why === 'full';
    if (!other.sound || (waits && nowMs + other.waitMs >= delivery.patientUntilMs)) {
      other.member?.withdrawn(other.claim, call.method);
      return chosen;
    }
    chosen.member.withdrawn(chosen.claim, call.method);
    return other.member === null ? null : other;
  }

  private barred(delivery: Delivery): readonly Member[] {
    const { call, holding } = delivery;
    if (call.retry !== 'transaction' || holding.length === 0) return nobody;
    return this.members.filter((member) => heldBy(delivery, member));
  }

  /** For people: the upstreams weighed for the call. */
  trace(call: UpstreamCall, nowMs: number): DeliveryTrace['weighed'] {
    const { method, critical } = call;
    const block = this.blockFor(call);
    const wish = { method, critical, mayTry: false, block, oldBlock: this.oldBlockFor(call, nowMs) };
    return this.chooser.trace(wish, nowMs);
  }

  /** For people: why nobody was chosen just now. */
  whyNobody(nowMs: number): string {
    const weighed = this.chooser.weigh({ ...this.wish }, nowMs);
    return weighed
      .map(({ member, passedOver }) => `${member.policy.name}: ${passedOver ?? 'passed over'}`)
      .join('; ');
  }

  /** A node said that it has no state of an old block. */
  missedState(nowMs: number): void {
    this.stateMissedUntilMs = nowMs + MISSED_MS;
  }

  private blockFor(call: UpstreamCall): number {
    if (this.sole !== null || this.network.kind !== 'ethereum' || !asksForBlock(call.method)) return -1;
    if (call.text === '') takeText(call);
    return neededBlock(call.method, call.text, this.heads);
  }

  private oldBlockFor(call: UpstreamCall, nowMs: number): number {
    if (this.sole !== null || this.network.kind !== 'ethereum') return -1;
    if (nowMs >= this.stateMissedUntilMs && !(this.lateStates && readsState(call.method))) return -1;
    if (call.text === '') takeText(call);
    return oldBlock(call.text, this.heads.head);
  }
}
