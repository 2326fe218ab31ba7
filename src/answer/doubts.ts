/** Reorgs that are told apart; of more, the oldest two count as one. */
const DOUBTS_MAX = 64;

/**
 * From when on an answer must have been asked for, given the reorgs that were seen: one of a block that was replaced says nothing unless it
 * was asked for afterwards.
 */
export class Doubts {
  /** A later reorg from a lower block makes an earlier one of no account: both numbers rise. */
  private readonly reorgs: { from: number; until: number }[] = [];

  /** Blocks from `from` on are others; answers about them are sound if asked for after `until`, later than any before. */
  add(from: number, until: number): void {
    const { reorgs } = this;
    while (reorgs.length > 0 && reorgs.at(-1)!.from >= from) reorgs.pop();
    reorgs.push({ from, until });
    if (reorgs.length <= DOUBTS_MAX) return;
    const [first] = reorgs.splice(0, 1);
    reorgs[0]!.from = first!.from;
  }

  /** For one about a block of this height; Infinity: about none in particular. */
  until(height: number): number {
    return this.reorgs.findLast(({ from }) => from <= height)?.until ?? Number.NEGATIVE_INFINITY;
  }
}
