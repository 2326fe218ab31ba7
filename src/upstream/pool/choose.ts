import type { DeliveryTrace } from '../call.ts';
import type { Claim, Member } from './member.ts';

/** Scanned whole up to here; of more, two at random are weighed. */
const SCANNED_MAX = 8;

/** What is looked for. */
export interface Wish {
  method: string;
  critical: boolean;
  /** A trial may fail, and this call then goes elsewhere. */
  mayTry: boolean;
  /** The block that it must have; -1: any will do. */
  block: number;
  /** The old block whose state it reads; -1: none. */
  oldBlock: number;
}

export interface Chosen {
  member: Member;
  /** null: taken without a look. */
  claim: Claim | null;
  why: string;
  /** Nothing is amiss with it; false: there is no better one. */
  sound: boolean;
}

/** No upstream: all that could serve have no room now (`full`), or none can serve (`none`). */
export interface NoneChosen {
  member: null;
  why: 'full' | 'none';
  /** Nothing but room is amiss with some. */
  sound: boolean;
  /** Milliseconds until it may be otherwise, as far as is known; 0: unknown. */
  waitMs: number;
}

/**
 * How far an upstream is from what one wants. Those of a lower standing are asked before those of a higher one: the order in
 * which service degrades. Standings of one class (0 and 1, 2 and 3 …) differ by tier only.
 */
const standings = [
  'primary',
  'fallback',
  'primary, behind',
  'fallback, behind',
  'primary, without old state',
  'fallback, without old state',
  'primary, down',
  'fallback, down',
  'primary, lacks the method',
  'fallback, lacks the method',
] as const;
const NEVER = standings.length;
/** Standings below it are those of the first class. */
const SOUND = 2;
/** For each block that is missing: more than any load. */
const BEHIND_SCORE = 1e9;

/**
 * Picks the upstream for a call. Never one that config denies the method, that is on a wrong chain, or whose breaker is
 * open. Of the rest the best class serves: sound ones; else those behind the chain's head; else, for old blocks, those
 * that do not keep their state; else those that checks found down (a check may err, and no upstream helps nobody); else those that said they lack the method, whose own answer
 * the caller then gets. In a class primaries go before fallbacks, a fallback also where every primary has no room. A class
 * with no room left is waited for: nobody gets an old answer because of a busy second.
 *
 * Among equals the least of (peak-EWMA latency × (in flight + 1) / weight) wins; among many, the better of two taken at
 * random, which is nearly as good (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001).
 */
export class Chooser {
  members: readonly Member[] = [];
  networkHead: () => number = () => -1;
  private readonly random: () => number;
  /** Where the scan begins: goes round, so that equals take turns. */
  private from = 0;
  private readonly standing: number[] = [];

  constructor(random: () => number) {
    this.random = random;
  }

  /** @param not those that are not to be chosen */
  choose(wish: Wish, not: readonly Member[], nowMs: number): Chosen | NoneChosen {
    const { members, standing } = this;
    if (members.length <= SCANNED_MAX && not.length === 0) {
      const member = this.leastOfCarefree(wish, nowMs);
      if (member !== undefined) {
        member.flight.enterFreely();
        return { member, claim: null, why: this.whyOf(0), sound: true };
      }
    }
    const pair = members.length > SCANNED_MAX ? this.betterOfTwo(wish, not, nowMs) : undefined;
    if (pair !== undefined) return pair;
    let best: number = NEVER;
    const head = this.networkHead();
    for (let k = 0; k < members.length; k++) {
      const member = members[k]!;
      standing[k] = not.includes(member) ? NEVER : this.standingOf(member, wish, head, nowMs);
      if (standing[k]! < best) best = standing[k]!;
    }
    if (best === NEVER)
      return {
        member: null,
        why: 'none',
        sound: false,
        waitMs: this.shortest((m) => m.breakerWaitMs(wish.method, nowMs), not),
      };
    const classEnd = (best | 1) + 1;
    for (let at = best; at < classEnd; at++) {
      for (
        let member = this.least(at, wish, nowMs);
        member !== undefined;
        member = this.least(at, wish, nowMs)
      ) {
        const trial = member.onTrial(wish.method);
        const claim = member.claim(wish.method, wish.critical, nowMs);
        if (claim !== undefined)
          return { member, claim, why: trial ? 'trial' : this.whyOf(at), sound: best < SOUND };
        // Another thread was faster.
        standing[members.indexOf(member)] = NEVER;
      }
    }
    const waitMs = this.roomMs(best >> 1, wish, not, head, nowMs);
    return { member: null, why: 'full', sound: best < SOUND, waitMs };
  }

