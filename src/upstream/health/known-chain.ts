/** Blocks kept of the chain that is followed. */
const KEPT = 128;

/**
 * Numbers and hashes of blocks on the chain that is followed: the latest 128 that were seen, with gaps where the head
 * moved by several, and the genesis block where it is known.
 */
export class KnownChain {
  /** Ascending by number. */
  private numbers: number[] = [];
  private readonly hashes = new Map<number, string>();

  hashAt(number: number): string | undefined {
    return this.hashes.get(number);
  }

  /** Ascending. */
  heights(): readonly number[] {
    return this.numbers;
  }

  /** The highest known block at or below `number`; -1 for none. */
  atOrBelow(number: number): number {
    let found = -1;
    for (const height of this.numbers) if (height <= number) found = height;
    return found;
  }

  record(number: number, hash: string): void {
    if (!this.hashes.has(number)) {
      let place = this.numbers.length;
      while (place > 0 && this.numbers[place - 1]! > number) place--;
      this.numbers.splice(place, 0, number);
    }
    this.hashes.set(number, hash);
    if (this.numbers.length <= KEPT) return;
    // The genesis block tells chains apart long after.
    const [oldest] = this.numbers.splice(this.numbers[0] === 0 ? 1 : 0, 1);
    this.hashes.delete(oldest!);
  }

  /** Forgets blocks from `from` on. */
  dropFrom(from: number): void {
    for (const number of this.numbers) if (number >= from) this.hashes.delete(number);
    this.numbers = this.numbers.filter((number) => number < from);
  }
}
