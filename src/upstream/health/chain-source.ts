import type { Block } from './block.ts';
import type { KnownChain } from './known-chain.ts';

/** One upstream as the head tracker sees it. */
export interface ChainSource {
  readonly name: string;
  /** null: it has no such block; undefined: it did not say. */
  blockAt(which: number | 'finalized'): Promise<Block | null | undefined>;
}

/**
 * How `tip`, the source's latest block, stands to the lower block `base`. `untied`: it cannot be told, since the source
 * does not have what must be there; undefined: it did not say. Costs no question for the next block, one for the next
 * but one, else two.
 */
export async function tie(
  source: ChainSource,
  tip: Block,
  base: Block,
): Promise<'tied' | 'forked' | 'untied' | undefined> {
  const gap = tip.number - base.number;
  if (gap === 1 && tip.parentHash === base.hash) return 'tied';
  if (gap > 1) {
    const parent = await source.blockAt(tip.number - 1);
    if (parent === undefined) return undefined;
    if (parent?.hash !== tip.parentHash) return 'untied';
    if (gap === 2 && parent.parentHash === base.hash) return 'tied';
  }
  const same = await source.blockAt(base.number);
  if (same === undefined) return undefined;
  if (same === null || (gap === 1 && same.hash !== tip.parentHash)) return 'untied';
  return same.hash === base.hash ? 'tied' : 'forked';
}

/**
 * The lowest block that is, or may be, another one on the source's chain than on the known one: 0 where they share none
 * of the known blocks; undefined if the source did not say.
 */
export async function forkOf(
  source: ChainSource,
  tip: Block,
  chain: KnownChain,
): Promise<number | undefined> {
  const heights = chain.heights().filter((number) => number < tip.number);
  const sameAt = async (place: number): Promise<boolean | undefined> => {
    const block = await source.blockAt(heights[place]!);
    return block === undefined ? undefined : block !== null && block.hash === chain.hashAt(heights[place]!);
  };
  // In growing steps down from the top, then halving: most forks are one or two blocks deep.
  let same = -1;
  let other = heights.length;
  for (let step = 1; other > 0 && same < 0; step *= 2) {
    const place = Math.max(0, other - step);
    const found = await sameAt(place);
    if (found === undefined) return undefined;
    if (found) same = place;
    else other = place;
  }
  while (same >= 0 && other - same > 1) {
    const place = (same + other) >> 1;
    const found = await sameAt(place);
    if (found === undefined) return undefined;
    if (found) same = place;
    else other = place;
  }
  return same < 0 ? 0 : heights[same]! + 1;
}
