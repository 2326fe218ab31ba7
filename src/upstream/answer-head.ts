/** What an answer's head says. Made to be reused. */
export class AnswerHead {
  status = 0;
  /** -1 where absent. */
  contentLength = -1;
  chunked = false;
  /** The connection ends after this answer (`Connection: close`, HTTP/1.0). */
  close = false;
  /** Value of Retry-After, '' where absent or too long to be one. */
  retryAfter = '';
  /** Offset after the empty line. */
  end = -1;
  /** What is wrong, '' if nothing. */
  fault = '';
}

export const HEAD_COMPLETE = 0;
export const HEAD_INCOMPLETE = 1;
export const HEAD_INVALID = 2;

const CR = 13;
const LF = 10;
const COLON = 58;
const SPACE = 32;
const TAB = 9;

const TOKEN = 1;
const TEXT = 2;
/** TOKEN: RFC 9110 tchar. TEXT: what a field value or reason phrase may hold. */
const kind = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) {
  if ((byte >= SPACE && byte !== 127) || byte === TAB) kind[byte] = TEXT;
}
for (const char of "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") {
  kind[char.charCodeAt(0)] = TEXT | TOKEN;
}

/**
 * Reads the head of an HTTP/1.1 answer from bytes[from, to), strictly (RFC 9112): no bare CR or LF, no
 * folded lines, no space before a colon, one Content-Length of digits only, `chunked` the only transfer
 * coding and never beside a Content-Length, no content coding. Returns one of the `HEAD_…` numbers.
 */
export function readAnswerHead(bytes: Uint8Array, from: number, to: number, out: AnswerHead): number {
  out.contentLength = -1;
  out.chunked = false;
  out.close = false;
  out.retryAfter = '';
  out.fault = '';
  let at = readStatusLine(bytes, from, to, out);
  if (at < 0) return out.fault === '' ? HEAD_INCOMPLETE : HEAD_INVALID;
  while (at < to) {
    if (bytes[at] === CR) {
      if (at + 1 >= to) return HEAD_INCOMPLETE;
      if (bytes[at + 1] !== LF) return invalid(out, 'bare CR in the head');
      out.end = at + 2;
      if (out.chunked && out.contentLength >= 0)
        return invalid(out, 'both Content-Length and Transfer-Encoding');
      return HEAD_COMPLETE;
    }
    const nameStart = at;
    while (at < to && (kind[bytes[at]!]! & TOKEN) !== 0) at++;
    if (at >= to) return HEAD_INCOMPLETE;
    if (bytes[at] !== COLON || at === nameStart) return invalid(out, 'malformed header line');
    const nameEnd = at++;
    while (at < to && (bytes[at] === SPACE || bytes[at] === TAB)) at++;
    const valueStart = at;
    while (at < to && kind[bytes[at]!] !== 0) at++;
    if (at + 1 >= to)
      return at < to && bytes[at] !== CR ? invalid(out, 'malformed header line') : HEAD_INCOMPLETE;
    if (bytes[at] !== CR || bytes[at + 1] !== LF) return invalid(out, 'malformed header line');
    if (!readField(bytes, nameStart, nameEnd, valueStart, at, out)) return HEAD_INVALID;
    at += 2;
  }
  return HEAD_INCOMPLETE;
}

function invalid(out: AnswerHead, fault: string): number {
  out.fault = fault;
  return HEAD_INVALID;
}

const VERSION = [72, 84, 84, 80, 47, 49, 46];

/** Offset after the status line; -1 if incomplete or, with `fault` set, invalid. */
function readStatusLine(bytes: Uint8Array, from: number, to: number, out: AnswerHead): number {
  const known = Math.min(VERSION.length, to - from);
  for (let i = 0; i < known; i++) {
    if (bytes[from + i] !== VERSION[i]) return refuse(out);
  }
  if (to - from < 13) return -1;
  const minor = bytes[from + 7]! - 48;
  const hundreds = bytes[from + 9]! - 48;
  const tens = bytes[from + 10]! - 48;
  const ones = bytes[from + 11]! - 48;
  if (minor !== 0 && minor !== 1) return refuse(out);
  if (bytes[from + 8] !== SPACE || hundreds < 1 || hundreds > 5) return refuse(out);
  if (tens < 0 || tens > 9 || ones < 0 || ones > 9) return refuse(out);
  let at = from + 12;
  if (bytes[at] !== SPACE && bytes[at] !== CR) return refuse(out);
  while (at < to && kind[bytes[at]!] !== 0) at++;
  if (at >= to) return -1;
  if (bytes[at] !== CR) return refuse(out);
  if (at + 1 >= to) return -1;
  if (bytes[at + 1] !== LF) return refuse(out);
  out.status = hundreds * 100 + tens * 10 + ones;
  if (minor === 0) out.close = true;
  return at + 2;
}

