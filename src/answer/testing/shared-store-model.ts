import type { SharedStore } from '../ports.ts';

/** A store of several rooms in one thread, by a clock of its own; it answers when the test says so. */
export class SharedStoreModel {
  readonly kept = new Map<string, { value: Buffer; untilMs: number }>();
  there = true;
  /** Reads and words asked for, and writes taken, so far. */
  readonly count = { reads: 0, heard: 0, writes: 0 };
  private waiting: (() => void)[] = [];
  private readonly nowMs: () => number;

  /** @param nowMs its clock, epoch milliseconds */
  constructor(nowMs: () => number) {
    this.nowMs = nowMs;
  }

  readonly store: SharedStore = {
    isThere: () => this.there,
    read: (name, then) => {
      this.count.reads++;
      this.later(() => then(this.there ? this.find(name) : undefined));
    },
    write: (name, bytes, untilMs, then) => {
      this.later(() => {
        if (this.there) this.keep(name, Buffer.from(bytes), untilMs);
        then(this.there);
      });
      return true;
    },
    remove: (name) => this.later(() => this.kept.delete(name)),
    hear: (name, then) => {
      this.count.heard++;
      this.later(() => {
        const text = this.find(name)?.toString() ?? null;
        then(this.there ? { text, clockMs: Math.floor(this.nowMs()) } : undefined);
      });
    },
    say: (name, text, ms, first) =>
      this.later(() => {
        if (!this.there || (first && this.find(name) !== null)) return;
        this.keep(name, Buffer.from(text), this.nowMs() + ms);
      }),
  };

  /** Answers what was asked for so far, and what follows from it. */
  deliver(): void {
    while (this.waiting.length > 0) for (const answer of this.waiting.splice(0)) answer();
  }

  private later(answer: () => void): void {
    this.waiting.push(answer);
  }

  private keep(name: string, value: Buffer, untilMs: number): void {
    this.count.writes++;
    this.kept.set(name, { value, untilMs });
  }

  private find(name: string): Buffer | null {
    const kept = this.kept.get(name);
    return kept === undefined || kept.untilMs <= this.nowMs() ? null : kept.value;
  }
}
