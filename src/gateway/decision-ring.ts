import type { DecisionRecord } from './decision.ts';

/** A decision as it was noted on the way of the call; made readable only when somebody asks. */
export interface DecisionNote {
  readonly requestId: string;
  readonly atMs: number;
  readonly record: () => DecisionRecord;
}

/**
 * The latest decisions of one worker. Bounded twice: by age and by number, so a flood of refusals makes
 * it forget sooner, never grow.
 */
export class DecisionRing {
  private readonly notes: (DecisionNote | undefined)[];
  private readonly keepMs: number;
  private next = 0;

  constructor(recordsMax: number, keepMs: number) {
    this.notes = new Array<DecisionNote | undefined>(Math.max(1, recordsMax));
    this.keepMs = keepMs;
  }

  /** @returns whether another note was dropped for it before its time */
  add(note: DecisionNote): boolean {
    const before = this.notes[this.next];
    this.notes[this.next] = note;
    this.next = (this.next + 1) % this.notes.length;
    return before !== undefined && note.atMs - before.atMs < this.keepMs;
  }

  /** All that is kept of one request, in order: one record, or one for each noted item of a batch. */
  find(requestId: string, nowMs: number): DecisionRecord[] {
    const found: DecisionNote[] = [];
    for (let k = 0; k < this.notes.length; k++) {
      const note = this.notes[(this.next + k) % this.notes.length];
      if (note?.requestId === requestId && nowMs - note.atMs <= this.keepMs) found.push(note);
    }
    return found.map((note) => note.record());
  }

  /** Drops what is too old, so that an idle worker holds nothing for ever. */
  expire(nowMs: number): void {
    for (let k = 0; k < this.notes.length; k++) {
      const note = this.notes[k];
      if (note && nowMs - note.atMs > this.keepMs) this.notes[k] = undefined;
    }
  }
}
