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
 * Entries by key, and which of them is worth least: a clock with a second chance (Corbató 1968; SIEVE without its order of
 * arrival). A hit sets a flag and moves nothing; a hand goes round, takes the flag from what was used and gives up what
 * was not.
 *
 * The map holds numbers only, places in an array: a Map of objects that come and go makes a new table every few dozen of
 * them, and the tables that have grown old keep all they held alive until the next full collection.
 */
export class Sieve<E extends SieveEntry> {
  private readonly places = new Map<number, number>();
  private entries: (E | undefined)[] = [];
  private free: number[] = [];
  private hand = 0;
  /** Sum of the entries' sizes. */
  bytes = 0;

  get count(): number {
    return this.places.size;
  }

  /** One whose hash it is; the key may be another. */
  find(hash: number): E | undefined {
    // Often one of two is empty.
    if (this.places.size === 0) return undefined;
    const place = this.places.get(hash);
    return place === undefined ? undefined : this.entries[place];
  }

  /** There must be none with the same hash. */
  add(entry: E): void {
    const place = this.free.pop() ?? this.entries.length;
    this.entries[place] = entry;
    this.places.set(entry.hash, place);
    this.bytes += entry.size;
  }

  remove(hash: number): void {
    const place = this.places.get(hash);
    if (place !== undefined) this.giveUp(place, this.entries[place]!);
  }

  /** Gives up one entry; false if there is none. */
  evict(): boolean {
    while (this.places.size > 0) {
      if (this.hand >= this.entries.length) this.hand = 0;
      const place = this.hand++;
      const entry = this.entries[place];
      if (entry === undefined) continue;
      if (entry.used) {
        entry.used = false;
        continue;
      }
      this.giveUp(place, entry);
      return true;
    }
    return false;
  }

  /** Returns how many were dropped. */
  dropWhere(test: (entry: E) => boolean): number {
    const before = this.count;
    for (const [place, entry] of this.entries.entries())
      if (entry !== undefined && test(entry)) this.giveUp(place, entry);
    return before - this.count;
  }

  clear(): void {
    if (this.entries.length === 0) return;
    this.places.clear();
    this.entries = [];
    this.free = [];
    this.hand = 0;
    this.bytes = 0;
  }

  private giveUp(place: number, entry: E): void {
    this.entries[place] = undefined;
    this.free.push(place);
    this.places.delete(entry.hash);
    this.bytes -= entry.size;
  }
}
