import { endianness } from 'node:os';
import type { BreakerPolicy } from '../../config/index.ts';
import {
  BREAKER_COUNTS,
  BUCKET_INTEGERS,
  type CellPlaces,
  type SharedWords,
  sharedAt,
  WINDOW_BUCKETS,
} from './cells.ts';
import { FailureWindow } from './failure-window.ts';

export type BreakerState = 'closed' | 'open' | 'half-open';
const states = ['closed', 'open', 'half-open'] as const;
const CLOSED = 0;
const OPEN = 1;
const HALF_OPEN = 2;

/** What {@link Breaker.admit} says; above zero: the trial's number, to be given back with its outcome. */
export const ADMITTED = 0;
export const REFUSED = -1;

/** Openings in a row make the next one longer, up to this. */
const OPEN_FACTOR_MAX = 10;
const OPEN_JITTER = 0.2;
const OPENS_MAX = 63;
/** Most trials that the word has room for. */
const TRIALS_MAX = 255;

const countAt = { opened: 0, halfOpened: 1, closed: 2 } as const;

/** The whole state, in one 64-bit word that changes in one atomic step: no thread can leave it half changed. */
interface Standing {
  state: number;
  /** Openings in a row. */
  opens: number;
  /** Half-open: trials let through, and those of them that went well. */
  started: number;
  succeeded: number;
  /** Closed: since when. Open: when trials may begin. Half-open: when trials that told nothing count as lost. */
  atMs: number;
}

function pack(standing: Standing): bigint {
  const low = standing.state | (standing.opens << 2) | (standing.started << 8) | (standing.succeeded << 16);
  return (BigInt(standing.atMs) << 24n) | BigInt(low);
}

function unpack(word: bigint): Standing {
  const low = Number(word & 0xffffffn);
  return {
    state: low & 3,
    opens: (low >> 2) & 63,
    started: (low >> 8) & 255,
    succeeded: (low >> 16) & 255,
    atMs: Number(word >> 24n),
  };
}

/**
 * A circuit breaker over all workers (Nygard, Release It!): closed until both the count and the rate of failures in the
 * window are reached; then open; then half-open, when a few calls are let through as trials. All of them well: closed,
 * with a new window. One fails: open again, twice as long, up to ten times `openMs` (and at random up to a fifth longer,
 * so that many breakers do not try at once). A trial whose worker died is lent anew after `trialMs`.
 */
export class Breaker {
  private readonly shared: SharedWords;
  private readonly low: Int32Array;
  private readonly window: FailureWindow;
  private readonly random: () => number;

  constructor(shared: SharedWords, places: CellPlaces, worker: number, random: () => number) {
    this.shared = shared;
    const { buffer, byteOffset } = shared.words;
    const half = endianness() === 'LE' ? 0 : 4;
    this.low = new Int32Array(buffer, byteOffset + sharedAt.breaker * 8 + half, 1);
    this.window = new FailureWindow(places, worker);
    this.random = random;
  }

  get closed(): boolean {
    return (Atomics.load(this.low, 0) & 3) === CLOSED;
  }

  /** Milliseconds until a call may be let through; 0: now. Changes nothing. */
  waitMs(nowMs: number, trials: number): number {
    if (this.closed) return 0;
    const { state, atMs, started } = unpack(this.load());
    if (state === CLOSED || (state === HALF_OPEN && started < Math.min(trials, TRIALS_MAX))) return 0;
    return Math.max(0, atMs - nowMs);
  }

  /** {@link ADMITTED}, {@link REFUSED}, or a trial. */
  admit(nowMs: number, policy: BreakerPolicy, trialMs: number): number {
    while (!this.closed) {
      const word = this.load();
      const now = unpack(word);
      if (now.state === CLOSED) return ADMITTED;
      const granted = now.state === HALF_OPEN && now.started < Math.min(policy.trials, TRIALS_MAX);
      if (!granted && nowMs < now.atMs) return REFUSED;
      const atMs = granted ? now.atMs : Math.ceil(nowMs + trialMs);
      const next = granted
        ? { ...now, started: now.started + 1 }
        : { ...now, state: HALF_OPEN, started: 1, succeeded: 0, atMs };
      if (!this.change(word, next)) continue;
      if (now.state === OPEN) this.count(countAt.halfOpened);
      return atMs;
    }
    return ADMITTED;
  }

  /** @param trial what {@link admit} said */
  succeeded(trial: number, nowMs: number, policy: BreakerPolicy): void {
    if (trial === ADMITTED) return this.window.record(false, nowMs, policy.windowMs);
    this.conclude(trial, (now) => {
      const succeeded = now.succeeded + 1;
      if (succeeded < Math.min(policy.trials, TRIALS_MAX)) return { ...now, succeeded };
      return { state: CLOSED, opens: now.opens, started: 0, succeeded: 0, atMs: Math.ceil(nowMs) };
    });
  }

