import {
  FAULT_COLON,
  FAULT_COMMA,
  FAULT_CONTROL,
  FAULT_DEPTH,
  FAULT_END,
  FAULT_ESCAPE,
  FAULT_NAME,
  FAULT_NONE,
  FAULT_NUMBER,
  FAULT_VALUE,
} from './faults.ts';

/**
 * The grammar of RFC 8259 over raw bytes. Each `skip…` takes the offset where its piece begins and
 * the end of the text, reads nothing beyond that end, and returns the offset after the piece, or -1
 * with the fault in {@link progress}.
 */

/** Side results of the scan that is running; a thread runs one at a time. */
export const progress = {
  fault: FAULT_NONE,
  faultAt: 0,
  /** A string held a byte ≥ 0x80 since the last reset, so UTF-8 is still to be checked. */
  high: false,
  /** A string held a backslash since the last reset. */
  escaped: false,
};

export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const BACKSLASH = 0x5c;
export const ARRAY_OPEN = 0x5b;
export const ARRAY_CLOSE = 0x5d;
export const OBJECT_OPEN = 0x7b;
export const OBJECT_CLOSE = 0x7d;

/** The deepest nesting any scan may be asked to follow. */
const STACK_MAX = 4096;
/** 1 where the container at this depth is an object. */
const isObject = new Uint8Array(STACK_MAX + 1);

/** Bytes that stand for themselves in a string. */
const ASCII_TEXT = new Uint8Array(256).fill(1, 0x20, 0x80);
ASCII_TEXT[QUOTE] = 0;
ASCII_TEXT[BACKSLASH] = 0;
const ANY_TEXT = ASCII_TEXT.slice().fill(1, 0x80);

const DIGIT = new Uint8Array(256).fill(1, 0x30, 0x3a);
const SHORT_ESCAPE = new Uint8Array(256);
for (const letter of '"\\/bfnrt') SHORT_ESCAPE[letter.charCodeAt(0)] = 1;
/** Value + 1 of a hexadecimal digit, 0 for other bytes. */
export const HEX_DIGIT = new Uint8Array(256);
for (const [index, digit] of [...'0123456789abcdef'].entries()) {
  HEX_DIGIT[digit.charCodeAt(0)] = index + 1;
  HEX_DIGIT[digit.toUpperCase().charCodeAt(0)] = index + 1;
}

export function fail(fault: number, at: number): number {
  progress.fault = fault;
  progress.faultAt = at;
  return -1;
}

/** A fault at a place where the text may just have ended. */
export function failAt(fault: number, at: number, to: number): number {
  return fail(at >= to ? FAULT_END : fault, at);
}

/** The byte, or 0 (which no JSON text holds) at the end. */
export function byteAt(bytes: Uint8Array, at: number, to: number): number {
  return at < to ? (bytes[at] as number) : 0;
}

export function skipSpace(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to) {
    const byte = bytes[at] as number;
    if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) break;
    at++;
  }
  return at;
}

/** `from` is after the opening quote, the result after the closing one. */
export function skipString(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  let text = ASCII_TEXT;
  for (;;) {
    while (at < to && text[bytes[at] as number] === 1) at++;
    if (at >= to) return fail(FAULT_END, at);
    const byte = bytes[at] as number;
    if (byte === QUOTE) return at + 1;
    if (byte >= 0x80) {
      progress.high = true;
      text = ANY_TEXT;
    } else if (byte === BACKSLASH) {
      progress.escaped = true;
      at = skipEscape(bytes, at, to);
      if (at < 0) return -1;
    } else {
      return fail(FAULT_CONTROL, at);
    }
  }
}

function skipEscape(bytes: Uint8Array, from: number, to: number): number {
  const kind = byteAt(bytes, from + 1, to);
  if (SHORT_ESCAPE[kind] === 1) return from + 2;
  if (kind !== 0x75) return failAt(FAULT_ESCAPE, from + 1, to);
  for (let at = from + 2; at < from + 6; at++) {
    if (HEX_DIGIT[byteAt(bytes, at, to)] === 0) return failAt(FAULT_ESCAPE, at, to);
  }
  return from + 6;
}

function skipDigits(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && DIGIT[bytes[at] as number] === 1) at++;
  return at === from ? failAt(FAULT_NUMBER, at, to) : at;
}

