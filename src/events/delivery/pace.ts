/** At most so many a second, with a burst of one second's worth. */
export interface Pace {
  /** Milliseconds until the next may begin. */
  waitMs(nowMs: number): number;
  take(count: number, nowMs: number): void;
}

/** `perSecond` 0: no bound. */
export function createPace(perSecond: number): Pace {
  if (perSecond === 0) return { waitMs: () => 0, take: () => undefined };
  const capacity = Math.max(1, perSecond);
  let tokens = capacity;
  let atMs: number | undefined;
  const refill = (nowMs: number): void => {
    // A clock that goes back gives nothing, and takes nothing.
    tokens = Math.min(capacity, tokens + (Math.max(0, nowMs - (atMs ?? nowMs)) / 1000) * perSecond);
    atMs = nowMs;
  };
  return {
    waitMs(nowMs) {
      refill(nowMs);
      return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) / perSecond) * 1000);
    },
    take(count, nowMs) {
      refill(nowMs);
      tokens -= count;
    },
  };
}
