/** Extra attempts that are allowed however few calls there are, in each window. */
const FLOOR = 10;
const WINDOW_MS = 10_000;
/** For attempts that a caller may have brought about: so many at once, and one more for each so many ms. */
const DOUBTFUL_MAX = 10;
const DOUBTFUL_MS = 1000;

/**
 * Keeps retries and hedges from multiplying traffic to nodes that are in trouble: in some 10 s no more extra attempts
 * than a share of the calls in them, and a few. Of one worker.
 */
export class RetryBudget {
  private calls = 0;
  private callsBefore = 0;
  private spent = 0;
  private spentBefore = 0;
  private turnsAtMs = 0;
  /** When all doubtful ones would be allowed again. */
  private doubtfulFullMs = 0;

  /** A call arrived. */
  called(nowMs: number): void {
    if (nowMs >= this.turnsAtMs) this.turn(nowMs);
    this.calls++;
  }

  /** Takes one extra attempt; false where the budget is used up. */
  take(nowMs: number, share: number): boolean {
    if (nowMs >= this.turnsAtMs) this.turn(nowMs);
    if (this.spent + this.spentBefore + 1 > FLOOR + share * (this.calls + this.callsBefore)) return false;
    this.spent++;
    return true;
  }

  /**
   * The same for an attempt that is worth little, because the call may be at fault: out of an allowance of its own, so
   * that no caller uses up what is there for nodes that fail.
   */
  takeDoubtful(nowMs: number): boolean {
    const fullMs = Math.max(this.doubtfulFullMs, nowMs) + DOUBTFUL_MS;
    if (fullMs - nowMs > DOUBTFUL_MAX * DOUBTFUL_MS) return false;
    this.doubtfulFullMs = fullMs;
    return true;
  }

  /** Every half window the older half is forgotten. */
  private turn(nowMs: number): void {
    const silent = nowMs >= this.turnsAtMs + WINDOW_MS / 2;
    this.callsBefore = silent ? 0 : this.calls;
    this.spentBefore = silent ? 0 : this.spent;
    this.calls = 0;
    this.spent = 0;
    this.turnsAtMs = nowMs + WINDOW_MS / 2;
  }
}
