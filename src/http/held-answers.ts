import { UNREAD_BYTES_MAX } from './message.ts';

/** A connection with answers that its client has not taken. */
export interface AnswerHolder {
  /** Bytes of answers made and not yet with the kernel; 0 once it is closed. */
  readonly heldBytes: number;
  cut(): void;
}

/**
 * Bounds the memory that clients who ask and do not read can take together: one request may have an answer of many
 * megabytes, and 128 of them may be under way on each connection. Over the bound the connection that holds most is cut.
 */
export class HeldAnswers {
  private readonly maxBytes: number;
  private readonly holders = new Set<AnswerHolder>();

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** To be called whenever a holder's bytes have grown; a look of few nanoseconds where they are few. */
  grown(holder: AnswerHolder): void {
    if (holder.heldBytes > UNREAD_BYTES_MAX) this.judge(holder);
  }

  private judge(holder: AnswerHolder): void {
    this.holders.add(holder);
    let total = 0;
    let most = holder;
    for (const each of this.holders) {
      const bytes = each.heldBytes;
      if (bytes <= UNREAD_BYTES_MAX) this.holders.delete(each);
      total += bytes;
      if (bytes > most.heldBytes) most = each;
    }
    if (total <= this.maxBytes) return;
    this.holders.delete(most);
    most.cut();
  }
}
