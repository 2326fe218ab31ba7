/** Longest wait between two checks of an upstream that is down. */
const BACKED_OFF_MS_MAX = 15_000;
const BACKED_OFF_INTERVALS_MAX = 10;
/** A bad check of an upstream that is up is looked into sooner. */
const CONFIRM_SHARE = 0.25;
/** One that refuses connections is asked at this share of the interval, so that it is back within the interval. */
const REFUSING_SHARE = 0.75;
const JITTER = 0.1;

export interface Paced {
  state: 'unknown' | 'up' | 'down';
  /** Checks in a row that were bad, or where it asked us to slow down. */
  strained: number;
  /** The last one was a refused or cut connection. */
  cheap: boolean;
}

/**
 * Milliseconds until the next check, ±10 %: the interval where all is well; a quarter of it after a first bad check;
 * while down, twice as long each time up to ten intervals or 15 s, but never backed off where asking is cheap: a node
 * that is started again refuses connections until it serves.
 * @param random in [0, 1)
 */
export function nextCheckIn(intervalMs: number, { state, strained, cheap }: Paced, random: number): number {
  const spread = 1 - JITTER + 2 * JITTER * random;
  return intervalMs * spread * shareOf(intervalMs, state, strained, cheap);
}

function shareOf(intervalMs: number, state: Paced['state'], strained: number, cheap: boolean): number {
  if (state === 'down' && cheap) return REFUSING_SHARE;
  if (strained === 0) return 1;
  if (state !== 'down' && strained === 1) return CONFIRM_SHARE;
  const most = Math.max(1, Math.min(BACKED_OFF_INTERVALS_MAX, BACKED_OFF_MS_MAX / intervalMs));
  return Math.min(most, 2 ** Math.max(0, Math.min(10, strained - 2)));
}
