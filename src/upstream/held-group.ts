import type { UpstreamPolicy } from '../config/index.ts';
import type { Pending } from './pending.ts';

/** Calls that may share an exchange and have not left yet: those of this turn, or of `batch.maxWaitMs`. */
export class HeldGroup {
  private calls: Pending[] = [];
  private timer: NodeJS.Timeout | null = null;
  private readonly leave: () => void;

  /** @param leave called when those held have waited long enough */
  constructor(leave: () => void) {
    this.leave = leave;
  }

  get length(): number {
    return this.calls.length;
  }

  push(pending: Pending): void {
    this.calls.push(pending);
  }

  remove(pending: Pending): void {
    this.calls = this.calls.filter((held) => held !== pending);
  }

  take(): Pending[] {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    const { calls } = this;
    this.calls = [];
    return calls;
  }

  /** At the end of a turn: may they wait for more to come? False once they fill a batch. */
  holds({ maxSize, maxBytes, maxWaitMs }: UpstreamPolicy['batch']): boolean {
    if (this.calls.length >= maxSize) return false;
    let bytes = 0;
    for (const pending of this.calls) bytes += pending.body.length + 1;
    if (bytes >= maxBytes) return false;
    this.timer ??= setTimeout(() => {
      this.timer = null;
      this.leave();
    }, maxWaitMs);
    return true;
  }
}
