import type { FailureKind } from './call.ts';
import type { Pending } from './pending.ts';

/** Calls that failed while they were still inside `send`, to be told so once that is over. Not one byte of them was written. */
export class DeferredFailures {
  private waiting: { pending: Pending; kind: FailureKind; reason: string }[] = [];
  private readonly tell: (pending: Pending, kind: FailureKind, reason: string) => void;

  constructor(tell: (pending: Pending, kind: FailureKind, reason: string) => void) {
    this.tell = tell;
  }

  add(pending: Pending, kind: FailureKind, reason: string): void {
    if (this.waiting.push({ pending, kind, reason }) > 1) return;
    process.nextTick(() => {
      const due = this.waiting;
      this.waiting = [];
      for (const failed of due) this.tell(failed.pending, failed.kind, failed.reason);
    });
  }
}
