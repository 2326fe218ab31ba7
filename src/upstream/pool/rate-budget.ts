import { type SharedWords, sharedAt } from './cells.ts';

/** How much is allowed at once: what one second allows. */
const BURST_MS = 1000;
/** After a 429 that names no time: this, then twice as much each time it comes again, up to the maximum. */
const PAUSE_MS = 1000;
const PAUSE_MS_MAX = 30_000;
const RETRY_AFTER_MS_MAX = 60_000;
const DECREASE = 0.7;
/** A second. */
const RECOVERY = 1.05;
const RATE_MIN = 1;
/** Where none is configured, and little was asked before the first 429: what is assumed to have been too much. */
const FIRST_RATE_MIN = 10;
/** A rate that was learned, and not configured, is forgotten once it has grown by this factor. */
const FORGOTTEN_FACTOR = 10;

/**
 * Calls a second to one upstream, over all workers: a token bucket in the form of GCRA (ITU-T I.371), so that its whole
 * state is one moment in one atomic word. In any t seconds it lets through at most (t + 1) × rate calls, however many
 * workers race. A 429 stops it for as long as the node asked and lowers the rate to 0.7 of what it was; the rate
 * then recovers by 5 % a second.
 */
export class RateBudget {
  private readonly words: BigInt64Array;
  private readonly numbers: Float64Array;

  constructor({ words, numbers }: SharedWords) {
    this.words = words;
    this.numbers = numbers;
  }

  /** Nothing was configured or learned: every call may go. */
  free(configured: number): boolean {
    const { numbers } = this;
    return configured === 0 && numbers[sharedAt.pausedUntilMs] === 0 && numbers[sharedAt.learnedRate] === 0;
  }

  /** Milliseconds until a call may be sent; 0: now. Takes nothing. `nowMs` is monotonic, the same for all workers. */
  waitMs(nowMs: number, configured: number): number {
    if (this.free(configured)) return 0;
    const pausedMs = this.numbers[sharedAt.pausedUntilMs]! - nowMs;
    if (pausedMs > 0) return pausedMs;
    const rate = this.rate(nowMs, configured);
    if (rate === 0) return 0;
    const fullMs = Number(Atomics.load(this.words, sharedAt.full)) / 1e6;
    const intervalMs = 1000 / rate;
    return Math.max(0, Math.max(fullMs, nowMs) + intervalMs - nowMs - Math.max(BURST_MS, intervalMs));
  }

  /** Takes one call's worth; false where there is none. */
  take(nowMs: number, configured: number): boolean {
    if (this.free(configured)) return true;
    if (this.numbers[sharedAt.pausedUntilMs]! > nowMs) return false;
    const rate = this.rate(nowMs, configured);
    if (rate === 0) return true;
    const now = BigInt(Math.floor(nowMs * 1e6));
    const interval = BigInt(Math.ceil(1e9 / rate));
    const burst = BigInt(BURST_MS * 1_000_000);
    const ahead = interval > burst ? interval : burst;
    for (;;) {
      const full = Atomics.load(this.words, sharedAt.full);
      const next = (full > now ? full : now) + interval;
      if (next - now > ahead) return false;
      if (Atomics.compareExchange(this.words, sharedAt.full, full, next) === full) return true;
    }
  }

  /** Calls a second allowed now; 0: no bound. */
  rate(nowMs: number, configured: number): number {
    const { numbers } = this;
    const learned = numbers[sharedAt.learnedRate]!;
    if (learned === 0) return configured;
    const grown = RECOVERY ** ((nowMs - numbers[sharedAt.learnedAtMs]!) / 1000);
    if (configured > 0 ? learned * grown < configured : grown < FORGOTTEN_FACTOR) return learned * grown;
    numbers[sharedAt.learnedRate] = 0;
    numbers[sharedAt.pausedUntilMs] = 0;
    return configured;
  }

  /**
   * The node said that it was too much. Calls that were under way when it first said so change nothing more.
   *
   * @param retryAfterMs what the node asked for, taken up to a minute
   * @param accepted calls a second that it answered lately: what a rate is learned from where none is configured
   */
  throttled(nowMs: number, configured: number, accepted: number, retryAfterMs?: number): void {
    const { numbers } = this;
    const untilMs = numbers[sharedAt.pausedUntilMs]!;
    if (untilMs > nowMs) return;
    const lastMs = numbers[sharedAt.pauseMs]!;
    const again = untilMs > 0 && nowMs - untilMs < 2 * lastMs;
    const ownMs = again ? Math.min(PAUSE_MS_MAX, lastMs * 2) : PAUSE_MS;
    const pauseMs =
      retryAfterMs === undefined ? ownMs : Math.min(RETRY_AFTER_MS_MAX, Math.max(1, retryAfterMs));
    const before = this.rate(nowMs, configured);
    numbers[sharedAt.learnedRate] = Math.max(
      RATE_MIN,
      (before > 0 ? before : Math.max(FIRST_RATE_MIN, accepted)) * DECREASE,
    );
    // It recovers from when calls may go again.
    numbers[sharedAt.learnedAtMs] = nowMs + pauseMs;
    numbers[sharedAt.pauseMs] = pauseMs;
    numbers[sharedAt.pausedUntilMs] = nowMs + pauseMs;
  }

  /** Milliseconds it is still paused by its own 429; 0: it is not. */
  pausedMs(nowMs: number): number {
    return Math.max(0, this.numbers[sharedAt.pausedUntilMs]! - nowMs);
  }
}
