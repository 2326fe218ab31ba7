import type { Heads } from '../board.ts';
import type { Block } from './block.ts';
import { type ChainSource, forkOf, tie } from './chain-source.ts';
import { KnownChain } from './known-chain.ts';

export interface HeadTrackerOptions {
  heads: Pick<Heads, 'publish' | 'reorg'>;
  /** As configured now. */
  maxBlockLag(): number;
  /** Blocks below the head taken as final where nodes know no finalized block. */
  finalityDepth(): number;
  /** A fork was left: blocks from `from` on are others now. */
  onReorg(from: number, head: Block, source: string): void;
  /** An upstream's head is not followed. Told once for each streak of such heads. */
  onDisbelief(source: string, tip: Block, why: string): void;
}

/**
 * Follows one network's chain by what healthy upstreams of the right chain say their latest block is.
 *
 * - The head is the highest block that one of them has. At equal heights it stays where it is, and an upstream that
 *   is merely behind, or goes away, never lowers it.
 * - A higher block is taken over once it is tied to the chain: by its parent hash, or, after a gap, by its source
 *   having our head at its height and the parent of its own. If its source has another block at our head's height,
 *   there was a reorg: the fork is searched for among the last blocks known, and all is others if it is below them.
 * - An upstream far ahead of all others (`max(50, 10 × maxBlockLag)` blocks) on a chain that is not tied to ours is
 *   not believed until another is near it or there is no other.
 * - The head goes back only where no upstream has it any more: the highest of them contradicts what is known, or
 *   one that had it says three times in a row that it has it no longer.
 */
export interface HeadTracker {
  /** Its present block; null before the first. */
  readonly head: Block | null;
  readonly finalized: number;
  /** Is the block, or its parent, on the chain that is followed? False where that is not known. */
  knows(block: Block): boolean;
  /** Weighs what has been observed from now on; before, heads are only collected. */
  begin(): void;
  /** A source's latest block. Resolves when the head follows from it. */
  observe(source: ChainSource, tip: Block): Promise<void>;
  /** The source is down or gone: it counts no more. */
  forget(source: ChainSource): void;
  stop(): void;
}

/** What a source said last. */
interface Claim {
  source: ChainSource;
  tip: Block;
  /** Reports in a row below the head. */
  below: number;
  /** Reports in a row that could not be tied to the chain. */
  untied: number;
}

/** A head that was lost must be missed this often by one that had it. */
const MISSES = 3;
/** Where nothing kept can tell whether an upstream is behind or on another chain. */
const MISSES_UNTOLD = 5;
/** Where no upstream's blocks can be tied to the chain, one is followed all the same after as many. */
const UNTIED_MAX = 3;
/** Why a head is not followed, for logs. */
const ALONE = 'no other upstream is near it, and its chain is another one';
const PARENTLESS = 'its upstream has no parent of it';
/** Depths below the first head at which the chain is asked for, so that a fork soon after the start is found. */
const FIRST_DEPTHS = [1, 2, 4, 8, 16, 32, 64, 128];
/** The finalized block is asked for once in as many heads. */
const HEADS_BETWEEN_FINALIZED = 8;

