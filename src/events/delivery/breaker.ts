export interface BreakerTiming {
  /** Failures in a row that open it. */
  failuresMax: number;
  /** How long it stays open the first time, and at most: twice as long after each trial that failed. Milliseconds. */
  openMs: number;
  openMaxMs: number;
}

/** Twelve in a row are an endpoint that is down, and not one that fails now and then: at 30 % one run in two million. */
export const usualBreaker: BreakerTiming = { failuresMax: 12, openMs: 1000, openMaxMs: 60_000 };

/** Of an attempt: which state it was begun in. */
export type BreakerToken = number;

/**
 * Circuit breaker of one sink: while it is open nothing is attempted, so that no delivery loses its attempts to an endpoint that is down.
 * Its times are of a clock that never goes back.
 */
export interface SinkBreaker {
  /** Milliseconds until an attempt may begin; 0: now; Infinity: when the trial that is under way has ended. */
  waitMs(nowMs: number): number;
  /** To be handed back with what became of the attempt. */
  began(): BreakerToken;
  /** Of an attempt that began before the breaker opened both say nothing: the trial alone decides. */
  succeeded(token: BreakerToken): void;
  failed(token: BreakerToken, nowMs: number): void;
  readonly state: 'closed' | 'open' | 'half-open';
}

export function createSinkBreaker(timing: BreakerTiming, random: () => number): SinkBreaker {
  let failures = 0;
  let openings = 0;
  let opensUntil = 0;
  let current: BreakerToken = 0;
  let state: SinkBreaker['state'] = 'closed';
  return {
    get state() {
      return state;
    },
    waitMs(nowMs) {
      if (state === 'closed') return 0;
      if (state === 'half-open') return Number.POSITIVE_INFINITY;
      return Math.max(0, opensUntil - nowMs);
    },
    began() {
      if (state === 'closed') return current;
      state = 'half-open';
      current += 1;
      return current;
    },
    succeeded(token) {
      if (token !== current) return;
      state = 'closed';
      failures = 0;
      openings = 0;
    },
    failed(token, nowMs) {
      if (token !== current) return;
      failures += 1;
      if (state === 'closed' && failures < timing.failuresMax) return;
      const openMs = Math.min(timing.openMs * 2 ** openings, timing.openMaxMs);
      opensUntil = nowMs + openMs * (0.8 + 0.4 * random());
      openings += 1;
      state = 'open';
      // Of those that are under way still: they say nothing new.
      current += 1;
    },
  };
}
