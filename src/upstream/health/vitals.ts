import type { BadReason } from './check.ts';

/** Bad checks in a row until an upstream is down; a wrong chain is believed at once. */
const BAD_CHECKS = 2;
/** An upstream that went down twice within this time needs two good checks in a row to be up again. */
const FLAP_MS = 60_000;
const GOOD_CHECKS_AFTER_FLAP = 2;

/** An upstream went from one state to another. */
export type Transition =
  | { to: 'up' /** How long it was down; null: it was never checked before. */; downMs: number | null }
  | { to: 'down'; reason: BadReason /** How long it was up; null: it never was. */; upMs: number | null };

/** What checks say of one upstream over time. Times are monotonic milliseconds. */
export interface Vitals {
  readonly state: 'unknown' | 'up' | 'down';
  /** Why it is down, else null. */
  readonly reason: BadReason | null;
  readonly sinceMs: number;
  /** How often it went down. */
  readonly downs: number;
  /** Bad checks in a row. */
  readonly badInRow: number;
  good(nowMs: number): Transition | null;
  bad(reason: BadReason, nowMs: number): Transition | null;
}

export function createVitals(nowMs: number): Vitals {
  let state: Vitals['state'] = 'unknown';
  let reason: BadReason | null = null;
  let sinceMs = nowMs;
  let downs = 0;
  let badInRow = 0;
  let goodInRow = 0;
  /** When it went down last, and the time before that. */
  let wentDown: [number, number] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];

  return {
    get state() {
      return state;
    },
    get reason() {
      return reason;
    },
    get sinceMs() {
      return sinceMs;
    },
    get downs() {
      return downs;
    },
    get badInRow() {
      return badInRow;
    },
    good(nowMs) {
      badInRow = 0;
      goodInRow++;
      if (state === 'up') return null;
      const flaps = state === 'down' && wentDown[0] - wentDown[1] < FLAP_MS;
      if (flaps && goodInRow < GOOD_CHECKS_AFTER_FLAP) return null;
      const downMs = state === 'down' ? nowMs - sinceMs : null;
      state = 'up';
      reason = null;
      sinceMs = nowMs;
      return { to: 'up', downMs };
    },
    bad(why, nowMs) {
      goodInRow = 0;
      badInRow++;
      if (state === 'down') {
        if (why === reason) return null;
        // Down as before, but for another cause: `since` stays.
        reason = why;
        return { to: 'down', reason: why, upMs: null };
      }
      if (badInRow < BAD_CHECKS && why !== 'wrongChain') return null;
      const upMs = state === 'up' ? nowMs - sinceMs : null;
      state = 'down';
      reason = why;
      sinceMs = nowMs;
      downs++;
      wentDown = [nowMs, wentDown[0]];
      return { to: 'down', reason: why, upMs };
    },
  };
}
