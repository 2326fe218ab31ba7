import {
  firstIn,
  hexDigit,
  isArray,
  isNull,
  isObject,
  isString,
  nextIn,
  quantityAt,
  skipString,
  skipValue,
  valueOf,
} from './json-walk.ts';

/** What a parameter that names a block says, where it is no height (0 or more). */
export const blockArgument = {
  /** A tag that moves with the head. */
  head: -1,
  /** A block's hash, canonical or not. */
  hash: -2,
  /** Not there, or null. */
  absent: -3,
  /** `pending`, or nothing that is surely understood. */
  none: -4,
} as const;

/**
 * Tags whose block is another one once the head has moved. `earliest` too: it is the lowest block that a node has, and
 * nodes drop old ones (execution-apis).
 */
const movingTags = ['latest', 'safe', 'finalized', 'earliest'] as const;

/** The block that the value at `from` names: its height, or one of {@link blockArgument}. -1 for `from`: absent. */
export function readBlock(bytes: Buffer, from: number, to: number): number {
  if (from < 0 || isNull(bytes, from)) return blockArgument.absent;
  if (isObject(bytes, from)) return readBlockObject(bytes, from, to);
  const height = quantityAt(bytes, from, to);
  if (height >= 0) return height;
  for (const tag of movingTags) if (isString(bytes, from, to, tag)) return blockArgument.head;
  return isHash(bytes, from, to) ? blockArgument.hash : blockArgument.none;
}

/** EIP-1898: `{"blockNumber": …}` or `{"blockHash": …, "requireCanonical": …}`. */
const objectMembers = ['blockNumber', 'blockHash', 'requireCanonical'] as const;
const objectValues = new Int32Array(objectMembers.length);

function readBlockObject(bytes: Buffer, from: number, to: number): number {
  if (!readMembers(bytes, from, to, objectMembers, objectValues, true)) return blockArgument.none;
  const [number, hash, canonical] = objectValues as unknown as [number, number, number];
  if (number >= 0) {
    if (hash >= 0 || canonical >= 0 || isObject(bytes, number)) return blockArgument.none;
    return readBlock(bytes, number, to);
  }
  if (hash < 0 || !isHash(bytes, hash, to)) return blockArgument.none;
  // Whether the block is canonical is asked too, and that may change with the head.
  return canonical < 0 || bytes[canonical] === 0x66 ? blockArgument.hash : blockArgument.head;
}

const filterMembers = ['fromBlock', 'toBlock', 'blockHash'] as const;
const filterValues = new Int32Array(filterMembers.length);

/**
 * What decides a log filter's answer: the height of its last block where both ends are heights, else as
 * {@link readBlock}.
 */
export function readLogFilter(bytes: Buffer, from: number, to: number): number {
  if (from < 0 || !isObject(bytes, from)) return blockArgument.none;
  if (!readMembers(bytes, from, to, filterMembers, filterValues, false)) return blockArgument.none;
  const [first, last, hash] = filterValues as unknown as [number, number, number];
  if (hash >= 0 && !isNull(bytes, hash)) {
    return first < 0 && last < 0 && isHash(bytes, hash, to) ? blockArgument.hash : blockArgument.none;
  }
  const begin = readFilterEnd(bytes, first, to);
  const end = readFilterEnd(bytes, last, to);
  if (begin === blockArgument.none || end === blockArgument.none) return blockArgument.none;
  return begin < 0 ? blockArgument.head : end;
}

function readFilterEnd(bytes: Buffer, from: number, to: number): number {
  const end = readBlock(bytes, from, to);
  if (end === blockArgument.absent) return blockArgument.head;
  // An object or a hash is no end of a range.
  return end === blockArgument.hash || (from >= 0 && isObject(bytes, from)) ? blockArgument.none : end;
}

/**
 * Where the values of the named members are, -1 where they are not there. False where a node might read another value
 * than we do: a member there twice, or one in another case, which Go's decoders take for the same. With `only`, also
 * where there is a member beside those named.
 */
function readMembers(
  bytes: Buffer,
  from: number,
  to: number,
  names: readonly string[],
  values: Int32Array,
  only: boolean,
): boolean {
  values.fill(-1);
  let at = firstIn(bytes, from, to);
  while (at >= 0) {
    const end = skipString(bytes, at, to);
    const value = valueOf(bytes, at, to);
    const index = names.findIndex((name) => foldsTo(bytes, at + 1, end - 1, name));
    if (index >= 0) {
      if (values[index]! >= 0 || !isString(bytes, at, to, names[index]!)) return false;
      values[index] = value;
    } else if (only || !isPlain(bytes, at + 1, end - 1)) return false;
    at = nextIn(bytes, skipValue(bytes, value, to), to);
  }
  return true;
}

/** Is it the name but for the case of ASCII letters? */
function foldsTo(bytes: Buffer, from: number, to: number, name: string): boolean {
  if (to - from !== name.length) return false;
  for (let index = 0; index < name.length; index++) {
    if ((bytes[from + index]! | 0x20) !== (name.charCodeAt(index) | 0x20)) return false;
  }
  return true;
}

/** Neither escapes nor letters beyond ASCII, some of which fold to ASCII ones. */
function isPlain(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at] === 0x5c || bytes[at]! >= 0x80) return false;
  return true;
}

/** A string of 32 bytes in hexadecimal digits. */
function isHash(bytes: Buffer, from: number, to: number): boolean {
  if (from + 67 >= to || isArray(bytes, from)) return false;
  if (bytes[from] !== 0x22 || bytes[from + 1] !== 0x30 || bytes[from + 2] !== 0x78) return false;
  for (let at = from + 3; at < from + 67; at++) if (hexDigit(bytes[at]!) < 0) return false;
  return bytes[from + 67] === 0x22;
}
