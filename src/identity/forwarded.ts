import { type Address, parseAddress } from './address.ts';

const quote = 34;
const comma = 44;
const backslash = 92;
/** An element longer than this, in characters, names nobody. */
const elementLengthMax = 1024;

/**
 * The hops a header names, from right to left, one a call; `undefined` for one that names no address that can
 * be read (unknown, obfuscated, malformed), `null` when none is left. Empty elements are passed over (RFC
 * 9110, 5.6.1.2). Reads no further left than asked, since what stands there is anybody's.
 */
export type NextHop = () => Address | undefined | null;

/**
 * Reads `X-Forwarded-For`: addresses between commas, also `192.0.2.1:8080` and `[2001:db8::1]:8080`, which
 * some proxies write.
 */
export function readForwardedFor(header: string): NextHop {
  return createReader(header, plainCommaBefore, parseForwardedForElement);
}

/**
 * Reads `Forwarded` (RFC 7239). Quoted strings are found from the right, so that nothing a caller wrote
 * further left, an open quote least of all, changes what our own proxy appended.
 */
export function readForwarded(header: string): NextHop {
  return createReader(header, unquotedCommaBefore, parseForwardedElement);
}

function createReader(
  header: string,
  commaBefore: (header: string, from: number) => number,
  parse: (element: string) => Address | undefined,
): NextHop {
  let end = header.length;
  return () => {
    while (end > 0) {
      const separator = commaBefore(header, end - 1);
      const element = withoutSpace(header, separator + 1, end);
      end = separator;
      if (element !== '') return parse(element);
    }
    return null;
  };
}

/**
 * Only HTTP's own white space, and no regular expression: `[ \t]+$` takes quadratic time on spaces a caller
 * sends.
 */
function withoutSpace(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isSpace(text.charCodeAt(start))) start += 1;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 32 || code === 9;
}

function plainCommaBefore(header: string, from: number): number {
  return header.lastIndexOf(',', from);
}

/** The last comma at or before `from` that is in no quoted string, or -1. */
function unquotedCommaBefore(header: string, from: number): number {
  let quoted = false;
  for (let i = from; i >= 0; i -= 1) {
    const code = header.charCodeAt(i);
    if (code === quote) quoted = !quoted || isEscaped(header, i);
    else if (code === comma && !quoted) return i;
  }
  return -1;
}

/** In a quoted string, a quote after an odd number of backslashes is one of its characters. */
function isEscaped(header: string, at: number): boolean {
  let before = at;
  while (header.charCodeAt(before - 1) === backslash) before -= 1;
  return (at - before) % 2 === 1;
}

/** Only what is one address, with or without a port. */
function parseForwardedForElement(element: string): Address | undefined {
  return parseAddress(element) ?? parseNode(element);
}

const pair =
  /^[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)|"((?:[^"\\]|\\.)*)")[ \t]*(?:;|$)/;

/**
 * The `for` of one element. An element that breaks the grammar anywhere, or says `for` twice, names nobody.
 */
function parseForwardedElement(element: string): Address | undefined {
  if (element.length > elementLengthMax) return undefined;
  let rest = element;
  let node: string | undefined;
  while (rest !== '') {
    const match = pair.exec(rest);
    if (match === null) return undefined;
    if (match[1]?.toLowerCase() === 'for') {
      if (node !== undefined) return undefined;
      node = match[2] ?? match[3]?.replace(/\\(.)/g, '$1');
    }
    rest = rest.slice(match[0].length);
  }
  return node === undefined ? undefined : parseNode(node);
}

/** RFC 7239, 6: an IPv4 address or an IPv6 address in brackets, each with an optional port. */
function parseNode(node: string): Address | undefined {
  const match = /^(?:([0-9.]+)|\[([0-9A-Fa-f:.]+)\])(?::(?:[0-9]{1,5}|_[0-9A-Za-z._-]+))?$/.exec(node);
  if (match === null) return undefined;
  if (match[1] !== undefined) return parseAddress(match[1]);
  const inner = match[2] ?? '';
  return inner.includes(':') ? parseAddress(inner) : undefined;
}
