import { BUCKET_INTEGERS, type CellPlaces, WINDOW_BUCKETS } from './cells.ts';

/**
 * How many calls went well and how many failed in the last `windowMs`, counted in eight buckets of equal length. What is
 * older than the window never counts; what is younger than seven eighths of it always does. Each worker writes its own
 * buckets, without atomics, and sums all: a call that goes well touches no line of memory that others write.
 */
export class FailureWindow {
  /** Set by {@link sum}. */
  ok = 0;
  failed = 0;
  /** Of {@link ok}: what other workers counted. */
  okElsewhere = 0;
  private readonly places: CellPlaces;
  private readonly own: number;
  /** Of the last call's moment, which its turn's other calls share. */
  private nowMs = -1;
  private windowMs = 0;
  private bucket = 0;

  constructor(places: CellPlaces, worker: number) {
    this.places = places;
    this.own = places.window + worker * places.stride;
  }

  /** `nowMs` is monotonic, the same for all workers. */
  record(failed: boolean, nowMs: number, windowMs: number): void {
    const { cells } = this.places;
    if (nowMs !== this.nowMs || windowMs !== this.windowMs) {
      this.nowMs = nowMs;
      this.windowMs = windowMs;
      this.bucket = bucketAt(nowMs, windowMs);
    }
    const { bucket } = this;
    const at = this.own + (bucket & (WINDOW_BUCKETS - 1)) * BUCKET_INTEGERS;
    if (cells[at] !== bucket) {
      cells[at + 1] = 0;
      cells[at + 2] = 0;
      cells[at] = bucket;
    }
    cells[at + (failed ? 2 : 1)]!++;
  }

  /** Over all workers, of buckets that began after `sinceMs`; into {@link ok} and {@link failed}. */
  sum(nowMs: number, windowMs: number, sinceMs: number): void {
    const { cells, window, workers, stride } = this.places;
    const last = bucketAt(nowMs, windowMs);
    const since = sinceMs > 0 ? bucketAt(sinceMs, windowMs) : -1;
    this.ok = 0;
    this.failed = 0;
    this.okElsewhere = 0;
    for (let worker = 0; worker < workers; worker++) {
      for (let k = 0; k < WINDOW_BUCKETS; k++) {
        const at = window + worker * stride + k * BUCKET_INTEGERS;
        const bucket = cells[at]!;
        // A worker whose clock is a bucket ahead counts too.
        if (bucket <= last - WINDOW_BUCKETS || bucket > last + 1 || bucket <= since) continue;
        this.ok += cells[at + 1]!;
        if (window + worker * stride !== this.own) this.okElsewhere += cells[at + 1]!;
        this.failed += cells[at + 2]!;
      }
    }
  }

  /** Calls a second that went well in the bucket that had most of them. */
  busiest(nowMs: number, windowMs: number): number {
    const { cells, window, workers, stride } = this.places;
    const last = bucketAt(nowMs, windowMs);
    let most = 0;
    for (let bucket = Math.max(0, last - WINDOW_BUCKETS + 1); bucket <= last; bucket++) {
      let ok = 0;
      for (let worker = 0; worker < workers; worker++) {
        const at = window + worker * stride + (bucket & (WINDOW_BUCKETS - 1)) * BUCKET_INTEGERS;
        if (cells[at] === bucket) ok += cells[at + 1]!;
      }
      if (ok > most) most = ok;
    }
    return (most * WINDOW_BUCKETS * 1000) / windowMs;
  }
}

function bucketAt(ms: number, windowMs: number): number {
  return Math.floor((ms * WINDOW_BUCKETS) / windowMs) | 0;
}
