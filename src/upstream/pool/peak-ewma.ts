const DECAY_MS = 10_000;
/** Below it latencies are taken as equal, and what is in flight decides; it also stands for a node not yet heard of. */
const FLOOR_MS = 0.05;
const IDLE_MS = 1000;

/**
 * Latency as a caller may expect it: an average that forgets over some 10 s, but jumps to any answer slower than itself
 * at once ("peak EWMA", Finagle's and Linkerd's balancer). A node that turns slow loses traffic with its first slow answer, not
 * its hundredth. While it is asked nothing it is forgiven by the same decay, so that it is tried again.
 */
export class PeakEwma {
  private valueMs = 0;
  private atMs = 0;

  observe(ms: number, nowMs: number): void {
    if (ms >= this.valueMs) this.valueMs = ms;
    // Of one turn's answers all but the slowest weigh nothing.
    else if (nowMs > this.atMs) {
      const kept = Math.exp((this.atMs - nowMs) / DECAY_MS);
      this.valueMs = this.valueMs * kept + ms * (1 - kept);
    }
    this.atMs = nowMs;
  }

  /** Milliseconds, above 0. */
  value(nowMs: number, idle: boolean): number {
    const silentMs = nowMs - this.atMs;
    const valueMs =
      idle && silentMs > IDLE_MS ? this.valueMs * Math.exp((IDLE_MS - silentMs) / DECAY_MS) : this.valueMs;
    return valueMs > FLOOR_MS ? valueMs : FLOOR_MS;
  }
}
