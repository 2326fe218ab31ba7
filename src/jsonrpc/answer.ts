import { AnswerScan, clearAnswer } from './answer-scan.ts';
import { isIdStart } from './envelope.ts';
import { ascii } from './bytes.ts';
import { grammar, progress } from './json.ts';
import { type MemberNames, matchMember, memberNames } from './member.ts';
import { utf8FaultAt } from './utf8.ts';

const { ARRAY_CLOSE, ARRAY_OPEN, OBJECT_CLOSE, OBJECT_OPEN, QUOTE } = ascii;
const { byteAt, skipColon, skipComma, skipSpace, skipString, skipValue } = grammar;

/** Deeper than a request may be: a call tracer nests two containers for each of 1024 EVM frames. */
export const ANSWER_DEPTH_MAX = 4096;

const ID = 2;
const RESULT = 3;
const ERROR = 4;
const VERSION = 1;
const MEMBERS = memberNames('jsonrpc', 'id', 'result', 'error');
/** By number: bytes of the name with both quotes. */
const NAME_BYTES = Uint8Array.of(0, 9, 4, 8, 7);
const ERROR_MEMBERS = memberNames('code');
const CODE = 1;

/**
 * An upstream's answer to a single call, in all of bytes[from, to): a well-formed JSON object with
 * exactly one id (string, number or null) and exactly one of `result` and `error` (an object); the
 * other may stand beside it as `null`. A member of the envelope that is there twice, in another
 * case or escaped makes it no answer. Returns whether it is one; if not, `out` says nothing.
 */
export function scanAnswer(bytes: Uint8Array, from: number, to: number, out: AnswerScan): boolean {
  progress.high = false;
  const start = skipSpace(bytes, from, to);
  const end = readAnswer(bytes, start, to, out, 0);
  return end >= 0 && isWhole(bytes, end, from, to);
}

/**
 * An upstream's answer to a batch: an array of answers, in any order. Undefined if the text or any
 * item is not what {@link scanAnswer} accepts, or there are more than `itemsMax`. Whether the ids
 * are those that were asked for is the caller's to check.
 */
export function scanAnswers(
  bytes: Uint8Array,
  from: number,
  to: number,
  itemsMax = Number.MAX_SAFE_INTEGER,
): AnswerScan[] | undefined {
  progress.high = false;
  let at = skipSpace(bytes, from, to);
  if (byteAt(bytes, at, to) !== ARRAY_OPEN) return undefined;
  const items: AnswerScan[] = [];
  at = skipSpace(bytes, at + 1, to);
  while (byteAt(bytes, at, to) !== ARRAY_CLOSE) {
    if (items.length >= itemsMax) return undefined;
    const item = new AnswerScan();
    items.push(item);
    at = readAnswer(bytes, at, to, item, 1);
    if (at >= 0) at = skipComma(bytes, at, to, ARRAY_CLOSE);
    if (at < 0) return undefined;
  }
  return isWhole(bytes, at + 1, from, to) ? items : undefined;
}

function isWhole(bytes: Uint8Array, end: number, from: number, to: number): boolean {
  return skipSpace(bytes, end, to) === to && (!progress.high || utf8FaultAt(bytes, from, to) < 0);
}

/** Returns the offset after the object, or -1 if it is no answer. */
function readAnswer(bytes: Uint8Array, start: number, to: number, out: AnswerScan, depth: number): number {
  clearAnswer(out);
  let seen = 0;
  let at = firstMember(bytes, start, to);
  while (at >= 0 && byteAt(bytes, at, to) !== OBJECT_CLOSE) {
    let member = plainMember(bytes, at, to);
    if (member > 0) nameEnd = skipColon(bytes, at + (NAME_BYTES[member] as number), to);
    else member = readName(MEMBERS, bytes, at, to);
    const value = nameEnd;
    if (value < 0 || member < 0 || (seen & (1 << member)) > 1) return -1;
    seen |= 1 << member;
    at =
      byteAt(bytes, value, to) === QUOTE
        ? skipString(bytes, value + 1, to)
        : skipValue(bytes, value, to, depth + 1, ANSWER_DEPTH_MAX);
    if (at < 0 || (member > 0 && !takeMember(out, member, bytes, value, at))) return -1;
    at = skipComma(bytes, at, to, OBJECT_CLOSE);
  }
  if (at < 0 || out.idStart < 0 || !chooseOutcome(out, bytes)) return -1;
  out.start = start;
  out.end = at + 1;
  return at + 1;
}

