/** Delay of a thread's event loop, from how late a timer of it comes. */
export interface LoopWatch {
  /** To be called by a timer of `intervalMs`. */
  tick(): void;
  /** Microseconds: the mean and the greatest of the present window and the one before it. */
  readonly lagMicros: number;
  readonly maxLagMicros: number;
}

/** A timer is up to a millisecond late by itself, and the two windows are of `windowTicks` ticks each. */
export function createLoopWatch(options: {
  intervalMs: number;
  windowTicks: number;
  /** Steady milliseconds. */
  nowMs: () => number;
}): LoopWatch {
  const { intervalMs, windowTicks, nowMs } = options;
  let before = { ticks: 0, sum: 0, max: 0 };
  let present = { ticks: 0, sum: 0, max: 0 };
  let last = nowMs();
  return {
    tick() {
      const now = nowMs();
      const lag = Math.max(0, now - last - intervalMs) * 1000;
      last = now;
      present.ticks++;
      present.sum += lag;
      if (lag > present.max) present.max = lag;
      if (present.ticks < windowTicks) return;
      before = present;
      present = { ticks: 0, sum: 0, max: 0 };
    },
    get lagMicros() {
      const ticks = before.ticks + present.ticks;
      return ticks === 0 ? 0 : (before.sum + present.sum) / ticks;
    },
    get maxLagMicros() {
      return Math.max(before.max, present.max);
    },
  };
}
