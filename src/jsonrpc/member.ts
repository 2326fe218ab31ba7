import { ascii, hexDigits } from './bytes.ts';

const { BACKSLASH } = ascii;
const HEX_DIGIT = hexDigits;

/** Names of an envelope's members; their first letters are distinct. */
export interface MemberNames {
  /** By first byte in either case: number of the name, from 1; 0 if none begins so. */
  first: Uint8Array;
  /** By number. */
  names: Uint8Array[];
}

export function memberNames(...names: string[]): MemberNames {
  const first = new Uint8Array(256);
  const encoded = [new Uint8Array(0)];
  for (const name of names) {
    const number = encoded.push(new TextEncoder().encode(name)) - 1;
    first[name.charCodeAt(0)] = number;
    first[name.charCodeAt(0) - 0x20] = number;
  }
  return { first, names: encoded };
}

/**
 * Which member a name (the bytes between its quotes) is: its number, 0 for a name that is none of
 * them, or the negative number if only a decoder that folds case or unescapes takes it for one.
 */
export function matchMember(members: MemberNames, bytes: Uint8Array, from: number, to: number): number {
  if (from >= to) return 0;
  const byte = bytes[from] as number;
  const number = members.first[byte] as number;
  if (number > 0) {
    const name = members.names[number] as Uint8Array;
    if (isName(name, bytes, from, to)) return number;
  } else if (byte < 0x80 && byte !== BACKSLASH) {
    return 0;
  }
  const folded = foldedMember(members, bytes, from, to);
  return folded === 0 ? 0 : 0 - folded;
}

function isName(name: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from !== name.length) return false;
  for (let index = 0; index < name.length; index++) {
    if (bytes[from + index] !== name[index]) return false;
  }
  return true;
}

const NAME_MAX = 8;
const letters = new Uint8Array(NAME_MAX);

/** The number of the name these bytes spell when escapes are resolved and case is folded, or 0. */
function foldedMember(members: MemberNames, bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  let length = 0;
  while (at < to) {
    const byte = bytes[at] as number;
    let point = byte;
    let size = 1;
    if (byte === BACKSLASH) {
      // Short escapes (\n, \/ …) give no letter.
      if (bytes[at + 1] !== 0x75) return 0;
      point = hex4(bytes, at + 2);
      size = 6;
    } else if (byte >= 0xe0) {
      point = ((byte & 0x0f) << 12) | (continuation(bytes, at + 1) << 6) | continuation(bytes, at + 2);
      size = byte >= 0xf0 ? 4 : 3;
    } else if (byte >= 0x80) {
      point = ((byte & 0x1f) << 6) | continuation(bytes, at + 1);
      size = 2;
    }
    const letter = foldedLetter(point);
    if (letter === 0 || length === NAME_MAX || size === 4) return 0;
    letters[length++] = letter;
    at += size;
  }
  const number = members.first[letters[0] as number] as number;
  return isName(members.names[number] as Uint8Array, letters, 0, length) ? number : 0;
}

function hex4(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let index = at; index < at + 4; index++) {
    value = value * 16 + (HEX_DIGIT[bytes[index] as number] as number) - 1;
  }
  return value;
}

function continuation(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) & 0x3f;
}

/**
 * The small letter a code point is the same as without case, or 0. Beside ASCII that is what Go's
 * simple folding (ſ, K) and upper- or lower-casing decoders (ı, İ) make of it: `paramſ` is `params`
 * to encoding/json.
 */
function foldedLetter(point: number): number {
  const lower = point | 0x20;
  if (point < 0x80) return lower >= 0x61 && lower <= 0x7a && point >= 0x41 ? lower : 0;
  if (point === 0x17f) return 0x73;
  if (point === 0x212a) return 0x6b;
  return point === 0x130 || point === 0x131 ? 0x69 : 0;
}
