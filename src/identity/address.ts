/**
 * An IP address in its one canonical form: an IPv4-mapped IPv6 address (`::ffff:0:0/96`) is the IPv4 address
 * it means. Words are unsigned 32-bit, the most significant first; an IPv4 address is in `w0` alone.
 */
export interface Address {
  readonly family: 4 | 6;
  readonly w0: number;
  readonly w1: number;
  readonly w2: number;
  readonly w3: number;
}

const dot = 46;
const colon = 58;

/**
 * Reads an address strictly: four decimal numbers of 0–255 without leading zeros, or RFC 4291 text with at
 * most four hex digits a group, `::` at most once for at least one group, and a dotted tail. Undefined for
 * anything else: octal, hex, short and whole-number IPv4, zone ids, ports, brackets, white space, a prefix
 * length.
 */
export function parseAddress(text: string): Address | undefined {
  const length = text.length;
  if (length < 2 || length > 45) return undefined;
  const w0 = parseIpv4(text, 0);
  if (w0 >= 0) return { family: 4, w0, w1: 0, w2: 0, w3: 0 };
  return parseIpv6(text);
}

/** The dotted quad that is all of `text` from `from` on, or -1. */
function parseIpv4(text: string, from: number): number {
  let value = 0;
  let part = -1;
  let dots = 0;
  for (let i = from; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === dot) {
      if (part < 0 || dots === 3) return -1;
      value = value * 256 + part;
      part = -1;
      dots += 1;
    } else {
      const digit = code - 48;
      // part === 0: a digit after a leading zero, which some read as octal.
      if (digit < 0 || digit > 9 || part === 0) return -1;
      part = part < 0 ? digit : part * 10 + digit;
      if (part > 255) return -1;
    }
  }
  return dots === 3 && part >= 0 ? value * 256 + part : -1;
}

function parseIpv6(text: string): Address | undefined {
  const groups = [0, 0, 0, 0, 0, 0, 0, 0];
  let count = 0;
  /** Index of the group before which `::` stands. */
  let gap = -1;
  let i = 0;
  if (text.charCodeAt(0) === colon) {
    if (text.charCodeAt(1) !== colon) return undefined;
    gap = 0;
    i = 2;
  }
  while (i < text.length) {
    if (count === 8) return undefined;
    const start = i;
    let group = 0;
    let code = 0;
    for (; i < text.length; i += 1) {
      code = text.charCodeAt(i);
      const digit = hexDigit(code);
      if (digit < 0) break;
      group = group * 16 + digit;
      if (i - start === 4) return undefined;
    }
    if (i < text.length && code === dot) {
      const quad = parseIpv4(text, start);
      if (quad < 0 || count > 6) return undefined;
      groups[count] = Math.floor(quad / 65536);
      groups[count + 1] = quad % 65536;
      count += 2;
      break;
    }
    if (i === start) return undefined;
    groups[count] = group;
    count += 1;
    if (i === text.length) break;
    if (code !== colon) return undefined;
    i += 1;
    if (i === text.length) return undefined;
    if (text.charCodeAt(i) === colon) {
      if (gap >= 0) return undefined;
      gap = count;
      i += 1;
    }
  }
  if (gap < 0) {
    if (count !== 8) return undefined;
  } else {
    if (count > 7) return undefined;
    const moved = count - gap;
    groups.copyWithin(8 - moved, gap, count);
    groups.fill(0, gap, 8 - moved);
  }
  const [g0 = 0, g1 = 0, g2 = 0, g3 = 0, g4 = 0, g5 = 0, g6 = 0, g7 = 0] = groups;
  const w0 = g0 * 65536 + g1;
  const w1 = g2 * 65536 + g3;
  const w2 = g4 * 65536 + g5;
  const w3 = g6 * 65536 + g7;
  if (w0 === 0 && w1 === 0 && w2 === 0xffff) return { family: 4, w0: w3, w1: 0, w2: 0, w3: 0 };
  return { family: 6, w0, w1, w2, w3 };
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/**
 * The address's text: dotted decimal, or RFC 5952 (lower case, the first longest run of zero groups as `::`).
 */
export function formatAddress(address: Address): string {
  if (address.family === 4) {
    const { w0 } = address;
    return `${w0 >>> 24}.${(w0 >>> 16) & 255}.${(w0 >>> 8) & 255}.${w0 & 255}`;
  }
  let gap = -1;
  let gapLength = 1;
  for (let i = 0; i < 8; i += 1) {
    let zeros = 0;
    while (i + zeros < 8 && groupOf(address, i + zeros) === 0) zeros += 1;
    if (zeros > gapLength) {
      gap = i;
      gapLength = zeros;
    }
    i += zeros;
  }
  let text = '';
  for (let i = 0; i < 8; i += 1) {
    if (i === gap) {
      text += '::';
      i += gapLength - 1;
    } else {
      if (i > 0 && i !== gap + gapLength) text += ':';
      text += groupOf(address, i).toString(16);
    }
  }
  return text;
}

function groupOf(address: Address, index: number): number {
  const word = index < 2 ? address.w0 : index < 4 ? address.w1 : index < 6 ? address.w2 : address.w3;
  return (index & 1) === 0 ? word >>> 16 : word & 0xffff;
}

/** The address with all bits after the first `bits` cleared; `bits` 0–32 for IPv4, 0–128 for IPv6. */
export function maskAddress(address: Address, bits: number): Address {
  return {
    family: address.family,
    w0: maskWord(address.w0, bits),
    w1: maskWord(address.w1, bits - 32),
    w2: maskWord(address.w2, bits - 64),
    w3: maskWord(address.w3, bits - 96),
  };
}

function maskWord(word: number, bits: number): number {
  if (bits <= 0) return 0;
  return bits >= 32 ? word : (word & (-1 << (32 - bits))) >>> 0;
}
