import { askBlockHash } from './block-hash-call.ts';
import { Doubts } from './doubts.ts';
import type { ChainView, SentCall, SharedStore } from './ports.ts';

/** Between two looks at what the instances agree on, while there are calls. Milliseconds. */
export const LOOK_MS = 1000;
/** What was agreed on holds no longer than this after it was last heard. */
export const HEARD_MS = 3000;
/** After final blocks were replaced, nobody shares anything for so long: the others have seen it too by then. */
export const HOLD_MS = 60_000;
/** After a reorg: so much later the others have seen it too. */
export const SETTLE_MS = 5000;
/** Between two tries to find the agreed block where there is none. */
export const AGAIN_MS = 10_000;
/** How long instances go by one block; then the next one they agree on is newer. */
export const AGREED_MS = 86_400_000;

const HOLD = 'hold';

export interface SharedChainDeps<Trace> {
  store: SharedStore;
  /** The network's pool. */
  send(call: SentCall<Trace>): void;
  chain: ChainView;
  /** Monotonic microseconds. */
  now: () => number;
  /** Of one network under one set of rules, the same for all instances. */
  name: string;
  /** Its head is followed. Otherwise there is no block to agree on, and nothing is kept that would ask for one. */
  followed: boolean;
  /** 0 to 1. */
  random?: () => number;
}

/**
 * Which chain the answers are of that instances share: a final block of it, by number and hash, that all of them have. Its text is part of
 * every key.
 *
 * - Who finds nothing said says a final block of its own. Who finds one looks whether its own nodes have it, and only then shares.
 * - Who sees final blocks replaced, or finds that its nodes have another block there, says `hold`: nobody shares for {@link HOLD_MS},
 *   and what was shared is found no more.
 * - What is not heard for {@link HEARD_MS}, or from a store that is away, does not hold.
 */
export class SharedChain<Trace> {
  private readonly deps: SharedChainDeps<Trace>;
  private agreed: string | null = null;
  private heardAt = Number.NEGATIVE_INFINITY;
  private lookedAt = Number.NEGATIVE_INFINITY;
  private looking = false;
  private asking = false;
  private mustHold = false;
  private proposed: string | null = null;
  /** Texts are looked at again from then on, after one that told nothing. */
  private againAt = Number.NEGATIVE_INFINITY;
  /** How often it was left. */
  private turn = 0;
  private clockMs = 0;
  private askedAt = Number.NEGATIVE_INFINITY;
  private toldAt = Number.NEGATIVE_INFINITY;
  private readonly doubts = new Doubts();

  constructor(deps: SharedChainDeps<Trace>) {
    this.deps = deps;
    // Reorgs of before are not known here: what is bound to no block was asked for since.
    if (deps.followed) this.doubts.add(Number.POSITIVE_INFINITY, deps.now());
  }

  /** The chain to look for answers of; null: none now. Whether it {@link holds} is asked again once there is one. */
  now(): string | null {
    this.look();
    return this.agreed;
  }

  holds(agreed: string): boolean {
    return agreed === this.agreed && this.deps.now() - this.heardAt < HEARD_MS * 1000;
  }

  /** The store's clock at this time of ours, in epoch milliseconds: it was that at least, or at most. */
  storeMsAtLeast(micros: number): number {
    return this.clockMs + (micros - this.toldAt) / 1000;
  }
  storeMsAtMost(micros: number): number {
    return this.clockMs + 1 + (micros - this.askedAt) / 1000;
  }

  /** Was it asked for after the last reorg of that block, as all have seen it by then? Height: see `Tenure`. */
  isSound(height: number, askedMs: number): boolean {
    return askedMs > this.storeMsAtMost(this.doubts.until(height));
  }

  /** Blocks from `from` on are others now; so many were final before. */
  reorged(from: number, finalized: number): void {
    this.doubts.add(from, this.deps.now() + SETTLE_MS * 1000);
    if (from <= finalized) this.leave();
  }

  private leave(): void {
    this.turn++;
    this.agreed = null;
    this.proposed = null;
    this.mustHold = this.deps.followed;
    if (this.mustHold) this.hold();
  }

  private hold(): void {
    this.deps.store.say(this.deps.name, HOLD, HOLD_MS, false);
  }

  private look(): void {
    const { store, now, name } = this.deps;
    const at = now();
    if (this.looking || at - this.lookedAt < LOOK_MS * 1000 || !store.isThere()) return;
    this.looking = true;
    this.lookedAt = at;
    store.hear(name, (heard) => {
      this.looking = false;
      if (heard === undefined) return;
      this.clockMs = heard.clockMs;
      this.askedAt = at;
      this.toldAt = now();
      if (this.deps.followed) this.take(heard.text, at);
      else this.join('', at);
    });
  }

  private join(agreed: string, heardAt: number): void {
    this.agreed = agreed;
    this.heardAt = heardAt;
  }

  private take(text: string | null, at: number): void {
    if (this.mustHold && text !== null && text !== HOLD) return this.hold();
    this.mustHold = false;
    if (text !== null && text === this.agreed) return this.join(text, at);
    this.agreed = null;
    if (text === null) this.propose();
    else if (text === this.proposed) this.join(text, at);
    else if (text !== HOLD && at >= this.againAt) this.check(text, at);
  }

  private propose(): void {
    const { chain, store, name, random = Math.random } = this.deps;
    const number = chain.finalized;
    if (number < 0) return;
    this.ask(number, (hash) => {
      if (typeof hash !== 'string') return;
      // Another each time: what was shared before a hold is not found again.
      this.proposed = `${number} ${hash} ${Math.floor(random() * 2 ** 48).toString(36)}`;
      store.say(name, this.proposed, AGREED_MS, true);
      this.lookedAt = Number.NEGATIVE_INFINITY;
      this.look();
    });
  }

  private check(text: string, at: number): void {
    const [number, hash] = text.split(' ');
    if (!/^\d{1,15}$/.test(number!)) return this.hold();
    this.ask(Number(number), (found) => {
      if (found === hash) this.join(text, at);
      else if (typeof found === 'string') this.hold();
      else this.againAt = this.deps.now() + AGAIN_MS * 1000;
    });
  }

  /** `then` is not called where the chain was left meanwhile. */
  private ask(number: number, then: (hash: string | null | undefined) => void): void {
    if (this.asking) return;
    this.asking = true;
    const { turn } = this;
    askBlockHash(this.deps.send, number, (hash) => {
      this.asking = false;
      if (turn === this.turn) then(hash);
    });
  }
}
