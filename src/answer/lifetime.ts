import { blockArgument, readBlock, readLogFilter } from './block-argument.ts';
import type { Fact, HeightMember } from './ethereum-facts.ts';
import { isArray, itemAt, quantityAt } from './json-walk.ts';
import { heightIn } from './result.ts';

/**
 * How long an answer may stand for another, as far as a call says it before it is sent.
 * - `never`: neither kept nor shared
 * - `shared`: by identical calls under way, and not kept
 * - `head`: until the head moves
 * - `number`: the same, and the result is the head's number
 * - `final`: for good; a block that is final at the height beside it
 * - `chain`: for good
 * - `result`, `hash`: the block that the result names decides
 * - `time`: as long as the configuration says
 */
export const lifetimes = {
  never: 0,
  shared: 1,
  head: 2,
  final: 3,
  chain: 4,
  result: 5,
  hash: 6,
  time: 7,
  number: 8,
} as const;

/** The chain as it was when a call was sent; see `ChainView`. */
export interface Stamp {
  head: number;
  finalized: number;
  epoch: number;
  reorgs: number;
  served: number;
  /** By upstream: the latest block it was known to have by then; -1 where it was never found sound. */
  heads: readonly number[];
}

/** Side result of {@link lifetimeOf}: the height of `final`. */
export const found = { height: -1 };

/** One of {@link lifetimes}, for a call with these params (-1: none). */
export function lifetimeOf(fact: Fact, bytes: Buffer, from: number, to: number, stamp: Stamp): number {
  switch (fact.on) {
    case 'chain':
      return lifetimes.chain;
    case 'head':
      return fact.forward === true ? lifetimes.number : lifetimes.head;
    case 'result':
      return lifetimes.result;
    case 'hash':
      return byHash(fact.height);
    case 'logs': {
      const at = parameterAt(bytes, from, to, 0);
      const block = at < 0 ? blockArgument.none : readLogFilter(bytes, at, to);
      return byBlock(block, 'blockNumber', stamp);
    }
    default: {
      const at = parameterAt(bytes, from, to, fact.parameter);
      const block = at === notAList ? blockArgument.none : readBlock(bytes, at, to);
      if (block === blockArgument.absent) return fact.absent === 'latest' ? lifetimes.head : lifetimes.never;
      return byBlock(block, fact.height, stamp);
    }
  }
}

function byBlock(block: number, member: HeightMember | undefined, { head, finalized }: Stamp): number {
  if (block === blockArgument.none) return lifetimes.never;
  if (block === blockArgument.head) return lifetimes.head;
  if (block === blockArgument.hash) return byHash(member);
  if (block > head) return lifetimes.shared;
  if (block > finalized) return lifetimes.head;
  found.height = block;
  return lifetimes.final;
}

/** Where the result does not say the block's height no later reorg could be told to concern it. */
function byHash(member: HeightMember | undefined): number {
  return member === undefined ? lifetimes.head : lifetimes.hash;
}

const notAList = -2;

/** Params by name have no order: nothing is known of them. */
function parameterAt(bytes: Buffer, from: number, to: number, index: number): number {
  if (from < 0) return -1;
  return isArray(bytes, from) ? itemAt(bytes, from, to, index) : notAList;
}

/** What becomes of an answer: not kept, kept until the head moves, or kept whatever the head does. */
export const keeping = { no: 0, head: 1, lasting: 2 } as const;

/** What was known of a call when it was sent. */
export interface Sent {
  /** One of {@link lifetimes}, and the height of `final`. */
  lifetime: number;
  height: number;
  /** Where the result says its block; null: nowhere. */
  member: HeightMember | null;
  stamp: Stamp;
}

/**
 * Whether a sound answer without error, its result in [result, end), is kept (-1: null, or none), one of {@link keeping}; {@link found} has the height of what
 * lasts: a reorg from that number or below makes it wrong; Infinity: any reorg does, -1: none.
 *
 * `now` is the chain as the answer came, `upstreamHead` the latest block that the upstream was known to have before it was
 * asked, -1 where it was never found sound: what it says of the chain is not kept then.
 * - Never null, which stands for what may still appear, nor the empty list of a block named by its hash.
 * - Nothing that a reorg on the way may have made wrong, and nothing of a block above the head.
 * - No block number below the highest one known or told.
 * - What else depends on the head: only from an upstream that has that head, and where nothing moved on the way.
 */
export function keepingOf(
  { lifetime, height, member, stamp }: Sent,
  bytes: Buffer,
  result: number,
  end: number,
  now: Stamp,
  upstreamHead: number,
): number {
  if (lifetime === lifetimes.shared) return keeping.no;
  if (result < 0) return keeping.no;
  if (lifetime === lifetimes.time) return lastFor(Number.POSITIVE_INFINITY);
  if (upstreamHead < 0) return keeping.no;
  if (lifetime === lifetimes.chain) return lastFor(-1);
  if (stamp.reorgs !== now.reorgs) return keeping.no;
  if (lifetime === lifetimes.final) return upstreamHead >= height ? lastFor(height) : keeping.no;
  if (lifetime === lifetimes.head) return withHead(stamp, now, upstreamHead);
  if (lifetime === lifetimes.number) {
    // It may itself be the highest that was told.
    const goesOn = quantityAt(bytes, result, end) >= Math.max(stamp.head, now.served);
    return goesOn && stamp.head >= 0 && stamp.epoch === now.epoch ? keeping.head : keeping.no;
  }
  const block = member === null ? -1 : heightIn(bytes, result, end, member);
  if (block < 0 || block > stamp.head) return keeping.no;
  // What a hash names does not change; it can only leave the chain, which a reorg says.
  if (lifetime === lifetimes.hash || block <= stamp.finalized) return lastFor(block);
  return withHead(stamp, now, upstreamHead);
}

function lastFor(height: number): number {
  found.height = height;
  return keeping.lasting;
}

function withHead(stamp: Stamp, now: Stamp, upstreamHead: number): number {
  if (stamp.head < 0 || upstreamHead < Math.max(stamp.head, stamp.served)) return keeping.no;
  return stamp.epoch === now.epoch && stamp.served === now.served ? keeping.head : keeping.no;
}

/** May a call of now have the answer to one sent before? */
export function holdsAt({ lifetime, stamp }: Sent, now: Stamp): boolean {
  if (lifetime === lifetimes.chain || lifetime === lifetimes.time) return true;
  if (lifetime === lifetimes.final) return stamp.reorgs === now.reorgs;
  return stamp.epoch === now.epoch && stamp.served === now.served;
}