  /** {@link weigh} for people. */
  trace(wish: Wish, nowMs: number): DeliveryTrace['weighed'] {
    return this.weigh(wish, nowMs).map(({ member, score, passedOver }) => ({
      upstream: member.policy.name,
      score: Math.round(score * 1000) / 1000,
      passedOver,
    }));
  }

  /** What {@link choose} would weigh, and why it would pass each over; changes nothing. */
  weigh(
    wish: Wish,
    nowMs: number,
  ): { member: Member; score: number; standing: number; passedOver: string | null }[] {
    const head = this.networkHead();
    const weighed = this.members.map((member) => {
      const standing = this.standingOf(member, wish, head, nowMs);
      const passedOver = this.obstacle(member, wish, head, nowMs);
      return { member, score: member.score(nowMs), standing, passedOver };
    });
    const able = weighed.filter((each) => each.standing < NEVER);
    const bestClass = Math.min(...able.map((each) => each.standing >> 1));
    const open = able.filter(
      (each) => each.standing >> 1 === bestClass && !this.roomless(each.member, wish, nowMs),
    );
    const rank = (each: (typeof weighed)[number]): number => each.standing;
    const first = Math.min(...open.map(rank));
    const running = open.filter((each) => rank(each) === first).sort((a, b) => a.score - b.score);
    for (const each of open) {
      if (each === running[0]) each.passedOver = null;
      else if (rank(each) > first) each.passedOver ??= 'a fallback is not needed';
      else each.passedOver ??= 'higher score';
    }
    return weighed;
  }

  /** Where nothing speaks against any upstream: some 100 ns less, of three, than to look at each for each reason there may be. */
  private leastOfCarefree(wish: Wish, nowMs: number): Member | undefined {
    const { members } = this;
    const head = this.networkHead();
    let least: Member | undefined;
    let lowest = Number.POSITIVE_INFINITY;
    for (let k = 0; k < members.length; k++) {
      const member = members[(this.from + k) % members.length]!;
      if (!member.carefree) return undefined;
      if (this.standingOf(member, wish, head, nowMs) !== 0) continue;
      const score = member.score(nowMs);
      if (score >= lowest) continue;
      lowest = score;
      least = member;
    }
    this.from = (this.from + 1) % members.length;
    return least;
  }

  private betterOfTwo(wish: Wish, not: readonly Member[], nowMs: number): Chosen | undefined {
    const { members } = this;
    const head = this.networkHead();
    const one = Math.floor(this.random() * members.length);
    const step = 1 + Math.floor(this.random() * (members.length - 1));
    const pair = [members[one]!, members[(one + step) % members.length]!];
    // A due trial is for the whole scan to give.
    const fit = pair.filter(
      (member) =>
        !not.includes(member) &&
        !member.onTrial(wish.method) &&
        this.standingOf(member, wish, head, nowMs) === 0 &&
        !this.roomless(member, wish, nowMs),
    );
    if (fit.length < 2) return undefined;
    const member = fit[0]!.score(nowMs) <= fit[1]!.score(nowMs) ? fit[0]! : fit[1]!;
    const claim = member.claim(wish.method, wish.critical, nowMs);
    return claim === undefined ? undefined : { member, claim, why: 'less loaded of two', sound: true };
  }

