/**
 * The strict subset of HTTP/1.1 request heads that the fast lane serves by itself. Whatever is not plainly
 * simple is left to node:http, so nothing here has to be lenient: no obsolete line folding, no bare LF, no
 * transfer codings, no repeated header that matters. What it accepts, llhttp reads alike (tested).
 */

/** The head is not complete yet. */
export const HEAD_INCOMPLETE = 0;
/** The head is whole and simple; the fields of {@link RequestHead} are set. */
export const HEAD_COMPLETE = 1;
/** Not for the lane: node:http decides what it is. */
export const HEAD_NOT_SIMPLE = 2;

/** Larger heads are left to node:http. */
export const LANE_HEAD_BYTES_MAX = 8192;

const TOKEN = 1;
const VALUE = 2;
const TARGET = 4;
const classes = new Uint8Array(256);
for (let byte = 0x20; byte <= 0x7e; byte++) classes[byte] = VALUE;
const alphanumerics = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
mark("!#$%&'*+-.^_`|~" + alphanumerics, TOKEN);
mark("-._~/?=&%:@!$'()*+,;" + alphanumerics, TARGET);

function mark(characters: string, flag: number): void {
  for (const character of characters) classes[character.charCodeAt(0)]! |= flag;
}

const literal = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const requestLineStart = literal('POST /');
const requestLineEnd = literal(' HTTP/1.1\r\n');
const names = {
  host: literal('host'),
  origin: literal('origin'),
  xApiKey: literal('x-api-key'),
  forwarded: literal('forwarded'),
  connection: literal('connection'),
  xRequestId: literal('x-request-id'),
  authorization: literal('authorization'),
  contentLength: literal('content-length'),
  xForwardedFor: literal('x-forwarded-for'),
};
/** Headers that change how a message is framed or answered: never the lane's. */
const foreignNames = [
  'te',
  'expect',
  'upgrade',
  'trailer',
  'http2-settings',
  'content-encoding',
  'proxy-connection',
  'transfer-encoding',
].map(literal);
const keepAlive = literal('keep-alive');
const close = literal('close');

/** Byte ranges of a head into the buffer it was read from; a start of -1 means absent. Reused for each request. */
export class RequestHead {
  /** First byte after the empty line. */
  end = 0;
  targetStart = 0;
  targetEnd = 0;
  contentLength = -1;
  keepAlive = true;
  apiKeyStart = -1;
  apiKeyEnd = -1;
  authorizationStart = -1;
  authorizationEnd = -1;
  originStart = -1;
  originEnd = -1;
  forwardedForStart = -1;
  forwardedForEnd = -1;
  forwardedStart = -1;
  forwardedEnd = -1;
  requestIdStart = -1;
  requestIdEnd = -1;
  hasHost = false;

  reset(): void {
    this.contentLength = -1;
    this.keepAlive = true;
    this.apiKeyStart = -1;
    this.authorizationStart = -1;
    this.originStart = -1;
    this.forwardedForStart = -1;
    this.forwardedStart = -1;
    this.requestIdStart = -1;
    this.hasHost = false;
  }
}

/**
 * Reads one request head from `bytes[from, to)`.
 *
 * @returns {@link HEAD_COMPLETE}, {@link HEAD_INCOMPLETE} or {@link HEAD_NOT_SIMPLE}. A head that is not
 * simple may be found so before it is complete.
 */
