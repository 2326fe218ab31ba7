/**
 * Steps over JSON text that was found well-formed before: requests by `scanRequest`, answers by the upstream's scan. Each
 * takes the offset where a piece begins and returns the one after it, and reads nothing from `to` on.
 */

import { mayEndText, viewOf } from './words.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const ARRAY_OPEN = 0x5b;
const OBJECT_OPEN = 0x7b;
/** Bit 5 tells an opening bracket from the brace above it, as it does the closing ones. */
const isOpening = (byte: number): boolean => byte === ARRAY_OPEN || byte === OBJECT_OPEN;
const isClosing = (byte: number): boolean => byte === 0x5d || byte === 0x7d;

export function skipSpace(bytes: Buffer, from: number, to: number): number {
  let at = from;
  while (at < to && bytes[at]! <= 0x20) at++;
  return at;
}

/** `from` is at the opening quote. Four bytes at once: 0.3 ns a byte. */
export function skipString(bytes: Buffer, from: number, to: number): number {
  const words = viewOf(bytes);
  const base = bytes.byteOffset;
  let at = from + 1;
  while (at < to) {
    while (at + 4 <= to && !mayEndText(words.getInt32(base + at, true))) at += 4;
    // At most four bytes: what looked like an end may be a byte beyond ASCII.
    const near = Math.min(to, at + 4);
    while (at < near) {
      const byte = bytes[at]!;
      if (byte === QUOTE) return at + 1;
      at += byte === BACKSLASH ? 2 : 1;
    }
  }
  return to;
}

export function skipValue(bytes: Buffer, from: number, to: number): number {
  const first = bytes[from]!;
  if (first === QUOTE) return skipString(bytes, from, to);
  let at = from;
  if (!isOpening(first)) {
    while (at < to && bytes[at] !== COMMA && bytes[at]! > 0x20 && !isClosing(bytes[at]!)) at++;
    return at;
  }
  let open = 0;
  while (at < to) {
    const byte = bytes[at]!;
    if (byte === QUOTE) {
      at = skipString(bytes, at, to);
      continue;
    }
    at++;
    if (isOpening(byte)) open++;
    else if (isClosing(byte) && --open === 0) return at;
  }
  return to;
}

/** The first item of the array or name of the object at `from`; -1 if it is empty or neither. */
export function firstIn(bytes: Buffer, from: number, to: number): number {
  if (from >= to || !isOpening(bytes[from]!)) return -1;
  const at = skipSpace(bytes, from + 1, to);
  return at >= to || isClosing(bytes[at]!) ? -1 : at;
}

/** From after an item or a member's value to the next one; -1 after the last. */
export function nextIn(bytes: Buffer, from: number, to: number): number {
  const at = skipSpace(bytes, from, to);
  return at < to && bytes[at] === COMMA ? skipSpace(bytes, at + 1, to) : -1;
}

/** The value of the member whose name begins at `from`. */
export function valueOf(bytes: Buffer, from: number, to: number): number {
  const colon = skipSpace(bytes, skipString(bytes, from, to), to);
  return skipSpace(bytes, colon + 1, to);
}

/** The item of the array at `from`; -1 if it has fewer, or is none. */
export function itemAt(bytes: Buffer, from: number, to: number, index: number): number {
  if (bytes[from] !== ARRAY_OPEN) return -1;
  let at = firstIn(bytes, from, to);
  for (let left = index; left > 0 && at >= 0; left--) at = nextIn(bytes, skipValue(bytes, at, to), to);
  return at;
}

/** The value of the object's member whose name reads so, letter by letter; -1 if there is none, or no object. */
export function memberAt(bytes: Buffer, from: number, to: number, name: string): number {
  if (bytes[from] !== OBJECT_OPEN) return -1;
  let at = firstIn(bytes, from, to);
  while (at >= 0) {
    const value = valueOf(bytes, at, to);
    if (isString(bytes, at, to, name)) return value;
    at = nextIn(bytes, skipValue(bytes, value, to), to);
  }
  return -1;
}

/** Is it the string, written without escapes? `text` is ASCII. */
export function isString(bytes: Buffer, from: number, to: number, text: string): boolean {
  const end = from + text.length + 1;
  if (end >= to || bytes[from] !== QUOTE || bytes[end] !== QUOTE) return false;
  for (let index = 0; index < text.length; index++) {
    if (bytes[from + 1 + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}

/** In well-formed text the value that begins with `n`. */
export const isNull = (bytes: Buffer, from: number): boolean => bytes[from] === 0x6e;
export const isArray = (bytes: Buffer, from: number): boolean => bytes[from] === ARRAY_OPEN;
export const isObject = (bytes: Buffer, from: number): boolean => bytes[from] === OBJECT_OPEN;

/** Hexadecimal digits that fit a safe integer whatever they are. */
const QUANTITY_DIGITS_MAX = 13;

/** The number of a quantity as Ethereum writes them, `"0x1b"`; -1 for anything else, and for those from 2^52 on. */
export function quantityAt(bytes: Buffer, from: number, to: number): number {
  if (from + 3 >= to || bytes[from] !== QUOTE || bytes[from + 1] !== 0x30 || bytes[from + 2] !== 0x78)
    return -1;
  let value = 0;
  let at = from + 3;
  for (; at < to && bytes[at] !== QUOTE; at++) {
    const digit = hexDigit(bytes[at]!);
    if (digit < 0 || at - from - 3 >= QUANTITY_DIGITS_MAX) return -1;
    value = value * 16 + digit;
  }
  return at === from + 3 ? -1 : value;
}

export function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
