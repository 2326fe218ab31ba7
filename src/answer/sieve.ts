/** What {@link Sieve} needs of an entry. */
export interface SieveEntry {
  readonly key: string;
  /** What the key is found by. Of two entries with the same one the later stays. */
  readonly hash: number;
  /** What it takes, all in all. */
  readonly size: number;
  /** Was it used since it was last weighed? Set by whoever uses it. */
  used: boolean;
}

/**
 * Entries by key, and which of them is worth least: SIEVE (Zhang et al., NSDI 2024). A hit sets a flag and moves nothing; a
 * hand goes from the oldest to the newest, takes the flag from what was used and gives up what was not. The map keeps the
 * order of arrival and its iterator is the hand, so there is no list beside it.
 */
export class Sieve<E extends SieveEntry> {
  private readonly entries = new Map<number, E>();
  private hand = this.entries.values();
  /** Sum of the entries' sizes. */
  bytes = 0;

  get count(): number {
    return this.entries.size;
  }

  /** One whose hash it is; the key may be another. */
  find(hash: number): E | undefined {
    // Often one of two is empty.
    return this.entries.size === 0 ? undefined : this.entries.get(hash);
  }

  /** There must be none with the same hash. */
  add(entry: E): void {
    this.entries.set(entry.hash, entry);
    this.bytes += entry.size;
  }

  remove(hash: number): void {
    const entry = this.entries.get(hash);
    if (entry === undefined) return;
    this.entries.delete(hash);
    this.bytes -= entry.size;
  }

  /** Gives up one entry; false if there is none. */
  evict(): boolean {
    while (this.entries.size > 0) {
      const { value, done } = this.hand.next();
      if (done === true) {
        this.hand = this.entries.values();
      } else if (value.used) {
        value.used = false;
      } else {
        this.entries.delete(value.hash);
        this.bytes -= value.size;
        return true;
      }
    }
    return false;
  }

  /** Returns how many were dropped. */
  dropWhere(test: (entry: E) => boolean): number {
    const before = this.entries.size;
    for (const entry of this.entries.values()) if (test(entry)) this.remove(entry.hash);
    return before - this.entries.size;
  }

  clear(): void {
    this.entries.clear();
    this.hand = this.entries.values();
    this.bytes = 0;
  }
}