export function readRequestHead(bytes: Uint8Array, from: number, to: number, head: RequestHead): number {
  const limit = to - from > LANE_HEAD_BYTES_MAX ? from + LANE_HEAD_BYTES_MAX : to;
  const unfinished = limit < to ? HEAD_NOT_SIMPLE : HEAD_INCOMPLETE;
  let at = from;
  for (let k = 0; k < requestLineStart.length; k++, at++) {
    if (at === limit) return unfinished;
    if (bytes[at] !== requestLineStart[k]) return HEAD_NOT_SIMPLE;
  }
  head.reset();
  head.targetStart = at - 1;
  while (at < limit && classes[bytes[at]!]! & TARGET) at++;
  head.targetEnd = at;
  for (let k = 0; k < requestLineEnd.length; k++, at++) {
    if (at === limit) return unfinished;
    if (bytes[at] !== requestLineEnd[k]) return HEAD_NOT_SIMPLE;
  }
  for (;;) {
    if (at === limit) return unfinished;
    if (bytes[at] === 0x0d) {
      if (at + 1 === limit) return unfinished;
      if (bytes[at + 1] !== 0x0a || !head.hasHost || head.contentLength < 0) return HEAD_NOT_SIMPLE;
      head.end = at + 2;
      return HEAD_COMPLETE;
    }
    const nameStart = at;
    while (at < limit && classes[bytes[at]!]! & TOKEN) at++;
    if (at === limit) return unfinished;
    if (bytes[at] !== 0x3a || at === nameStart) return HEAD_NOT_SIMPLE;
    const nameEnd = at++;
    while (at < limit && bytes[at] === 0x20) at++;
    const valueStart = at;
    while (at < limit && classes[bytes[at]!]! & VALUE) at++;
    if (at === limit) return unfinished;
    if (bytes[at] !== 0x0d || at === valueStart || bytes[at - 1] === 0x20) return HEAD_NOT_SIMPLE;
    if (at + 1 === limit) return unfinished;
    if (bytes[at + 1] !== 0x0a) return HEAD_NOT_SIMPLE;
    if (!takeHeader(bytes, nameStart, nameEnd, valueStart, at, head)) return HEAD_NOT_SIMPLE;
    at += 2;
  }
}

/** Keeps what matters of one header; false where it is not the lane's to judge. */
function takeHeader(
  bytes: Uint8Array,
  nameStart: number,
  nameEnd: number,
  start: number,
  end: number,
  head: RequestHead,
): boolean {
  switch (nameEnd - nameStart) {
    case 4:
      if (!same(bytes, nameStart, names.host)) return true;
      if (head.hasHost) return false;
      return (head.hasHost = true);
    case 6:
      if (!same(bytes, nameStart, names.origin)) break;
      if (head.originStart >= 0) return false;
      head.originStart = start;
      head.originEnd = end;
      return true;
    case 9:
      if (same(bytes, nameStart, names.xApiKey)) {
        if (head.apiKeyStart >= 0) return false;
        head.apiKeyStart = start;
        head.apiKeyEnd = end;
      } else if (same(bytes, nameStart, names.forwarded)) {
        if (head.forwardedStart >= 0) return false;
        head.forwardedStart = start;
        head.forwardedEnd = end;
      }
      return true;
    case 10:
      return same(bytes, nameStart, names.connection) ? takeConnection(bytes, start, end, head) : true;
    case 12:
      if (!same(bytes, nameStart, names.xRequestId)) return true;
      if (head.requestIdStart >= 0) return false;
      head.requestIdStart = start;
      head.requestIdEnd = end;
      return true;
    case 13:
      if (!same(bytes, nameStart, names.authorization)) return true;
      if (head.authorizationStart >= 0) return false;
      head.authorizationStart = start;
      head.authorizationEnd = end;
      return true;
    case 14:
      if (same(bytes, nameStart, names.contentLength)) return takeLength(bytes, start, end, head);
      break;
    case 15:
      if (!same(bytes, nameStart, names.xForwardedFor)) return true;
      if (head.forwardedForStart >= 0) return false;
      head.forwardedForStart = start;
      head.forwardedForEnd = end;
      return true;
  }
  for (const name of foreignNames) {
    if (name.length === nameEnd - nameStart && same(bytes, nameStart, name)) return false;
  }
  return true;
}

function takeConnection(bytes: Uint8Array, start: number, end: number, head: RequestHead): boolean {
  if (!head.keepAlive) return false;
  if (end - start === keepAlive.length && same(bytes, start, keepAlive)) return true;
  head.keepAlive = false;
  return end - start === close.length && same(bytes, start, close);
}

function takeLength(bytes: Uint8Array, start: number, end: number, head: RequestHead): boolean {
  if (head.contentLength >= 0 || end - start > 9) return false;
  if (bytes[start] === 0x30 && end - start > 1) return false;
  let length = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) return false;
    length = length * 10 + digit;
  }
  head.contentLength = length;
  return true;
}

/** Whether `bytes` at `start` spells `name` (lower case) in any case. Letters and `-` only. */
function same(bytes: Uint8Array, start: number, name: Uint8Array): boolean {
  for (let k = 0; k < name.length; k++) {
    const byte = bytes[start + k]!;
    if (byte !== name[k] && (byte | 0x20) !== name[k]) return false;
  }
  return true;
}