function refuse(out: AnswerHead): number {
  out.fault = 'not an HTTP/1.1 answer';
  return -1;
}

const CONTENT_LENGTH = lowerCase('content-length');
const TRANSFER_ENCODING = lowerCase('transfer-encoding');
const CONTENT_ENCODING = lowerCase('content-encoding');
const CONNECTION = lowerCase('connection');
const RETRY_AFTER = lowerCase('retry-after');
const RETRY_AFTER_BYTES_MAX = 64;
const CHUNKED = lowerCase('chunked');
const IDENTITY = lowerCase('identity');

/** Takes note of the five fields that matter. False, with `fault` set, if one of them is invalid. */
function readField(
  bytes: Uint8Array,
  nameStart: number,
  nameEnd: number,
  valueStart: number,
  lineEnd: number,
  out: AnswerHead,
): boolean {
  const length = nameEnd - nameStart;
  if (length !== 14 && length !== 10 && length !== 17 && length !== 16 && length !== 11) return true;
  let valueEnd = lineEnd;
  while (valueEnd > valueStart && (bytes[valueEnd - 1] === SPACE || bytes[valueEnd - 1] === TAB)) valueEnd--;
  if (length === 14) {
    if (!isWord(bytes, nameStart, nameEnd, CONTENT_LENGTH)) return true;
    if (out.contentLength >= 0) return fieldFault(out, 'more than one Content-Length');
    out.contentLength = digits(bytes, valueStart, valueEnd);
    return out.contentLength >= 0 || fieldFault(out, 'malformed Content-Length');
  }
  if (length === 10) {
    if (isWord(bytes, nameStart, nameEnd, CONNECTION) && namesClose(bytes, valueStart, valueEnd))
      out.close = true;
    return true;
  }
  if (length === 11) {
    if (isWord(bytes, nameStart, nameEnd, RETRY_AFTER) && valueEnd - valueStart <= RETRY_AFTER_BYTES_MAX)
      out.retryAfter = String.fromCharCode(...bytes.subarray(valueStart, valueEnd));
    return true;
  }
  if (length === 17) {
    if (!isWord(bytes, nameStart, nameEnd, TRANSFER_ENCODING)) return true;
    const sound = !out.chunked && isWord(bytes, valueStart, valueEnd, CHUNKED);
    out.chunked = true;
    return sound || fieldFault(out, 'unknown Transfer-Encoding');
  }
  if (!isWord(bytes, nameStart, nameEnd, CONTENT_ENCODING) || isWord(bytes, valueStart, valueEnd, IDENTITY))
    return true;
  return fieldFault(out, 'compressed answer');
}

function fieldFault(out: AnswerHead, fault: string): false {
  out.fault = fault;
  return false;
}

function lowerCase(word: string): Uint8Array {
  return Uint8Array.from(word, (char) => char.charCodeAt(0));
}

/** Are the bytes `word` (lower-case letters and hyphens), in any case? */
function isWord(bytes: Uint8Array, from: number, to: number, word: Uint8Array): boolean {
  if (to - from !== word.length) return false;
  for (let i = 0; i < word.length; i++) {
    const byte = bytes[from + i]!;
    if ((byte >= 65 && byte <= 90 ? byte + 32 : byte) !== word[i]) return false;
  }
  return true;
}

/** Value of 1 to 15 digits, else -1. */
function digits(bytes: Uint8Array, from: number, to: number): number {
  if (to === from || to - from > 15) return -1;
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = bytes[at]! - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Is `close` among the comma-separated options? */
function namesClose(bytes: Uint8Array, from: number, to: number): boolean {
  const value = String.fromCharCode(...bytes.subarray(from, Math.min(to, from + 256))).toLowerCase();
  return value.split(',').some((option) => option.trim() === 'close');
}
