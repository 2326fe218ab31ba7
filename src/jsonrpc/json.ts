import { ascii, hexDigits } from './bytes.ts';
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

const { ARRAY_OPEN, BACKSLASH, COLON, COMMA, OBJECT_CLOSE, OBJECT_OPEN, QUOTE } = ascii;
const HEX_DIGIT = hexDigits;

/** The deepest nesting any scan may be asked to follow. */
const STACK_MAX = 4096;
/** By depth: what closes the container that was open when the one at this depth began. */
const closers = new Uint8Array(STACK_MAX);

/** Bytes that stand for themselves in a string. */
const ASCII_TEXT = new Uint8Array(256).fill(1, 0x20, 0x80);
ASCII_TEXT[QUOTE] = 0;
ASCII_TEXT[BACKSLASH] = 0;
const ANY_TEXT = ASCII_TEXT.slice().fill(1, 0x80);

const SPACE = new Uint8Array(256);
for (const space of ' \t\n\r') SPACE[space.charCodeAt(0)] = 1;
const DIGIT = new Uint8Array(256).fill(1, 0x30, 0x3a);
/** What goes on with a number after its integer part. */
const IN_NUMBER = new Uint8Array(256);
for (const sign of '.eE') IN_NUMBER[sign.charCodeAt(0)] = 1;
const SHORT_ESCAPE = new Uint8Array(256);
for (const letter of '"\\/bfnrt') SHORT_ESCAPE[letter.charCodeAt(0)] = 1;

function fail(fault: number, at: number): number {
  progress.fault = fault;
  progress.faultAt = at;
  return -1;
}

/** A fault at a place where the text may just have ended. */
function failAt(fault: number, at: number, to: number): number {
  return fail(at >= to ? FAULT_END : fault, at);
}

/** The byte, or 0 (which no JSON text holds) at the end. */
function byteAt(bytes: Uint8Array, at: number, to: number): number {
  return at < to ? (bytes[at] as number) : 0;
}

/** Small, so that it is inlined where it is used: most texts have no white space. */
function skipSpace(bytes: Uint8Array, from: number, to: number): number {
  return from < to && (bytes[from] as number) > 0x20 ? from : skipSpaces(bytes, from, to);
}

function skipSpaces(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && SPACE[bytes[at] as number] === 1) at++;
  return at;
}

/** `from` is after the opening quote, the result after the closing one. */
function skipString(bytes: Uint8Array, from: number, to: number): number {
  const at = skipAsciiText(bytes, from, to);
  return at < to && bytes[at] === QUOTE ? at + 1 : skipStringRest(bytes, at, to);
}

/** Eight bytes a turn take 0.6 ns a byte, one a turn 1.1. */
function skipAsciiText(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  const last = to - 8;
  while (
    at <= last &&
    ((ASCII_TEXT[bytes[at] as number] as number) &
      (ASCII_TEXT[bytes[at + 1] as number] as number) &
      (ASCII_TEXT[bytes[at + 2] as number] as number) &
      (ASCII_TEXT[bytes[at + 3] as number] as number) &
      (ASCII_TEXT[bytes[at + 4] as number] as number) &
      (ASCII_TEXT[bytes[at + 5] as number] as number) &
      (ASCII_TEXT[bytes[at + 6] as number] as number) &
      (ASCII_TEXT[bytes[at + 7] as number] as number)) ===
      1
  ) {
    at += 8;
    if (at - from >= LONG_TEXT) return skipLongText(bytes, at, to);
  }
  while (at < to && ASCII_TEXT[bytes[at] as number] === 1) at++;
  return at;
}

/** Text this long is worth a view of its own. */
const LONG_TEXT = 1024;

/** Four bytes at once as one word: 0.25 ns a byte. */
function skipLongText(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && ((bytes.byteOffset + at) & 3) !== 0) {
    if (ASCII_TEXT[bytes[at] as number] !== 1) return at;
    at++;
  }
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset + at, (to - at) >> 2);
  let index = 0;
  while (index < words.length && isAsciiText((words[index] as number) | 0)) index++;
  at += index * 4;
  while (at < to && ASCII_TEXT[bytes[at] as number] === 1) at++;
  return at;
}

/** A byte's top bit comes out set if it is ≥ 0x80, or below 0x20, or a quote or backslash xored to 0. */
function isAsciiText(word: number): boolean {
  const quote = (word ^ 0x22222222) - 0x01010101;
  const backslash = (word ^ 0x5c5c5c5c) - 0x01010101;
  return ((word | (word - 0x20202020) | quote | backslash) & 0x80808080) === 0;
}