  /**
   * @param against what the failure speaks against: all that the breaker is for; only a part of it, which counts, but does
   * not open it; or, `alone`, all of it that this worker knows, which opens it where nothing goes well in the others
   */
  failed(
    trial: number,
    nowMs: number,
    policy: BreakerPolicy,
    against: 'node' | 'alone' | 'method' = 'node',
  ): void {
    if (trial !== ADMITTED) {
      this.conclude(trial, (now) => this.opened(now.opens + 1, nowMs, policy));
      return;
    }
    this.window.record(true, nowMs, policy.windowMs);
    if (against === 'method') return;
    while (this.closed) {
      const word = this.load();
      const now = unpack(word);
      if (now.state !== CLOSED || !this.tooMany(nowMs, now.atMs, policy)) return;
      if (against === 'alone' && this.window.okElsewhere > 0) return;
      // Soon after it closed: the trials went well, the traffic did not.
      const again = now.atMs > 0 && nowMs - now.atMs < policy.windowMs;
      if (this.change(word, this.opened(again ? now.opens + 1 : 1, nowMs, policy))) {
        this.count(countAt.opened);
        return;
      }
    }
  }

  /** A call that was let through has no outcome that says anything. */
  withdrawn(trial: number): void {
    if (trial === ADMITTED) return;
    this.conclude(trial, (now) => ({ ...now, started: Math.max(now.succeeded, now.started - 1) }));
  }

  /** Calls a second that were answered in the busiest part of the window, over all workers. */
  rate(nowMs: number, windowMs: number): number {
    return this.window.busiest(nowMs, windowMs);
  }

  private opened(opens: number, nowMs: number, { openMs }: BreakerPolicy): Standing {
    const times = Math.min(opens, OPENS_MAX);
    const factor = Math.min(OPEN_FACTOR_MAX, 2 ** (times - 1)) * (1 + OPEN_JITTER * this.random());
    return { state: OPEN, opens: times, started: 0, succeeded: 0, atMs: Math.ceil(nowMs + openMs * factor) };
  }

  private tooMany(nowMs: number, sinceMs: number, policy: BreakerPolicy): boolean {
    const { window } = this;
    window.sum(nowMs, policy.windowMs, sinceMs);
    return (
      window.failed >= policy.failures && window.failed >= policy.failureRate * (window.failed + window.ok)
    );
  }

  /** Of the trials that run now, not of some that were given up. */
  private conclude(trial: number, change: (now: Standing) => Standing): void {
    for (;;) {
      const word = this.load();
      const now = unpack(word);
      if (now.state !== HALF_OPEN || now.atMs !== trial) return;
      const next = change(now);
      if (!this.change(word, next)) continue;
      if (next.state === CLOSED) this.count(countAt.closed);
      if (next.state === OPEN) this.count(countAt.opened);
      return;
    }
  }

  private load(): bigint {
    return Atomics.load(this.shared.words, sharedAt.breaker);
  }

  private change(word: bigint, next: Standing): boolean {
    return Atomics.compareExchange(this.shared.words, sharedAt.breaker, word, pack(next)) === word;
  }

  private count(which: number): void {
    Atomics.add(this.shared.counts, which, 1);
  }
}

/** A breaker's state for metrics and events, from any thread. */
export interface BreakerReading {
  state: BreakerState;
  /** Monotonic milliseconds: closed since (0: always), trials may begin, or the trials end. */
  atMs: number;
  /** Totals of changes. */
  opened: number;
  halfOpened: number;
  closed: number;
}

export function readBreaker({ words, counts }: SharedWords): BreakerReading {
  const { state, atMs } = unpack(Atomics.load(words, sharedAt.breaker));
  return {
    state: states[state] ?? 'closed',
    atMs,
    opened: Atomics.load(counts, countAt.opened),
    halfOpened: Atomics.load(counts, countAt.halfOpened),
    closed: Atomics.load(counts, countAt.closed),
  };
}

/** A breaker of one worker alone. */
export function createLocalBreaker(random: () => number): Breaker {
  const shared: SharedWords = {
    words: new BigInt64Array(1),
    numbers: new Float64Array(1),
    counts: new Int32Array(BREAKER_COUNTS),
  };
  const cells = new Int32Array(WINDOW_BUCKETS * BUCKET_INTEGERS);
  return new Breaker(shared, { cells, workers: 1, stride: 0, inFlight: 0, window: 0 }, 0, random);
}
