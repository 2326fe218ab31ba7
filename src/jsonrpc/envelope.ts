import {
  FAULT_COMMA,
  FAULT_DUPLICATE,
  FAULT_ID,
  FAULT_METHOD,
  FAULT_METHOD_MISSING,
  FAULT_NAME,
  FAULT_PARAMS,
  FAULT_SPELLING,
  FAULT_VERSION,
  FAULT_VERSION_MISSING,
} from './faults.ts';
import { ascii } from './bytes.ts';
import { grammar, progress } from './json.ts';
import { matchMember, memberNames } from './member.ts';
import { METHOD_BYTES_MAX, type MessageScan, noteFault, REQUEST_DEPTH_MAX } from './message-scan.ts';

const { ARRAY_OPEN, COMMA, OBJECT_CLOSE, OBJECT_OPEN, QUOTE } = ascii;
const { byteAt, failAt, skipColon, skipSpace, skipString, skipValue } = grammar;

const DEPTH_MAX = REQUEST_DEPTH_MAX;
const VERSION = 1;
const ID = 2;
const METHOD = 3;
const PARAMS = 4;
const MEMBERS = memberNames('jsonrpc', 'id', 'method', 'params');
/** By number: bytes of the name and its closing quote. */
const NAME_BYTES = Uint8Array.of(0, 8, 3, 7, 7);

/**
 * One call, `start` at its opening brace with `depth` containers around it: fills `out`'s members
 * and its envelope fault. Returns the offset after the object, or -1 for a fault in the text.
 */
export function scanCall(
  bytes: Uint8Array,
  start: number,
  to: number,
  out: MessageScan,
  depth: number,
): number {
  let seen = 0;
  let at = skipSpace(bytes, start + 1, to);
  let next = byteAt(bytes, at, to);
  if (next === OBJECT_CLOSE) at++;
  while (next !== OBJECT_CLOSE) {
    if (byteAt(bytes, at, to) !== QUOTE) return failAt(FAULT_NAME, at, to);
    const name = at + 1;
    let member = plainMember(bytes, name, to);
    let nameEnd = name + (NAME_BYTES[member] as number);
    if (member === 0) {
      nameEnd = skipString(bytes, name, to);
      if (nameEnd < 0) return -1;
      member = matchMember(MEMBERS, bytes, name, nameEnd - 1);
    }
    const value = skipColon(bytes, nameEnd, to);
    if (value < 0) return -1;
    progress.escaped = false;
    const first = byteAt(bytes, value, to);
    if (first === QUOTE) at = skipString(bytes, value + 1, to);
    else if (first >= 0x31 && first <= 0x39) at = skipInteger(bytes, value, to, depth);
    else at = skipValue(bytes, value, to, depth + 1, DEPTH_MAX);
    if (at < 0) return -1;
    if (member > 0) {
      if ((seen & (1 << member)) === 0) takeMember(out, member, bytes, value, at);
      else refuseDuplicate(out, member, name - 1);
      seen |= 1 << member;
    } else if (member < 0) {
      noteFault(out, FAULT_SPELLING, name - 1);
    }
    at = skipSpace(bytes, at, to);
    next = byteAt(bytes, at, to);
    if (next === COMMA) at = skipSpace(bytes, at + 1, to);
    else if (next === OBJECT_CLOSE) at++;
    else return failAt(FAULT_COMMA, at, to);
  }
  if ((seen & (1 << VERSION)) === 0) noteFault(out, FAULT_VERSION_MISSING, start);
  if ((seen & (1 << METHOD)) === 0) noteFault(out, FAULT_METHOD_MISSING, start);
  return at;
}

/**
 * The member whose name stands at `at` letter by letter, closing quote included; 0 if none does. Spelt out, so
 * that the usual names are read once and not twice: 224 → 137 ns for a call without params.
 */
function plainMember(bytes: Uint8Array, at: number, to: number): number {
  // Nothing is read beyond the end; so near to it the other way is taken.
  if (at + 8 > to) return 0;
  const byte = bytes[at];
  if (byte === 0x69) return bytes[at + 1] === 0x64 && bytes[at + 2] === QUOTE ? ID : 0;
  if (byte === 0x6d) {
    return bytes[at + 1] === 0x65 &&
      bytes[at + 2] === 0x74 &&
      bytes[at + 3] === 0x68 &&
      bytes[at + 4] === 0x6f &&
      bytes[at + 5] === 0x64 &&
      bytes[at + 6] === QUOTE
      ? METHOD
      : 0;
  }
  if (byte === 0x70) {
    return bytes[at + 1] === 0x61 &&
      bytes[at + 2] === 0x72 &&
      bytes[at + 3] === 0x61 &&
      bytes[at + 4] === 0x6d &&
      bytes[at + 5] === 0x73 &&
      bytes[at + 6] === QUOTE
      ? PARAMS
      : 0;
  }
  return byte === 0x6a &&
    bytes[at + 1] === 0x73 &&
    bytes[at + 2] === 0x6f &&
    bytes[at + 3] === 0x6e &&
    bytes[at + 4] === 0x72 &&
    bytes[at + 5] === 0x70 &&
    bytes[at + 6] === 0x63 &&
    bytes[at + 7] === QUOTE
    ? VERSION
    : 0;
}

/** A value that begins with 1 … 9: nearly always an id of digits alone. */
function skipInteger(bytes: Uint8Array, from: number, to: number, depth: number): number {
  let at = from + 1;
  while (at < to && ((bytes[at] as number) - 0x30) >>> 0 < 10) at++;
  const next = byteAt(bytes, at, to);
  if (next === COMMA || next === OBJECT_CLOSE) return at;
  return skipValue(bytes, from, to, depth + 1, DEPTH_MAX);
}

function takeMember(out: MessageScan, member: number, bytes: Uint8Array, from: number, to: number): void {
  const first = bytes[from] as number;
  if (member === VERSION) {
    if (!isVersion(bytes, from, to)) noteFault(out, FAULT_VERSION, from);
  } else if (member === ID) {
    if (!isIdStart(first)) return noteFault(out, FAULT_ID, from);
    out.idStart = from;
    out.idEnd = to;
  } else if (member === METHOD) {
    const size = to - from - 2;
    if (first !== QUOTE || size < 1 || size > METHOD_BYTES_MAX) return noteFault(out, FAULT_METHOD, from);
    out.methodStart = from + 1;
    out.methodEnd = to - 1;
    out.methodEscaped = progress.escaped;
  } else if (member === PARAMS) {
    if (first !== ARRAY_OPEN && first !== OBJECT_OPEN) return noteFault(out, FAULT_PARAMS, from);
    out.paramsStart = from;
    out.paramsEnd = to;
  }
}

function refuseDuplicate(out: MessageScan, member: number, at: number): void {
  noteFault(out, FAULT_DUPLICATE, at);
  if (member !== ID) return;
  out.idStart = -1;
  out.idEnd = -1;
}

/** The string "2.0", spelt so. */
function isVersion(bytes: Uint8Array, from: number, to: number): boolean {
  return (
    to - from === 5 &&
    bytes[from] === QUOTE &&
    bytes[from + 1] === 0x32 &&
    bytes[from + 2] === 0x2e &&
    bytes[from + 3] === 0x30
  );
}

/** Of a value that is known to be JSON: a string, a number or null. */
export function isIdStart(first: number): boolean {
  return first === QUOTE || (first >= 0x30 && first <= 0x39) || first === 0x2d || first === 0x6e;
}
