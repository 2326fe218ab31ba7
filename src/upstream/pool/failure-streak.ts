/** Each failure in a row doubles what a call is expected to cost, up to so many times; each so many ms halve it. */
const IN_ROW_MAX = 10;
const FORGIVEN_MS = 500;

/** How often in a row an upstream failed: one that refuses at once would else look like the fastest, and draw calls until its breaker opens. */
export class FailureStreak {
  private inRow = 0;
  private atMs = 0;

  failed(nowMs: number): void {
    this.inRow = Math.min(IN_ROW_MAX, this.inRow + 1);
    this.atMs = nowMs;
  }

  /** A call went well. */
  end(): void {
    this.inRow = 0;
  }

  get goesOn(): boolean {
    return this.inRow > 0;
  }

  /** Times that a call's expected cost is taken. */
  factor(nowMs: number): number {
    return this.inRow === 0 ? 1 : 2 ** Math.max(0, this.inRow - (nowMs - this.atMs) / FORGIVEN_MS);
  }
}
