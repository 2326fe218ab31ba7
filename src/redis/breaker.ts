import { reasonOf, saysWhy, troubleOf } from './failure.ts';

/** Is Redis there, as this thread sees it? */
export interface RedisState {
  /** Nothing is sent to it. */
  away: boolean;
  /** Since when it is so, epoch milliseconds. */
  sinceMs: number;
  /** Why; null while it is there. */
  reason: string | null;
}

/** Where commands ask whether to be sent, and tell what became of them. */
export interface RedisGuard {
  /** Redis is away: do not send. */
  isOpen(): boolean;
  /** An answer came in time. */
  succeeded(): void;
  /** None came in time, or it was an error. */
  failed(error: unknown): void;
}

/** Sends what `work` sends, and tells what became of it. Rejects as it does, or where Redis is away. */
export async function guarded<T>(guard: RedisGuard, work: () => Promise<T>): Promise<T> {
  if (guard.isOpen()) throw new Error('Redis is away');
  try {
    const answer = await work();
    guard.succeeded();
    return answer;
  } catch (error) {
    guard.failed(error);
    throw error;
  }
}

/** Circuit breaker of one thread's connection to Redis. */
export interface RedisBreaker extends RedisGuard {
  state(): RedisState;
  /** The connection is there, or there again: Redis is looked at at once. */
  connected(): void;
  /** The connection is gone. */
  lost(error: unknown): void;
  /** Hears of each change. */
  onChange(listener: (state: RedisState) => void): void;
  stop(): void;
}

export interface BreakerOptions {
  /** Resolves when Redis serves: it writes. Rejects within the time of a command. */
  probe(): Promise<unknown>;
  epochMs(): number;
  /** 0 to 1. */
  random(): number;
  /** Calls `work` once; what it returns takes that back. */
  after(ms: number, work: () => void): () => void;
}

/**
 * Timeouts in a row that open it: one alone is a pause of the garbage collector, ours or a neighbour's. After the first Redis is probed at
 * once, so that a quiet instance finds out as fast as a busy one.
 */
export const TIMEOUTS_MAX = 3;
/** Between two probes while it is open; ± 20 %, so that not all instances ask at once. Milliseconds. */
export const PROBE_MS = 500;

/** Open until the first probe succeeds. A lost connection, or an answer that Redis does not serve, opens it at once. */
export function createBreaker({ probe, epochMs, random, after }: BreakerOptions): RedisBreaker {
  const listeners: ((state: RedisState) => void)[] = [];
  let state: RedisState = { away: true, sinceMs: epochMs(), reason: 'not connected yet' };
  let timeouts = 0;
  let probing = false;
  /** Asked for while one was under way, which may have been about a connection that is gone. */
  let again = false;
  let stopped = false;
  let cancel = (): void => {};

  function change(next: RedisState): void {
    timeouts = 0;
    state = next;
    for (const listener of listeners) listener(state);
  }

  function open(error: unknown): void {
    if (stopped) return;
    if (!state.away) {
      change({ away: true, sinceMs: epochMs(), reason: reasonOf(error) });
      lookLater();
    } else if (saysWhy(error)) state = { ...state, reason: reasonOf(error) };
  }

  function lookLater(): void {
    cancel();
    if (!stopped) cancel = after(PROBE_MS * (0.8 + 0.4 * random()), look);
  }

  function look(): void {
    if (stopped) return;
    if (probing) {
      again = true;
      return;
    }
    cancel();
    probing = true;
    again = false;
    const seenAway = state.away;
    probe().then(
      () => {
        probing = false;
        timeouts = 0;
        // It went away meanwhile: the answer is of before.
        if (again || state.away !== seenAway) look();
        else if (state.away && !stopped) change({ away: false, sinceMs: epochMs(), reason: null });
      },
      (error: unknown) => {
        probing = false;
        const silent = troubleOf(error) === 'timeout';
        if (state.away || !silent || ++timeouts >= TIMEOUTS_MAX) open(error);
        if (again || !state.away) look();
        else lookLater();
      },
    );
  }
  lookLater();

  return {
    state: () => state,
    isOpen: () => state.away,
    succeeded() {
      timeouts = 0;
    },
    failed(error) {
      // Of a command that was sent before it opened: says nothing new.
      if (state.away) return;
      const trouble = troubleOf(error);
      if (trouble === 'answered') timeouts = 0;
      else if (trouble !== 'timeout' || ++timeouts >= TIMEOUTS_MAX) open(error);
      else look();
    },
    connected: look,
    lost: open,
    onChange(listener) {
      listeners.push(listener);
    },
    stop() {
      stopped = true;
      cancel();
    },
  };
}