export function createHeadTracker(options: HeadTrackerOptions): HeadTracker {
  const { heads } = options;
  const chain = new KnownChain();
  const claims = new Map<ChainSource, Claim>();
  /** Sources that have had the present head. */
  let holders = new Set<ChainSource>();
  let head: Block | null = null;
  let finalized = -1;
  /** What nodes say; null where they know no such block. */
  let nodesFinalized: number | null = null;
  let headsUntilFinalized = 0;
  let begun = false;
  let stopped = false;
  let settling: Promise<void> | null = null;
  let dirty = false;

  const far = (): number => Math.max(50, 10 * options.maxBlockLag());

  /** Whether a fork of this height may be followed. */
  const near = (claim: Claim, base: Block): boolean => {
    const others = [...claims.values()].filter((other) => other !== claim).map(({ tip }) => tip.number);
    return others.length === 0 || claim.tip.number <= Math.max(base.number, ...others) + far();
  };

  /** The head that follows from nothing but what all say now. */
  const elect = async (): Promise<Claim | undefined> => {
    const [lowest, ...higher] = rising(claims);
    let chosen = lowest;
    for (const claim of higher) {
      if (chosen === undefined || claim.tip.number === chosen.tip.number) continue;
      const found = await tie(claim.source, claim.tip, chosen.tip);
      if (found === 'tied' || (found === 'forked' && near(claim, chosen.tip))) chosen = claim;
    }
    return chosen;
  };

  const take = ({ source, tip }: Claim): void => {
    chain.record(tip.number, tip.hash);
    head = tip;
    holders = new Set([...claims.values()].filter((each) => has(each, tip)).map((each) => each.source));
    holders.add(source);
    for (const claim of claims.values()) claim.below = 0;
  };

  const lookUpFinalized = async (source: ChainSource): Promise<void> => {
    if (headsUntilFinalized-- > 0) return;
    headsUntilFinalized = HEADS_BETWEEN_FINALIZED;
    const block = await source.blockAt('finalized');
    // No answer: what is known holds.
    if (block !== undefined) nodesFinalized = block === null ? null : block.number;
  };

  const raiseFinalized = (number: number): void => {
    const known = nodesFinalized ?? number - options.finalityDepth();
    finalized = Math.max(finalized, Math.min(known, number), -1);
  };

  const first = async (): Promise<void> => {
    const claim = await elect();
    if (claim === undefined) return;
    const { source, tip } = claim;
    const depths = FIRST_DEPTHS.map((depth) => tip.number - depth).filter((number) => number > 0);
    const blocks = await Promise.all([0, ...depths].map((number) => source.blockAt(number)));
    for (const block of blocks) if (block) chain.record(block.number, block.hash);
    await lookUpFinalized(source);
    take(claim);
    raiseFinalized(tip.number);
    if (!stopped) heads.publish(tip.number, finalized);
  };

  const advance = async (claim: Claim): Promise<void> => {
    claim.untied = 0;
    take(claim);
    raiseFinalized(claim.tip.number);
    if (!stopped) heads.publish(claim.tip.number, finalized);
    // For the next head: this one should not wait for it.
    await lookUpFinalized(claim.source);
  };

  const switchTo = async (claim: Claim): Promise<void> => {
    const from = await forkOf(claim.source, claim.tip, chain);
    if (from === undefined || stopped) return;
    claim.untied = 0;
    chain.dropFrom(from);
    take(claim);
    nodesFinalized = nodesFinalized === null ? null : Math.min(nodesFinalized, from - 1);
    headsUntilFinalized = 0;
    finalized = Math.min(finalized, from - 1, claim.tip.number);
    heads.reorg(from, claim.tip.number, finalized);
    options.onReorg(from, claim.tip, claim.source.name);
  };

  const rise = async (present: Block, claim: Claim): Promise<void> => {
    const found = await tie(claim.source, claim.tip, present);
    if (found === 'tied') return advance(claim);
    if (found === 'forked' && near(claim, present)) return switchTo(claim);
    if (found === undefined) return;
    if (++claim.untied === 1)
      options.onDisbelief(claim.source.name, claim.tip, found === 'forked' ? ALONE : PARENTLESS);
    const nobodyTied = [...claims.values()].every(({ untied }) => untied >= UNTIED_MAX);
    if (nobodyTied && near(claim, present)) await switchTo(claim);
  };

  /** Somebody has the head: is it alone with it, far from all the others, on a chain that they do not share? */
  const doubt = async (present: Block, holder: Claim): Promise<void> => {
    const others = rising(claims).filter((claim) => !has(claim, present));
    const best = others.at(-1);
    if (claims.size - others.length > 1 || others.length < 2 || best === undefined) return;
    if (best.tip.number >= present.number - far()) return;
    const found = await tie(holder.source, present, best.tip);
    if (found === undefined) return;
    holder.untied = found === 'untied' ? holder.untied + 1 : 0;
    if (found === 'tied' || (found === 'untied' && holder.untied < UNTIED_MAX)) return;
    const chosen = await elect();
    if (chosen !== undefined && !has(chosen, present)) await switchTo(chosen);
  };

  /** Nobody has the head any more: has it gone, or is the one that had it away and the others behind? */
  const miss = async (present: Block): Promise<void> => {
    const best = rising(claims).findLast(({ tip }) => tip.number <= present.number);
    if (best === undefined) return;
    const { source, tip } = best;
    const height = chain.atOrBelow(tip.number);
    if (height === -1) {
      if (best.below >= MISSES_UNTOLD) await switchTo(best);
      return;
    }
    const block = height === tip.number ? tip : await source.blockAt(height);
    if (!block) return;
    if (block.hash !== chain.hashAt(height)) return switchTo(best);
    if (!holders.has(source) || best.below < MISSES) return;
    const there = await source.blockAt(present.number);
    if (there === null || (there && there.hash !== present.hash)) await switchTo(best);
  };

  const settle = async (): Promise<void> => {
    if (claims.size === 0) return;
    if (head === null) return first();
    for (const claim of rising(claims)) {
      if (claims.has(claim.source) && claim.tip.number > head.number) await rise(head, claim);
    }
    const present = head;
    const holder = [...claims.values()].find((claim) => has(claim, present));
    if (holder === undefined) await miss(present);
    else await doubt(present, holder);
  };

  const settleAll = async (): Promise<void> => {
    while (dirty) {
      dirty = false;
      await settle();
    }
    settling = null;
  };

  const wake = (): Promise<void> => {
    dirty = !stopped;
    if (!begun || stopped) return Promise.resolve();
    return (settling ??= settleAll());
  };

  return {
    get head() {
      return head;
    },
    get finalized() {
      return finalized;
    },
    knows: ({ number, hash, parentHash }) =>
      chain.hashAt(number) === hash || chain.hashAt(number - 1) === parentHash,
    begin() {
      begun = true;
      if (dirty) void wake();
    },
    observe(source, tip) {
      const before = claims.get(source);
      const below = head !== null && tip.number < head.number ? (before?.below ?? 0) + 1 : 0;
      claims.set(source, { source, tip, below, untied: before?.untied ?? 0 });
      if (head !== null && tip.hash === head.hash) holders.add(source);
      return wake();
    },
    forget(source) {
      claims.delete(source);
      holders.delete(source);
    },
    stop() {
      stopped = true;
      dirty = false;
    },
  };
}

function has({ tip }: Claim, block: Block): boolean {
  return tip.number === block.number && tip.hash === block.hash;
}

function rising(claims: ReadonlyMap<ChainSource, Claim>): Claim[] {
  return [...claims.values()].sort((a, b) => a.tip.number - b.tip.number);
}
