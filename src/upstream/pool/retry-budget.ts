/** Extra attempts that are allowed however few calls there are, in each window. */
const FLOOR = 10;
const WINDOW_MS = 10_000;

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
