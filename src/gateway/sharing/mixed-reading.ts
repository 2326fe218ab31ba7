import type { Chain, ExactReading } from '../../limits/index.ts';
import type { ChainReading } from '../decisions/decision-source.ts';
import type { LimitPlan } from '../limit/limit-plan.ts';
import type { ExactPart } from './exact-part.ts';

/** What the leased and the exact buckets of one call said, by link of its plan. */
export class MixedReading implements ChainReading {
  readonly links: number;
  readonly before: number[];
  readonly after: number[];
  refused = 0;
  bursting = 0;
  shadowRefused = 0;
  depleted = false;
  retryAfterMs = 0;
  /** Bits of the links that were not asked, since others refused before. */
  unasked: number;

  constructor({ links, shadows }: LimitPlan) {
    this.links = links.length + shadows.length;
    this.before = new Array<number>(this.links).fill(0);
    this.after = new Array<number>(this.links).fill(0);
    this.unasked = 2 ** this.links - 1;
  }

  /** Of the leased links, and the shadows that follow them. */
  addLeased(chain: Chain, { placeOf }: ExactPart): void {
    for (let link = 0; link < chain.links; link++) {
      const at = placeOf(link);
      if (((chain.shadowRefused >> link) & 1) === 1) this.shadowRefused |= 1 << at;
      this.addLink(chain, link, at);
    }
    this.depleted = chain.depleted;
    this.retryAfterMs = chain.retryAfterMs;
  }

  /** Of the exact links, decided by the instance's share. */
  addShare(chain: Chain, { exact }: ExactPart): void {
    for (const [link, { at }] of exact.entries()) this.addLink(chain, link, at);
    this.depleted = chain.depleted;
    this.retryAfterMs = chain.retryAfterMs;
  }

  /** Of the exact links, decided where they stand. */
  addExact(found: ExactReading, { exact }: ExactPart, cost: number): void {
    for (const [link, { at, shape }] of exact.entries()) {
      const before = found.before[link]! / shape.tokenUnits;
      this.add(at, before, found.refused === 0 ? before - cost : before);
      if (((found.refused >> link) & 1) === 1) this.refused |= 1 << at;
      if (((found.bursting >> link) & 1) === 1) this.bursting |= 1 << at;
    }
    this.depleted = found.depleted;
    this.retryAfterMs = found.retryAfterMs;
  }

  /** One exact link that is known to lack. */
  addLacking(at: number, before: number, retryAfterMs: number): void {
    this.add(at, before, before);
    this.refused |= 1 << at;
    if (retryAfterMs > this.retryAfterMs) this.retryAfterMs = retryAfterMs;
  }

  /** Nothing was taken after all. */
  undo(): void {
    for (let at = 0; at < this.links; at++) this.after[at] = this.before[at]!;
    this.bursting = 0;
  }

  private addLink(chain: Chain, link: number, at: number): void {
    this.add(at, chain.before[link]!, chain.after[link]!);
    if (((chain.refused >> link) & 1) === 1) this.refused |= 1 << at;
    if (((chain.bursting >> link) & 1) === 1) this.bursting |= 1 << at;
  }

  private add(at: number, before: number, after: number): void {
    this.before[at] = before;
    this.after[at] = after;
    this.unasked &= ~(1 << at);
  }
}
