/**
 * Tells a node that fails from a method that fails there. One caller can make one method fail, by asking for too much; that
 * is no reason to keep all callers from the node. Of one upstream in one worker.
 */
export class MethodMix {
  private last = '';
  private mixedAtMs = Number.NEGATIVE_INFINITY;
  private failedLast = '';
  private failedAtMs = Number.NEGATIVE_INFINITY;
  private spreadAtMs = Number.NEGATIVE_INFINITY;

  called(method: string, nowMs: number): void {
    if (method === this.last) return;
    if (this.last !== '') this.mixedAtMs = nowMs;
    this.last = method;
  }

  /**
   * What this failure and those before it, in `windowMs`, speak against.
   * - `node`: two methods failed; - `alone`: no other method was called; - `method`: others were, and did not fail
   */
  failed(method: string, nowMs: number, windowMs: number): 'node' | 'alone' | 'method' {
    this.called(method, nowMs);
    if (method !== this.failedLast && nowMs - this.failedAtMs < windowMs) this.spreadAtMs = nowMs;
    this.failedLast = method;
    this.failedAtMs = nowMs;
    if (nowMs - this.spreadAtMs < windowMs) return 'node';
    return nowMs - this.mixedAtMs < windowMs ? 'method' : 'alone';
  }
}
