/** Blocks above the head known to us that are believed at once, whatever the chain's pace. */
const BLOCKS_MIN = 8;
const LAGS = 4;
/** And at most so many, however long nothing was heard of the head. */
const BLOCKS_MAX = 1024;
/** The head's pace is measured over at least so long. */
const MEASURED_MS = 10_000;
/** Blocks come in bursts. */
const PACES = 2;

/**
 * How far above the head that checks found an upstream's block may be to be believed without another one that knows it:
 * 8 blocks, four times the lag that is allowed, or twice what the chain's pace makes likely since the head was last seen to
 * move, whichever is most.
 */
export class HeadBound {
  private head = -1;
  private movedAtMs = 0;
  private base = -1;
  private baseAtMs = 0;
  /** Blocks a millisecond. */
  private pace = 0;

  /** @param head as it is known now */
  blocks(head: number, maxBlockLag: number, intervalMs: number, nowMs: number): number {
    if (head !== this.head) this.moved(head, nowMs);
    const likely = PACES * this.pace * (nowMs - this.movedAtMs + intervalMs);
    return Math.min(BLOCKS_MAX, Math.ceil(Math.max(BLOCKS_MIN, LAGS * maxBlockLag, likely)));
  }

  private moved(head: number, nowMs: number): void {
    this.head = head;
    this.movedAtMs = nowMs;
    const overMs = nowMs - this.baseAtMs;
    if (this.base >= 0 && overMs < MEASURED_MS) return;
    if (this.base >= 0) this.pace = Math.max(0, head - this.base) / overMs;
    this.base = head;
    this.baseAtMs = nowMs;
  }
}