/** The member whose name stands at `at` in its quotes, letter by letter; 0 if none does. As in `envelope.ts`. */
function plainMember(bytes: Uint8Array, at: number, to: number): number {
  // Nothing is read beyond the end; so near to it the other way is taken.
  if (at + 9 > to || bytes[at] !== QUOTE) return 0;
  const byte = bytes[at + 1];
  if (byte === 0x69) return bytes[at + 2] === 0x64 && bytes[at + 3] === QUOTE ? ID : 0;
  if (byte === 0x72) {
    return bytes[at + 2] === 0x65 &&
      bytes[at + 3] === 0x73 &&
      bytes[at + 4] === 0x75 &&
      bytes[at + 5] === 0x6c &&
      bytes[at + 6] === 0x74 &&
      bytes[at + 7] === QUOTE
      ? RESULT
      : 0;
  }
  if (byte === 0x65) {
    return bytes[at + 2] === 0x72 &&
      bytes[at + 3] === 0x72 &&
      bytes[at + 4] === 0x6f &&
      bytes[at + 5] === 0x72 &&
      bytes[at + 6] === QUOTE
      ? ERROR
      : 0;
  }
  return byte === 0x6a &&
    bytes[at + 2] === 0x73 &&
    bytes[at + 3] === 0x6f &&
    bytes[at + 4] === 0x6e &&
    bytes[at + 5] === 0x72 &&
    bytes[at + 6] === 0x70 &&
    bytes[at + 7] === 0x63 &&
    bytes[at + 8] === QUOTE
    ? VERSION
    : 0;
}

/** Where the value of the name read last begins, or -1. */
let nameEnd = -1;

function firstMember(bytes: Uint8Array, start: number, to: number): number {
  return byteAt(bytes, start, to) === OBJECT_OPEN ? skipSpace(bytes, start + 1, to) : -1;
}

function readName(members: MemberNames, bytes: Uint8Array, at: number, to: number): number {
  nameEnd = byteAt(bytes, at, to) === QUOTE ? skipString(bytes, at + 1, to) : -1;
  if (nameEnd < 0) return 0;
  const member = matchMember(members, bytes, at + 1, nameEnd - 1);
  nameEnd = skipColon(bytes, nameEnd, to);
  return member;
}

function takeMember(out: AnswerScan, member: number, bytes: Uint8Array, from: number, to: number): boolean {
  const first = bytes[from] as number;
  if (member === ID) {
    if (!isIdStart(first)) return false;
    out.idStart = from;
    out.idEnd = to;
    out.idNumber = plainInteger(bytes, from, to);
  } else if (member === RESULT) {
    out.resultStart = from;
    out.resultEnd = to;
  } else if (member === ERROR) {
    out.errorStart = from;
    out.errorEnd = to;
    // null is the only value that begins so.
    return first === OBJECT_OPEN || first === 0x6e;
  }
  return true;
}

/** Leaves one of result and error; false if there are both or none. */
function chooseOutcome(out: AnswerScan, bytes: Uint8Array): boolean {
  const hasError = out.errorStart >= 0 && bytes[out.errorStart] === OBJECT_OPEN;
  if (hasError) {
    if (out.resultStart >= 0 && bytes[out.resultStart] !== 0x6e) return false;
    out.resultStart = -1;
    out.resultEnd = -1;
    out.errorCode = readErrorCode(bytes, out.errorStart, out.errorEnd);
    return true;
  }
  out.errorStart = -1;
  out.errorEnd = -1;
  return out.resultStart >= 0;
}

function readErrorCode(bytes: Uint8Array, from: number, to: number): number {
  let code = Number.NaN;
  let at = firstMember(bytes, from, to);
  while (at >= 0 && byteAt(bytes, at, to) !== OBJECT_CLOSE) {
    const member = readName(ERROR_MEMBERS, bytes, at, to);
    const value = nameEnd;
    at = skipValue(bytes, value, to, 0, ANSWER_DEPTH_MAX);
    if (member === CODE) code = readNumber(bytes, value, at);
    at = skipComma(bytes, at, to, OBJECT_CLOSE);
  }
  return code;
}

function readNumber(bytes: Uint8Array, from: number, to: number): number {
  const first = bytes[from] as number;
  if (first !== 0x2d && (first < 0x30 || first > 0x39)) return Number.NaN;
  return Number(String.fromCharCode(...bytes.subarray(from, Math.min(to, from + 64))));
}

function plainInteger(bytes: Uint8Array, from: number, to: number): number {
  if (to - from > 16) return -1;
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = (bytes[at] as number) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value <= Number.MAX_SAFE_INTEGER ? value : -1;
}
