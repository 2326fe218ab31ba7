const TICK_MS_MIN = 5;
const TICK_MS_MAX = 100;

/**
 * The one timer of an upstream, and its coarse clock: behind the real one by up to a tick, which is a
 * twentieth of the shortest deadline, at most 100 ms. No call has a timer of its own.
 */
export class Ticker {
  /** Monotonic milliseconds at the last tick. */
  nowMs = 0;
  tickMs = TICK_MS_MAX;
  private readonly now: () => number;
  private readonly tick: () => void;
  private timer: NodeJS.Timeout | null = null;

  /** @param now monotonic microseconds */
  constructor(now: () => number, tick: () => void) {
    this.now = now;
    this.tick = tick;
  }

  get running(): boolean {
    return this.timer !== null;
  }

  /** Starts it, or goes on at another pace. Never keeps the process alive. */
  start(shortestDeadlineMs: number): void {
    this.stop();
    this.tickMs = Math.max(TICK_MS_MIN, Math.min(TICK_MS_MAX, Math.floor(shortestDeadlineMs / 20)));
    this.nowMs = this.now() / 1000;
    this.timer = setInterval(() => {
      this.nowMs = this.now() / 1000;
      // After the poll phase: if this thread was held up, what the node sent meanwhile is read first.
      setImmediate(() => {
        if (this.timer !== null) this.tick();
      });
    }, this.tickMs).unref();
  }

  stop(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
  }
}