/** What is left of a string from its first byte that is not plain ASCII. */
function skipStringRest(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  for (;;) {
    while (at < to && ANY_TEXT[bytes[at] as number] === 1) {
      if ((bytes[at] as number) >= 0x80) progress.high = true;
      at++;
    }
    if (at >= to) return fail(FAULT_END, at);
    const byte = bytes[at] as number;
    if (byte === QUOTE) return at + 1;
    if (byte !== BACKSLASH) return fail(FAULT_CONTROL, at);
    progress.escaped = true;
    at = skipEscape(bytes, at, to);
    if (at < 0) return -1;
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

function skipNumber(bytes: Uint8Array, from: number, to: number): number {
  let at = bytes[from] === 0x2d ? from + 1 : from;
  at = byteAt(bytes, at, to) === 0x30 ? at + 1 : skipDigits(bytes, at, to);
  const next = byteAt(bytes, at, to);
  return at >= 0 && (next === 0x2e || (next | 0x20) === 0x65) ? skipFraction(bytes, at, to) : at;
}

/** The fraction and the exponent, `from` where one of them begins. */
function skipFraction(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  if (bytes[at] === 0x2e) at = skipDigits(bytes, at + 1, to);
  if (at < 0 || (byteAt(bytes, at, to) | 0x20) !== 0x65) return at;
  const sign = byteAt(bytes, at + 1, to);
  return skipDigits(bytes, sign === 0x2b || sign === 0x2d ? at + 2 : at + 1, to);
}

function skipDigits(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && DIGIT[bytes[at] as number] === 1) at++;
  return at === from ? failAt(FAULT_NUMBER, at, to) : at;
}

const TRUE = Uint8Array.of(0x74, 0x72, 0x75, 0x65);
const FALSE = Uint8Array.of(0x66, 0x61, 0x6c, 0x73, 0x65);
const NULL = Uint8Array.of(0x6e, 0x75, 0x6c, 0x6c);

function skipLiteral(bytes: Uint8Array, from: number, to: number): number {
  const byte = byteAt(bytes, from, to);
  const literal = byte === 0x6e ? NULL : byte === 0x74 ? TRUE : FALSE;
  for (let index = 0; index < literal.length; index++) {
    if (byteAt(bytes, from + index, to) !== literal[index]) return failAt(FAULT_VALUE, from + index, to);
  }
  return from + literal.length;
}

/** A member's name as far as where its value begins; `from` is where the opening quote should be. */
function skipName(bytes: Uint8Array, from: number, to: number): number {
  if (byteAt(bytes, from, to) !== QUOTE) return failAt(FAULT_NAME, from, to);
  const end = skipString(bytes, from + 1, to);
  return end < 0 ? -1 : skipColon(bytes, end, to);
}

/** The colon and the white space around it. */
function skipColon(bytes: Uint8Array, from: number, to: number): number {
  const at = skipSpace(bytes, from, to);
  if (byteAt(bytes, at, to) !== COLON) return failAt(FAULT_COLON, at, to);
  return skipSpace(bytes, at + 1, to);
}

/**
 * From after an item or member: the offset of the next one or of the bracket `close`; the caller
 * tells them apart by the byte there.
 */
function skipComma(bytes: Uint8Array, from: number, to: number, close: number): number {
  const at = skipSpace(bytes, from, to);
  const byte = byteAt(bytes, at, to);
  if (byte === close) return at;
  if (byte !== COMMA) return failAt(FAULT_COMMA, at, to);
  const next = skipSpace(bytes, at + 1, to);
  if (byteAt(bytes, next, to) !== close) return next;
  // A bracket after a comma must not look like the end.
  return fail(close === OBJECT_CLOSE ? FAULT_NAME : FAULT_VALUE, next);
}

/**
 * Any value, without recursion. `depth` is the number of containers already open around it; with
 * more than `depthMax` (≤ 4096) open the fault is {@link FAULT_DEPTH}.
 *
 * The one loop keeps what it needs in locals: 2 to 4 ns a byte for the smallest values, where a
 * function for each kind of thing took 8.
 */
function skipValue(bytes: Uint8Array, from: number, to: number, depth: number, depthMax: number): number {
  let at = from;
  let open = depth;
  let close = 0;
  for (;;) {
    if (at >= to) return fail(FAULT_END, at);
    const byte = bytes[at] as number;
    if (byte === QUOTE) {
      at = skipString(bytes, at + 1, to);
      if (at < 0) return -1;
    } else if (byte === ARRAY_OPEN || byte === OBJECT_OPEN) {
      if (open >= depthMax) return fail(FAULT_DEPTH, at);
      at++;
      if (at < to && (bytes[at] as number) <= 0x20) at = skipSpaces(bytes, at, to);
      if (at < to && bytes[at] === byte + 2) {
        at++;
      } else {
        closers[open++] = close;
        close = byte + 2;
        if (byte === OBJECT_OPEN) {
          at = skipName(bytes, at, to);
          if (at < 0) return -1;
        }
        continue;
      }
    } else if (byte >= 0x31 && byte <= 0x39) {
      do at++;
      while (at < to && DIGIT[bytes[at] as number] === 1);
      if (at < to && IN_NUMBER[bytes[at] as number] === 1) {
        at = skipFraction(bytes, at, to);
        if (at < 0) return -1;
      }
    } else {
      at = byte === 0x2d || byte === 0x30 ? skipNumber(bytes, at, to) : skipLiteral(bytes, at, to);
      if (at < 0) return -1;
    }
    for (;;) {
      if (open === depth) return at;
      if (at < to && (bytes[at] as number) <= 0x20) at = skipSpaces(bytes, at, to);
      if (at >= to) return fail(FAULT_END, at);
      const next = bytes[at] as number;
      if (next === COMMA) {
        at++;
        if (at < to && (bytes[at] as number) <= 0x20) at = skipSpaces(bytes, at, to);
        if (close === OBJECT_CLOSE) {
          at = skipName(bytes, at, to);
          if (at < 0) return -1;
        }
        break;
      }
      if (next !== close) return fail(FAULT_COMMA, at);
      at++;
      close = closers[--open] as number;
    }
  }
}

/**
 * What other files use, to be taken into constants of their own: only so are the small ones inlined
 * there, and here, since an exported function is called by way of a cell that might change (up to
 * twice the time in the loop above).
 */
export const grammar = { byteAt, fail, failAt, skipColon, skipComma, skipSpace, skipString, skipValue };
