import type { Head } from './head.ts';

/** What a head changed: blocks that are no more on the chain, and those that are, both oldest first. */
export interface ChainStep {
  readonly removed: readonly Head[];
  readonly added: readonly Head[];
}

/** Why a head changed nothing. */
export type NoStep =
  /** It is on the chain already, or not above the tip. */
  | { nothing: 'known' | 'behind' }
  /** So many blocks lie between it and the chain: more than may be fetched. */
  | { gap: number }
  /** A block between could not be had from anybody. */
  | { missing: string };

export interface Chain {
  readonly tip: Head | null;
  /** The chain begins with this block, of which nobody is told. */
  begin(head: Head): void;
  /**
   * Follows a head back to a block that is known, if it is above the tip, or level with it and `mayBeLevel`. One below is
   * told by a source that lags, or by one of several nodes behind one address, or it is of a branch that will be seen to win
   * when it grows. Not to be called again before it has resolved.
   */
  follow(head: Head, mayBeLevel?: boolean): Promise<ChainStep | NoStep>;
}

/** Blocks behind the tip that a fork may reach back to. */
export const WINDOW = 256;
/** Blocks of a gap asked for at once. */
const ASKED_AT_ONCE = 8;

/**
 * The one chain that a network's subscribers are told, whoever tells its heads. A gap, a lost source and a reorg are one
 * case: a head whose parent is not the tip.
 */
export function createChain(options: {
  /** null or undefined: nobody has it. */
  byHash: (hash: string) => Promise<Head | null | undefined>;
  byNumber: (number: number) => Promise<Head | null | undefined>;
  maxBackfill: () => number;
}): Chain {
  /** Ascending, each the parent of the next. */
  let blocks: Head[] = [];
  const places = new Map<string, Head>();

  const known = (hash: string): boolean => places.has(hash);

  /** Blocks between the tip and a head that is further away, by number: most gaps have no fork in them. */
  async function prefetch(tip: Head, head: Head): Promise<Map<string, Head>> {
    const found = new Map<string, Head>();
    for (let from = tip.number + 1; from < head.number; from += ASKED_AT_ONCE) {
      const count = Math.min(ASKED_AT_ONCE, head.number - from);
      const asked = Array.from({ length: count }, (_, k) => options.byNumber(from + k));
      for (const block of await Promise.all(asked)) if (block) found.set(block.hash, block);
    }
    return found;
  }

  /** The own chain is known from where it began: what is below is looked up when a fork reaches down there. */
  async function reachDown(number: number): Promise<void> {
    const max = options.maxBackfill();
    while (blocks[0]!.number > Math.max(0, number) && blocks.length < WINDOW + max) {
      const { parentHash, number: above } = blocks[0]!;
      const parent = await options.byHash(parentHash);
      if (!parent || parent.hash !== parentHash || parent.number !== above - 1) return;
      blocks.unshift(parent);
      places.set(parentHash, parent);
    }
  }

  async function pathTo(tip: Head, head: Head): Promise<Head[] | NoStep> {
    const max = options.maxBackfill();
    if (head.number - tip.number > max + 1) return { gap: head.number - tip.number - 1 };
    const fetched = await prefetch(tip, head);
    const path = [head];
    for (;;) {
      const { parentHash, number } = path[0]!;
      await reachDown(number - 1);
      // Of a chain that shares nothing with ours, or nothing that can be told, all is new.
      if (known(parentHash) || number === 0 || blocks[0]!.number >= number) return path;
      if (path.length > max) return { gap: path.length };
      const parent = fetched.get(parentHash) ?? (await options.byHash(parentHash));
      if (!parent || parent.hash !== parentHash || parent.number !== number - 1)
        return { missing: parentHash };
      path.unshift(parent);
    }
  }

  function take(path: readonly Head[]): ChainStep {
    const { parentHash } = path[0]!;
    const at = blocks.findIndex(({ hash }) => hash === parentHash) + 1;
    const removed = blocks.splice(at);
    for (const { hash } of removed) places.delete(hash);
    for (const block of path) {
      blocks.push(block);
      places.set(block.hash, block);
    }
    for (const { hash } of blocks.splice(0, Math.max(0, blocks.length - WINDOW))) places.delete(hash);
    return { removed, added: path };
  }

  return {
    get tip() {
      return blocks.at(-1) ?? null;
    },
    begin(head) {
      places.clear();
      blocks = [head];
      places.set(head.hash, head);
    },
    async follow(head, mayBeLevel = false) {
      const tip = blocks.at(-1)!;
      if (known(head.hash)) return { nothing: 'known' };
      if (head.number < tip.number || (head.number === tip.number && !mayBeLevel))
        return { nothing: 'behind' };
      const path = await pathTo(tip, head);
      return Array.isArray(path) ? take(path) : path;
    },
  };
}
