const BUCKETS = 96;
/** Each bucket ends a fifth above the last: 0.1 ms to over an hour. */
const GROWTH = Math.log(1.2);
const FIRST_MS = 0.1;
/** Counts are halved here, so that old answers fade. */
const COUNT_MAX = 1024;
/** Fewer say nothing of a quantile. */
const COUNT_MIN = 20;
const METHODS_MAX = 64;

/** A histogram of one method's latencies; a quantile read from it is at most a fifth too long. */
export class LatencySketch {
  private readonly counts = new Uint16Array(BUCKETS);
  private count = 0;

  observe(ms: number): void {
    const at = ms <= FIRST_MS ? 0 : Math.min(BUCKETS - 1, Math.ceil(Math.log(ms / FIRST_MS) / GROWTH));
    this.counts[at]!++;
    if (++this.count < COUNT_MAX) return;
    this.count = 0;
    for (let k = 0; k < BUCKETS; k++) this.count += this.counts[k] = this.counts[k]! >> 1;
  }

  /** Milliseconds; undefined while too few answers are known. */
  quantile(share: number): number | undefined {
    if (this.count < COUNT_MIN) return undefined;
    let left = Math.ceil(share * this.count);
    for (let k = 0; k < BUCKETS; k++) {
      left -= this.counts[k]!;
      if (left <= 0) return FIRST_MS * Math.exp(k * GROWTH);
    }
    return undefined;
  }
}

/** By method, of one worker; methods beyond the first few dozen share one. */
export class MethodLatencies {
  private readonly sketches = new Map<string, LatencySketch>();
  private readonly others = new LatencySketch();

  of(method: string): LatencySketch {
    const known = this.sketches.get(method);
    if (known !== undefined) return known;
    if (this.sketches.size >= METHODS_MAX) return this.others;
    const sketch = new LatencySketch();
    this.sketches.set(method, sketch);
    return sketch;
  }
}