  /** A due trial first, where this call may be one: else nobody would find out that a node is well again. */
  private least(standing: number, wish: Wish, nowMs: number): Member | undefined {
    const { members } = this;
    let least: Member | undefined;
    let lowest = Number.POSITIVE_INFINITY;
    for (let k = 0; k < members.length; k++) {
      const at = (this.from + k) % members.length;
      const member = members[at]!;
      if (this.standing[at] !== standing || this.roomless(member, wish, nowMs)) continue;
      let score = member.score(nowMs);
      // Of those that are behind the one that is least so.
      if (wish.block >= 0) score += Math.max(0, wish.block - member.head) * BEHIND_SCORE;
      if (member.onTrial(wish.method)) score = wish.mayTry ? -1 : Number.MAX_VALUE;
      if (score >= lowest) continue;
      lowest = score;
      least = member;
    }
    this.from = (this.from + 1) % members.length;
    return least;
  }

  private standingOf(member: Member, { method, block, oldBlock }: Wish, head: number, nowMs: number): number {
    if (!member.methods.has(method) || member.breakerWaitMs(method, nowMs) > 0) return NEVER;
    const tier = member.policy.tier === 'primary' ? 0 : 1;
    if (member.down) return member.wrongChain ? NEVER : 6 + tier;
    if (member.methods.lacks(method, nowMs)) return 8 + tier;
    if (oldBlock >= 0 && member.lacksState(method, oldBlock, nowMs)) return 4 + tier;
    return member.unproven || member.behind(head, block, nowMs) ? 2 + tier : tier;
  }

  private roomless(member: Member, wish: Wish, nowMs: number): boolean {
    return member.budgetWaitMs(nowMs) > 0 || member.full(wish.critical);
  }

  private obstacle(member: Member, wish: Wish, head: number, nowMs: number): string | null {
    if (!member.methods.has(wish.method)) return 'does not have the method by config';
    if (member.wrongChain) return 'wrong chain';
    if (member.breakerWaitMs(wish.method, nowMs) > 0) return 'breaker open';
    if (member.down) return 'found down by checks';
    if (member.methods.lacks(wish.method, nowMs)) return 'said it lacks the method';
    if (wish.oldBlock >= 0 && member.lacksState(wish.method, wish.oldBlock, nowMs))
      return 'without old state';
    if (member.unproven) return 'not checked yet';
    if (member.behind(head, wish.block, nowMs)) return 'behind';
    if (member.budget.pausedMs(nowMs) > 0) return 'paused by its 429';
    if (member.budgetWaitMs(nowMs) > 0) return 'out of budget';
    if (member.full(wish.critical)) return 'at its calls in flight';
    return null;
  }

  private whyOf(standing: number): string {
    if (this.members.length === 1) return 'only one';
    return standing === 0 ? 'least loaded' : standings[standing]!;
  }

  /** Until one of this class, or one whose breaker is open, may be asked. */
  private roomMs(best: number, wish: Wish, not: readonly Member[], head: number, nowMs: number): number {
    let shortest = Number.POSITIVE_INFINITY;
    for (const member of this.members) {
      if (not.includes(member) || member.wrongChain || !member.methods.has(wish.method)) continue;
      const openMs = member.breakerWaitMs(wish.method, nowMs);
      if (openMs === 0 && this.standingOf(member, wish, head, nowMs) >> 1 !== best) continue;
      const waitMs = Math.max(openMs, member.budgetWaitMs(nowMs));
      // Full: any call may make room.
      if (waitMs === 0) return 0;
      shortest = Math.min(shortest, waitMs);
    }
    return Number.isFinite(shortest) ? shortest : 0;
  }

  private shortest(waitMs: (member: Member) => number, not: readonly Member[]): number {
    let shortest = 0;
    for (const member of this.members) {
      if (not.includes(member)) continue;
      const ms = waitMs(member);
      if (ms > 0 && (shortest === 0 || ms < shortest)) shortest = ms;
    }
    return shortest;
  }
}