export function skipNumber(bytes: Uint8Array, from: number, to: number): number {
  let at = bytes[from] === 0x2d ? from + 1 : from;
  at = byteAt(bytes, at, to) === 0x30 ? at + 1 : skipDigits(bytes, at, to);
  if (at >= 0 && byteAt(bytes, at, to) === 0x2e) at = skipDigits(bytes, at + 1, to);
  if (at >= 0 && (byteAt(bytes, at, to) | 0x20) === 0x65) {
    const sign = byteAt(bytes, at + 1, to);
    at = skipDigits(bytes, sign === 0x2b || sign === 0x2d ? at + 2 : at + 1, to);
  }
  return at;
}

const LITERALS: Record<number, Uint8Array> = {
  116: new Uint8Array([...'true'].map((letter) => letter.charCodeAt(0))),
  102: new Uint8Array([...'false'].map((letter) => letter.charCodeAt(0))),
  110: new Uint8Array([...'null'].map((letter) => letter.charCodeAt(0))),
};

function skipLiteral(bytes: Uint8Array, from: number, to: number): number {
  const literal = LITERALS[byteAt(bytes, from, to)];
  if (literal === undefined) return failAt(FAULT_VALUE, from, to);
  for (let index = 1; index < literal.length; index++) {
    if (byteAt(bytes, from + index, to) !== literal[index]) return failAt(FAULT_VALUE, from + index, to);
  }
  return from + literal.length;
}

/** A string, number or literal beginning with `byte`. */
function skipScalar(bytes: Uint8Array, at: number, to: number, byte: number): number {
  if (byte === QUOTE) return skipString(bytes, at + 1, to);
  if (DIGIT[byte] === 1 || byte === 0x2d) return skipNumber(bytes, at, to);
  return skipLiteral(bytes, at, to);
}

/** A member's name as far as where its value begins; `from` is where the opening quote should be. */
export function skipName(bytes: Uint8Array, from: number, to: number): number {
  if (byteAt(bytes, from, to) !== QUOTE) return failAt(FAULT_NAME, from, to);
  const end = skipString(bytes, from + 1, to);
  return end < 0 ? -1 : skipColon(bytes, end, to);
}

/** The colon and the white space around it. */
export function skipColon(bytes: Uint8Array, from: number, to: number): number {
  const at = skipSpace(bytes, from, to);
  if (byteAt(bytes, at, to) !== COLON) return failAt(FAULT_COLON, at, to);
  return skipSpace(bytes, at + 1, to);
}

/**
 * After a member or item: the offset of the next one, or -1; at the closing bracket, its offset.
 * The caller tells them apart by the byte there.
 */
export function skipComma(bytes: Uint8Array, from: number, to: number, close: number): number {
  const at = skipSpace(bytes, from, to);
  const byte = byteAt(bytes, at, to);
  if (byte === close) return at;
  if (byte !== COMMA) return failAt(FAULT_COMMA, at, to);
  const next = skipSpace(bytes, at + 1, to);
  // A comma before the bracket would otherwise look like the end.
  return byteAt(bytes, next, to) === close
    ? fail(close === ARRAY_CLOSE ? FAULT_VALUE : FAULT_NAME, next)
    : next;
}

/**
 * Any value, without recursion. `depth` is the number of containers already open around it; with
 * more than `depthMax` (≤ 4096) open the fault is {@link FAULT_DEPTH}.
 */
export function skipValue(
  bytes: Uint8Array,
  from: number,
  to: number,
  depth: number,
  depthMax: number,
): number {
  let at = from;
  let open = depth;
  for (;;) {
    const byte = byteAt(bytes, at, to);
    if (byte === ARRAY_OPEN || byte === OBJECT_OPEN) {
      if (open >= depthMax) return fail(FAULT_DEPTH, at);
      const close = byte + 2;
      at = skipSpace(bytes, at + 1, to);
      if (byteAt(bytes, at, to) === close) {
        at++;
      } else {
        open++;
        isObject[open] = byte === OBJECT_OPEN ? 1 : 0;
        if (byte === OBJECT_OPEN) {
          at = skipName(bytes, at, to);
          if (at < 0) return -1;
        }
        continue;
      }
    } else {
      at = skipScalar(bytes, at, to, byte);
      if (at < 0) return -1;
    }
    for (;;) {
      if (open === depth) return at;
      const inObject = isObject[open] === 1;
      const close = inObject ? OBJECT_CLOSE : ARRAY_CLOSE;
      at = skipComma(bytes, at, to, close);
      if (at < 0) return -1;
      if (bytes[at] !== close || at >= to) {
        if (inObject) {
          at = skipName(bytes, at, to);
          if (at < 0) return -1;
        }
        break;
      }
      at++;
      open--;
    }
  }
}
