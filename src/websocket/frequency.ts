/** Counts how often something happens, in windows one after the other. */
export class Frequency {
  private readonly windowMs: number;
  private since = Number.NEGATIVE_INFINITY;
  private count = 0;

  constructor(windowMs: number) {
    this.windowMs = windowMs;
  }

  /** @returns how often within this window, this time included */
  happened(now: number): number {
    if (now - this.since > this.windowMs) {
      this.since = now;
      this.count = 0;
    }
    return ++this.count;
  }
}
