import { hash } from 'node:crypto';
import type { NetworkPolicy } from '../config/index.ts';
import type { Flight } from './flight.ts';
import { lifetimes } from './lifetime.ts';
import { SharedChain, type SharedChainDeps } from './shared-chain.ts';
import { keptOf, readShared, type SharedAnswer, sharedBytes, writeShared } from './shared-format.ts';
import type { KeptAnswer } from './kept-answer.ts';

/** Totals since it was made. */
export interface SharedStats {
  sharedHits: number;
  sharedMisses: number;
  /** No answer in time, or bytes that are no answer. */
  sharedErrors: number;
  sharedPuts: number;
  /** Not sent: too much was under way. */
  sharedDropped: number;
}

export const noSharedStats = (): SharedStats => ({
  ...{ sharedHits: 0, sharedMisses: 0, sharedErrors: 0, sharedPuts: 0, sharedDropped: 0 },
});

export interface SharedDeps<Trace> extends Omit<SharedChainDeps<Trace>, 'name' | 'followed'> {
  /** Counted up here. */
  stats: SharedStats;
}

/**
 * Answers that instances keep together, behind what the worker keeps by itself. Shared is what no head decides: answers of the chain, of
 * final blocks, and those that the configuration gives a time. An answer is given here only where this worker's own cache would give it,
 * had the call been its own:
 * - It was kept by another worker's cache, of the same network under the same rules, under the same key, and for the same reason.
 * - Its block is final here too, and on the chain that all agree on; see {@link SharedChain}.
 * - Its time, counted from when it was asked for, is not up; no reorg was seen since then, or shortly before.
 */
export class SharedLevel<Trace> {
  private policy: NetworkPolicy;
  private identity: string;
  private chain: SharedChain<Trace>;
  private readonly deps: SharedDeps<Trace>;

  /** `identity`: what decides its answers, as text. */
  constructor(policy: NetworkPolicy, identity: string, deps: SharedDeps<Trace>) {
    this.policy = policy;
    this.identity = identity;
    this.deps = deps;
    this.chain = this.chainOf(policy, identity);
  }

  update(policy: NetworkPolicy, identity: string): void {
    const { policy: before } = this;
    this.policy = policy;
    if (identity === this.identity && isFollowed(before) === isFollowed(policy)) return;
    this.identity = identity;
    this.chain = this.chainOf(policy, identity);
  }

  reorged(from: number, finalized: number): void {
    this.chain.reorged(from, finalized);
  }

  /**
   * Looks for the answer to a call that is about to be sent; false: there is no use in it. `then` is called once, never within, with what
   * this worker may give and keep.
   */
  find(flight: Flight<Trace>, then: (kept: KeptAnswer | null) => void): boolean {
    if (!canBeShared(flight.lifetime)) return false;
    const { chain } = this;
    const { store, stats } = this.deps;
    const agreed = chain.now();
    if (agreed === null || !store.isThere()) return false;
    const name = nameOf(this.identity, agreed, flight.key);
    store.read(name, (bytes) => {
      const found = bytes ? readShared(bytes) : undefined;
      if (bytes === undefined || (bytes !== null && found === undefined)) {
        stats.sharedErrors++;
        if (bytes) store.remove(name);
        return then(null);
      }
      const kept =
        found !== undefined && chain === this.chain && chain.holds(agreed) ? this.weigh(flight, found) : null;
      stats[kept === null ? 'sharedMisses' : 'sharedHits']++;
      then(kept);
    });
    return true;
  }

  /** An answer was found fit to be kept, whatever the head does. */
  put(flight: Flight<Trace>, kept: KeptAnswer): void {
    const { shared } = this.policy.cache ?? {};
    const { lifetime, stamp } = flight;
    if (!shared || !canBeShared(lifetime) || sharedBytes(kept) > shared.maxValueBytes) return;
    if (namesBlock(lifetime) && !(kept.height >= 0 && kept.height <= stamp.finalized)) return;
    const { chain, deps } = this;
    const { stats } = deps;
    const agreed = chain.now();
    if (agreed === null || !chain.holds(agreed) || !deps.store.isThere()) return;
    const now = deps.now();
    const nowMs = chain.storeMsAtLeast(now);
    const leftMs = Math.min(shared.ttlMs, (kept.until - now) / 1000);
    const untilMs = Math.floor(nowMs + leftMs);
    if (untilMs <= nowMs) return;
    const askedMs = chain.storeMsAtLeast(flight.askedAt);
    const bytes = writeShared(kept, { lifetime, height: kept.height, askedMs, untilMs });
    const name = nameOf(this.identity, agreed, flight.key);
    const sent = deps.store.write(name, bytes, untilMs, (taken) => {
      if (!taken) stats.sharedErrors++;
    });
    stats[sent ? 'sharedPuts' : 'sharedDropped']++;
  }

  private weigh(flight: Flight<Trace>, found: SharedAnswer): KeptAnswer | null {
    const { lifetime, key, stamp } = flight;
    if (found.lifetime !== lifetime) return null;
    const { height } = found;
    const now = this.deps.now();
    const leftMs = found.untilMs - this.chain.storeMsAtMost(now);
    if (leftMs <= 0) return null;
    const timed = lifetime === lifetimes.time;
    if (!this.chain.isSound(height, found.askedMs)) return null;
    if (lifetime === lifetimes.final && height !== flight.height) return null;
    if (namesBlock(lifetime) && !(height >= 0 && height <= stamp.finalized)) return null;
    // What lasts, lasts here as in the worker that asked for it; the rest of a time is no new time.
    const until = timed ? now + leftMs * 1000 : Number.POSITIVE_INFINITY;
    return keptOf(found, key, flight.hash, { until, height, withHead: false });
  }

  private chainOf(policy: NetworkPolicy, identity: string): SharedChain<Trace> {
    const name = `chain:${digest(identity)}`;
    return new SharedChain({ ...this.deps, name, followed: isFollowed(policy) });
  }
}

function canBeShared(lifetime: number): boolean {
  return lifetime === lifetimes.chain || lifetime === lifetimes.time || namesBlock(lifetime);
}

function namesBlock(lifetime: number): boolean {
  return lifetime === lifetimes.final || lifetime === lifetimes.hash || lifetime === lifetimes.result;
}

function isFollowed({ kind, health }: NetworkPolicy): boolean {
  return kind === 'ethereum' && health.intervalMs > 0 && health.call === null;
}

/** 192 bits of SHA-256. */
function digest(text: string): string {
  return hash('sha256', text, 'base64url').slice(0, 32);
}

function nameOf(identity: string, agreed: string, key: string): string {
  return digest(`${identity}\n${agreed}\n${key}`);
}
