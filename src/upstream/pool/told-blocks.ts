import type { Answer } from '../answer.ts';
import type { Heads } from '../board.ts';
import {
  headTold,
  neededBlock,
  noteTold,
  runsBackwards,
  saysNone,
  servedAnswer,
  tellsHead,
  unfinalizes,
} from './block-number.ts';
import { type Attempt, type Delivery, deliveryOf } from './delivery.ts';
import { HeadBound } from './head-bound.ts';
import { sameNode } from './same-node.ts';
import type { Wishes } from './wishes.ts';

/** What nodes answer of blocks, held against what the network is known to have: callers are told no chain that goes back and forth. */
export class ToldBlocks {
  private readonly wishes: Wishes;
  private readonly heads: Heads;
  private readonly bound = new HeadBound();

  constructor(wishes: Wishes, heads: Heads) {
    this.wishes = wishes;
    this.heads = heads;
  }

  /**
   * Puts an answer aside that another node may know better, and gives what the call has come to; null: it may be told. Of calls that
   * ask for a block, on Ethereum's networks.
   */
  putAside(attempt: Attempt, bytes: Buffer, answer: Answer, nowMs: number): Delivery | null {
    const { call } = attempt;
    if (tellsHead(call.method, call.text)) return this.holdBack(attempt, bytes, answer, nowMs);
    if (this.wishes.sole !== null) return null;
    if (unfinalizes(call, bytes, answer, this.heads))
      return passOver(attempt, bytes, answer, 'its finalized block is older than the known one', nowMs);
    // A node that does not have a block which the network has is no reason to tell its caller that there is none.
    const block = saysNone(bytes, answer) ? neededBlock(call.method, call.text, this.heads) : -1;
    return block < 0 ? null : passOver(attempt, bytes, answer, `does not have block ${block}`, nowMs);
  }

  /** An answer by which the chain would run backwards is asked for elsewhere. */
  private holdBack(attempt: Attempt, bytes: Buffer, answer: Answer, nowMs: number): Delivery | null {
    const { heads } = this;
    const { call } = attempt;
    const { maxBlockLag, health } = this.wishes.network;
    const number = headTold(call.method, bytes, answer);
    const blocks = heads.head < 0 ? -1 : this.bound.blocks(heads.head, maxBlockLag, health.intervalMs, nowMs);
    if (blocks >= 0 && number > heads.head + blocks && !this.confirmed(attempt, number, blocks)) {
      return this.doubt(attempt, number, bytes, answer, nowMs);
    }
    if (!runsBackwards(heads, number)) {
      noteTold(heads, number);
      attempt.member.hasBlock(number);
      return null;
    }
    const why = `behind: block ${number}, ${heads.served} was told`;
    const delivery = passOver(attempt, bytes, answer, why, nowMs);
    if (call.method === 'eth_blockNumber') delivery.nodeAnswer = servedAnswer(heads);
    return delivery;
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
      this.wishes.members.some(
        (member) => !member.down && near(member.head) && !sameNode(member.policy, policy),
      )
    );
  }

  /**
   * A block so far above the head would hold up the number for all callers. It is told only where nobody else can be asked,
   * and not held to. The call that finds this out is sent on whatever the retry budget: its node is asked last from now on.
   */
  private doubt(
    attempt: Attempt,
    number: number,
    bytes: Buffer,
    answer: Answer,
    nowMs: number,
  ): Delivery | null {
    const { heads } = this;
    const { call, member, policy } = attempt;
    const others = this.wishes.members.some(
      (other) =>
        !other.down && !sameNode(other.policy, policy) && other.breakerWaitMs(call.method, nowMs) === 0,
    );
    if (!others) return null;
    member.doubt(nowMs);
    const delivery = deliveryOf(attempt);
    delivery.end(attempt, nowMs, `block ${number} is far above the head, ${heads.head}`);
    delivery.tooHigh.push({ node: policy, member, number });
    if (call.method === 'eth_blockNumber') {
      noteTold(heads, heads.head);
      delivery.nodeAnswer ??= servedAnswer(heads);
    } else if (delivery.nodeAnswer === null) delivery.keep(bytes, answer);
    delivery.lastFailure = null;
    return delivery;
  }
}

/** Where nobody else can be asked the caller gets this answer after all. */
function passOver(attempt: Attempt, bytes: Buffer, answer: Answer, why: string, nowMs: number): Delivery {
  const delivery = deliveryOf(attempt);
  delivery.end(attempt, nowMs, why);
  delivery.delivered = true;
  delivery.keep(bytes, answer);
  delivery.lastFailure = null;
  return delivery;
}
