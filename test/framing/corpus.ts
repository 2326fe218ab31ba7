/**
 * Hostile and odd requests. Each call that is authorised carries a nonce of its own; what must never reach a node
 * carries the marker.
 */
export interface HostileCase {
  name: string;
  /** Sent in order, each as a packet of its own; then the client ends its side. */
  pieces: Buffer[];
  /** Nonces of calls that reach the node once and are answered. */
  must: string[];
  /** Nonces of calls where both ways are sound. */
  may: string[];
  /** Whether a refusal has to be among the answers, or the connection ended without one. */
  refused: boolean;
  /** Places of answers that have no body by their request's method. */
  bodiless: number[];
}

export const marker = 'forbidden';
let markers = 0;

let calls = 0;
export const nonce = (): string => `nonce-${++calls}`;
export const callBody = (param: string): string =>
  `{"jsonrpc":"2.0","id":${++calls},"method":"eth_call","params":["${param}"]}`;

interface Parts {
  start?: string;
  host?: string;
  /** Whole lines without their end. */
  headers?: string[];
  body: string;
  /** Default: the body's own. */
  length?: number | string | null;
}

/** A request; as it stands a plain one that the fast lane serves. */
export function request({
  start = 'POST / HTTP/1.1',
  host = 'Host: a',
  headers = [],
  body,
  length,
}: Parts): string {
  const lines = [start, host, ...headers];
  if (length !== null) lines.push(`Content-Length: ${length ?? body.length}`);
  return `${lines.filter((line) => line !== '').join('\r\n')}\r\n\r\n${body}`;
}

export const good = (param: string): string => request({ body: callBody(param) });
const banned = (): string => `${marker}-${++markers}`;
/** What a smuggler wants to have run. */
export const smuggled = (): string => good(banned());
const chunk = (text: string, extension = ''): string =>
  `${text.length.toString(16)}${extension}\r\n${text}\r\n`;
export const chunked = (text: string, extension = ''): string => `${chunk(text, extension)}0\r\n\r\n`;
const coded = (headers: string[], body: string): string => request({ headers, body, length: null });

function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** Refused, and nothing behind it is served. */
function refused(name: string, bytes: string): HostileCase {
  return { name, pieces: [latin1(bytes + smuggled())], must: [], may: [], refused: true, bodiless: [] };
}

/** Served with all that stands behind it. */
function served(name: string, build: (body: string) => string): HostileCase {
  const [first, second] = [nonce(), nonce()];
  const bytes = build(callBody(first)) + good(second);
  return { name, pieces: [latin1(bytes)], must: [first, second], may: [], refused: false, bodiless: [] };
}

/** Served or refused; what stands behind it as well. */
function either(name: string, build: (body: string) => string): HostileCase {
  const [first, second] = [nonce(), nonce()];
  const bytes = build(callBody(first)) + good(second);
  return { name, pieces: [latin1(bytes)], must: [], may: [first, second], refused: false, bodiless: [] };
}

/** A request that is answered with a refusal and leaves its connection in order. */
function turnedAway(name: string, bytes: string): HostileCase {
  const next = nonce();
  return { name, pieces: [latin1(bytes + good(next))], must: [next], may: [], refused: true, bodiless: [] };
}

function* transferCodings(): Iterable<HostileCase> {
  const hidden = (): string => `0\r\n\r\n${smuggled()}`;
  const codings = [
    'chunked',
    'Chunked',
    'CHUNKED',
    ' chunked',
    'chunked ',
    '\tchunked',
    'chunked\t',
    'xchunked',
    'chunkedx',
    'chunk',
    'identity',
    'chunked, identity',
    'identity, chunked',
    'gzip, chunked',
    'chunked, gzip',
    'chunked, chunked',
    'chunked,',
    ',chunked',
    '"chunked"',
    "'chunked'",
    'chunked;q=1',
    'chunked;a=b',
    'chunked\x00',
    '\x00chunked',
    '\x0bchunked',
    'chunked\x0b',
    '\x0cchunked',
    'chu\tnked',
    'chunked\xa0',
    'deflate',
    'x',
    '0',
  ]; // prettier-ignore
  const names = ['Transfer-Encoding', 'transfer-encoding', 'TRANSFER-ENCODING', 'Transfer-encoding'];
  for (const [k, coding] of codings.entries()) {
    const name = names[k % names.length]!;
    const shown = JSON.stringify(coding);
    yield refused(
      `length before coding ${shown}`,
      rawHead(['Content-Length: 5', `${name}: ${coding}`]) + hidden(),
    );
    yield refused(
      `coding ${shown} before length`,
      rawHead([`${name}: ${coding}`, 'Content-Length: 5']) + hidden(),
    );
    if (!/^\s?chunked\s?$/i.test(coding)) {
      yield refused(`coding ${shown} alone`, rawHead([`${name}: ${coding}`]) + hidden());
    }
  }
  for (const header of [
    'Transfer-Encoding : chunked',
    ' Transfer-Encoding: chunked',
    'Transfer-Encoding\t: chunked',
    'Transfer-Encoding\x00: chunked',
    'Transfer-Encoding\x0b: chunked',
    'Transfer-Encoding\r\n : chunked',
    'Transfer-Encoding:\r\n chunked',
    'Transfer-Encoding:\n chunked',
    'X: y\rTransfer-Encoding: chunked',
    'X: y\nTransfer-Encoding: chunked',
    'X: y\r\n\tTransfer-Encoding: chunked',
    'Transfer-Encoding chunked',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
    'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: x',
  ]) {
    yield refused(
      `${JSON.stringify(header)} and a length`,
      rawHead(['Content-Length: 5', header]) + hidden(),
    );
  }
  for (const header of [
    'Transfer_Encoding: chunked',
    'X-Transfer-Encoding: chunked',
    'TransferEncoding: chunked',
    'TE: chunked',
    'TE: trailers',
    'Trailer: Content-Length',
  ]) {
    yield served(`${header}, which frames nothing`, (body) => request({ headers: [header], body }));
  }
  yield refused(
    'a coding in HTTP/1.0',
    `POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunked(callBody(banned()))}`,
  );
  yield refused(
    'a coding and a length in HTTP/1.0',
    `POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n${hidden()}`,
  );
}

const rawHead = (headers: string[]): string =>
  `POST / HTTP/1.1\r\nHost: a\r\n${headers.join('\r\n')}\r\n\r\n`;

function* lengths(): Iterable<HostileCase> {
  const withLength = (value: string, body = callBody(banned())): string => request({ body, length: value });
  for (const value of [
    '+5',
    '-5',
    '-0',
    '0x5',
    '5e0',
    '5.0',
    '5,5',
    '5, 5',
    '5 5',
    '5;5',
    '5\t5',
    '"5"',
    'five',
    '',
    '\x005',
    '5\x00',
    '5\x0b',
    '\xb2',
    '18446744073709551616',
    '18446744073709551621',
    '99999999999999999999999',
    '9007199254740993',
    '5\r\n 5',
    '5\n',
    '5\r',
    '0_5',
    'NaN',
    'Infinity',
    '１',
  ].map((value) => Buffer.from(value).toString('latin1'))) {
    yield refused(`Content-Length: ${JSON.stringify(value)}`, withLength(value));
  }
  for (const [one, other] of [
    ['5', '6'],
    ['0', '100'],
    ['100', '0'],
    ['5', '5'],
    ['05', '5'],
  ]) {
    yield refused(
      `two lengths, ${one} and ${other}`,
      rawHead([`Content-Length: ${one}`, `Content-Length: ${other}`]) + smuggled(),
    );
  }
  for (const name of [
    'Content-Length ',
    ' Content-Length',
    'Content-Length\t',
    'Content-Length\x00',
    'Content Length',
  ]) {
    yield refused(`a length by the name ${JSON.stringify(name)}`, rawHead([`${name}: 0`]) + smuggled());
  }
  yield either('a length with a leading zero', (body) => request({ body, length: `0${body.length}` }));
  yield either('a length with spaces around it', (body) => request({ body, length: ` ${body.length} ` }));
  yield either('a length with a tab before it', (body) => request({ body, length: `\t${body.length}` }));
  yield served('Content_Length is another header', (body) =>
    request({ headers: ['Content_Length: 0'], body }),
  );
  yield turnedAway('no length and no coding: no body', rawHead([]));
  yield turnedAway('length 0', request({ body: '' }));
  yield refused('more than the bound announced', request({ body: '', length: 999_999_999 }));
  const cut = callBody(banned());
  yield refused('a length one too short', request({ body: cut, length: cut.length - 1 }));
  yield turnedAway('a body that is a request', request({ body: smuggled() }));
  yield turnedAway(
    'a body that hides a request behind a call',
    request({ body: `${callBody(banned())}\r\n\r\n${smuggled()}` }),
  );
  yield turnedAway('a body that holds an end of chunks', request({ body: `0\r\n\r\n${smuggled()}` }));
  yield turnedAway(
    'a body that holds an answer',
    request({ body: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n' }),
  );
}

function* chunks(): Iterable<HostileCase> {
  const head = rawHead(['Transfer-Encoding: chunked']);
  const size = (body: string): string => body.length.toString(16);
  for (const [name, build] of Object.entries<(body: string) => string>({
    'plain chunks': (body) => chunked(body),
    'a size in capitals and zeros': (body) => `000${size(body).toUpperCase()}\r\n${body}\r\n0\r\n\r\n`,
    'many zeros at the end': (body) => `${chunk(body)}0000\r\n\r\n`,
    'chunks of one byte': (body) => `${[...body].map((byte) => chunk(byte)).join('')}0\r\n\r\n`,
    extensions: (body) => chunked(body, ';a=b;c="d e";f'),
    'a trailer': (body) => `${chunk(body)}0\r\nX-Trailer: y\r\n\r\n`,
    'a trailer that forges framing': (body) => `${chunk(body)}0\r\nX-Api-Key: none\r\nHost: b\r\n\r\n`,
  })) {
    yield served(name, (body) => head + build(body));
  }
  const body = callBody(banned());
  for (const [name, bytes] of Object.entries({
    'a size with 0x': `0x${size(body)}\r\n${body}\r\n0\r\n\r\n`,
    'a size with a sign': `+${size(body)}\r\n${body}\r\n0\r\n\r\n`,
    'a negative size': `-${size(body)}\r\n${body}\r\n0\r\n\r\n`,
    'a size with a space before it': ` ${size(body)}\r\n${body}\r\n0\r\n\r\n`,
    'a size with a tab behind it': `${size(body)}\t\r\n${body}\r\n0\r\n\r\n`,
    'a size with a space behind it': `${size(body)} \r\n${body}\r\n0\r\n\r\n`,
    'no size': `\r\n${body}\r\n0\r\n\r\n`,
    'a word for a size': `size\r\n${body}\r\n0\r\n\r\n`,
    'a size of 65 bits': `1${'0'.repeat(15)}${size(body).padStart(2, '0')}\r\n${body}\r\n0\r\n\r\n`,
    'a size of 80 bits': `${'F'.repeat(20)}\r\n${body}\r\n0\r\n\r\n`,
    'a bare LF behind the size': `${size(body)}\n${body}\r\n0\r\n\r\n`,
    'a bare CR behind the size': `${size(body)}\r${body}\r\n0\r\n\r\n`,
    'a bare LF behind the data': `${size(body)}\r\n${body}\n0\r\n\r\n`,
    'nothing behind the data': `${size(body)}\r\n${body}0\r\n\r\n`,
    'a size one too short': `${(body.length - 1).toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    'a bare LF in an extension': `${size(body)};a\nb\r\n${body}\r\n0\r\n\r\n`,
    'a bare CR in an extension': `${size(body)};a\rb\r\n${body}\r\n0\r\n\r\n`,
    'an extension that hides a line': `${size(body)};a=\n\r\n${body}\r\n0\r\n\r\n`,
    'a NUL in an extension': `${size(body)};a=\x00\r\n${body}\r\n0\r\n\r\n`,
    'a flood of an extension': `${size(body)};a=${'b'.repeat(40_000)}\r\n${body}\r\n0\r\n\r\n`,
    'a folded trailer': `${size(body)}\r\n${body}\r\n0\r\nX: y\r\n z\r\n\r\n`,
    'a trailer with a bare LF': `${size(body)}\r\n${body}\r\n0\r\nX: y\n\r\n`,
    'a trailer without a colon': `${size(body)}\r\n${body}\r\n0\r\nX\r\n\r\n`,
    'a flood of a trailer': `${size(body)}\r\n${body}\r\n0\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`,
  })) {
    yield refused(`chunks: ${name}`, head + bytes);
  }
  yield turnedAway('chunks that hold a request', head + chunked(smuggled()));
  yield turnedAway('no chunks at all', `${head}0\r\n\r\n`);
}

/** Names and values with every byte; request lines and targets with every byte. */
function* everyByte(): Iterable<HostileCase> {
  const token = /[!#$%&'*+\-.^_`|~0-9A-Za-z]/;
  for (let byte = 0; byte < 256; byte++) {
    const character = String.fromCharCode(byte);
    const shown = `0x${byte.toString(16).padStart(2, '0')}`;
    const inName = (body: string): string => request({ headers: [`X${character}Y: z`], body });
    if (token.test(character) || character === ':') yield served(`byte ${shown} in a name`, inName);
    else yield refused(`byte ${shown} in a name`, inName(callBody(banned())));
    const inValue = (body: string): string => request({ headers: [`X: y${character}z`], body });
    if (byte === 0x09 || (byte >= 0x20 && byte !== 0x7f)) yield served(`byte ${shown} in a value`, inValue);
    else yield refused(`byte ${shown} in a value`, inValue(callBody(banned())));
  }
  for (let byte = 0; byte <= 0x20; byte++) {
    const character = String.fromCharCode(byte);
    const shown = `0x${byte.toString(16).padStart(2, '0')}`;
    if (byte !== 0x20) {
      yield refused(
        `byte ${shown} in place of the first space`,
        request({ start: `POST${character}/ HTTP/1.1`, body: callBody(banned()) }),
      );
      yield refused(
        `byte ${shown} in place of the second space`,
        request({ start: `POST /${character}HTTP/1.1`, body: callBody(banned()) }),
      );
    }
    yield refused(
      `byte ${shown} in the target`,
      request({ start: `POST /a${character}b HTTP/1.1`, body: callBody(banned()) }),
    );
    if (byte !== 0x0d && byte !== 0x0a) {
      yield refused(`byte ${shown} before the method`, character + good(banned()));
      yield refused(
        `byte ${shown} behind the version`,
        request({ start: `POST / HTTP/1.1${character}`, body: callBody(banned()) }),
      );
    }
  }
}

function* requestLines(): Iterable<HostileCase> {
  const body = (): string => callBody(banned());
  for (const method of [
    'GET',
    'PUT',
    'PATCH',
    'DELETE',
    'OPTIONS',
    'TRACE',
    'PROPFIND',
    'M-SEARCH',
    'SEARCH',
    'QUERY',
  ]) {
    yield turnedAway(`method ${method}`, request({ start: `${method} / HTTP/1.1`, body: body() }));
  }
  const head = turnedAway('method HEAD', request({ start: 'HEAD / HTTP/1.1', body: '' }));
  yield { ...head, bodiless: [0] };
  for (const method of [
    'post',
    'Post',
    'POSTX',
    'XPOST',
    'PO',
    'FOO',
    'PO ST',
    'P\x00ST',
    '',
    'PRI',
    'HTTP/1.1',
    '{}',
    'POST,GET',
    'CONNECT',
  ]) {
    yield refused(
      `method ${JSON.stringify(method)}`,
      request({ start: `${method} / HTTP/1.1`, body: body() }),
    );
  }
  yield refused('CONNECT to an address', 'CONNECT 127.0.0.1:80 HTTP/1.1\r\nHost: a\r\n\r\n');
  yield refused('the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  for (const version of [
    'HTTP/0.9',
    'HTTP/2.0',
    'HTTP/3.0',
    'HTTP/1.2',
    'HTTP/1.11',
    'HTTP/01.1',
    'HTTP/1.',
    'HTTP/1',
    'HTTP/.1',
    'HTTP/1,1',
    'HTTP/1.1.1',
    'http/1.1',
    'Http/1.1',
    'HTTPS/1.1',
    'HTTP /1.1',
    'HTTP/ 1.1',
    'HTTP/1. 1',
    'HTTP/-1.1',
    'HTTP/1.1x',
    'HTTP/\xb9.1',
    '',
  ]) {
    yield refused(
      `version ${JSON.stringify(version)}`,
      request({ start: `POST / ${version}`, body: body() }),
    );
  }
  yield refused('no version', `POST /\r\n${smuggled()}`);
  yield either('RTSP', (text) => request({ start: 'POST / RTSP/1.0', body: text }));
  yield either('two spaces', (text) => request({ start: 'POST  / HTTP/1.1', body: text }));
  yield refused('two versions', request({ start: 'POST / HTTP/1.1 HTTP/1.1', body: body() }));
  yield refused('no target', request({ start: 'POST HTTP/1.1', body: body() }));
  for (const target of [
    '/nowhere',
    '/..',
    '/%00',
    '/%0d%0aX:y',
    '/a b'.replace(' ', '%20'),
    '/\\',
    '/#/',
    '*',
    '//a/b',
    '/__proto__',
    '/constructor',
  ]) {
    yield turnedAway(`target ${target}`, request({ start: `POST ${target} HTTP/1.1`, body: body() }));
  }
  for (const target of ['/', '/?', '/?a=b', 'http://a/', 'http://a', 'HTTP://other:80/?x=y', 'https://a/']) {
    yield served(`target ${target}`, (text) => request({ start: `POST ${target} HTTP/1.1`, body: text }));
  }
  for (const target of [
    '//',
    'http:/a/',
    'ftp://a/',
    '/\xff',
    '/\xe9',
    '/"',
    '/<x>',
    '/{}',
    '/|',
    'a',
    'a:80',
    '?',
    '',
  ]) {
    yield either(`target ${target}`, (text) => request({ start: `POST ${target} HTTP/1.1`, body: text }));
  }
  const [first, behind] = [nonce(), callBody(banned())];
  yield {
    name: 'HTTP/1.0 is served and ends',
    pieces: [
      latin1(request({ start: 'POST / HTTP/1.0', body: callBody(first) }) + request({ body: behind })),
    ],
    must: [first],
    may: [],
    refused: false,
    bodiless: [],
  }; // prettier-ignore
}

function* heads(): Iterable<HostileCase> {
  const body = (): string => callBody(banned());
  const lf = (text: string): string => text.replaceAll('\r\n', '\n');
  yield refused('bare LF everywhere', lf(request({ body: body() })));
  for (const line of [0, 1, 2, 3]) {
    const lines = request({ headers: ['X: y'], body: body() }).split('\r\n');
    const text = lines
      .map((each, k) => each + (k === lines.length - 1 ? '' : k === line ? '\n' : '\r\n'))
      .join('');
    yield refused(`bare LF at the end of line ${line}`, text);
    const bareCr = lines
      .map((each, k) => each + (k === lines.length - 1 ? '' : k === line ? '\r' : '\r\n'))
      .join('');
    yield refused(`bare CR at the end of line ${line}`, bareCr);
    const twoCr = lines
      .map((each, k) => each + (k === lines.length - 1 ? '' : k === line ? '\r\r\n' : '\r\n'))
      .join('');
    yield refused(`CR CR LF at the end of line ${line}`, twoCr);
  }
  for (const fold of [' folded', '\tfolded', ' X-Api-Key: folded', ' \tTransfer-Encoding: chunked']) {
    yield refused(
      `a fold behind the request line: ${JSON.stringify(fold)}`,
      request({ host: `${fold}\r\nHost: a`, body: body() }),
    );
    yield refused(`a fold: ${JSON.stringify(fold)}`, request({ headers: ['X: y', fold], body: body() }));
    yield refused(`a fold behind the length: ${JSON.stringify(fold)}`, rawHead(['Content-Length: 0', fold]));
  }
  yield refused('a header without a colon', request({ headers: ['X'], body: body() }));
  yield refused('a header without a name', request({ headers: [': x'], body: body() }));
  yield refused('no Host', request({ host: '', body: body() }));
  yield refused('two Hosts', request({ headers: ['Host: b'], body: body() }));
  yield refused('two equal Hosts', request({ headers: ['host: a'], body: body() }));
  yield refused(
    'two Authorizations',
    request({ headers: ['Authorization: Bearer a', 'authorization: Bearer b'], body: body() }),
  );
  yield refused('a head over the bound', request({ headers: [`X: ${'y'.repeat(20_000)}`], body: body() }));
  yield refused(
    'many headers over the bound',
    request({ headers: Array.from({ length: 2000 }, (_, k) => `X-${k}: ${k}`), body: body() }),
  );
  yield refused('a name over the bound', request({ headers: [`${'X'.repeat(20_000)}: y`], body: body() }));
  yield refused(
    'a target over the bound',
    request({ start: `POST /${'a'.repeat(20_000)} HTTP/1.1`, body: body() }),
  );
  yield served('a big head within the bound', (text) =>
    request({ headers: [`X: ${'y'.repeat(12_000)}`], body: text }),
  );
  yield served('300 headers', (text) =>
    request({ headers: Array.from({ length: 300 }, (_, k) => `X-${k}: ${k}`), body: text }),
  );
  for (const name of [
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    '__proto__.x',
    'then',
  ]) {
    yield served(`a header named ${name}`, (text) => request({ headers: [`${name}: x`], body: text }));
    yield served(`a header named ${name}, in node:http`, (text) =>
      request({ headers: [`${name}: x`, 'X:\ty'], body: text }),
    );
  }
  for (const header of [
    'Expect: 100-continue',
    'Expect: something',
    'Keep-Alive: timeout=5',
    'Connection: keep-alive',
    'Connection: x',
    'Connection: Content-Length',
    'Connection: X-API-Key, keep-alive',
    'X-HTTP-Method-Override: GET',
    'X-Forwarded-Host: x',
    'X-Original-URL: /admin',
    'Content-Encoding: identity',
    'Range: bytes=0-1',
    'If-None-Match: *',
    'Accept-Encoding: gzip',
    'Max-Forwards: 0',
    'Via: 1.1 x',
    'Host2: b',
  ]) {
    yield served(JSON.stringify(header), (text) => request({ headers: [header], body: text }));
  }
  for (const upgrade of [
    'Upgrade: websocket\r\nConnection: Upgrade',
    'Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
    'Upgrade: TLS/1.2\r\nConnection: Upgrade',
  ]) {
    const [first, behind] = [nonce(), nonce()];
    const bytes = request({ headers: [upgrade], body: callBody(first) }) + good(behind);
    // What came in one read with it might be of the other protocol: node:http drops it.
    yield {
      name: `asked to upgrade: ${JSON.stringify(upgrade)}`,
      pieces: [latin1(bytes)],
      must: [first],
      may: [behind],
      refused: false,
      bodiless: [],
    };
  }
  for (const coding of ['gzip', 'br', 'deflate', 'gzip, identity', 'x', 'identity, gzip']) {
    yield turnedAway(
      `Content-Encoding: ${coding}`,
      request({ headers: [`Content-Encoding: ${coding}`], body: body() }),
    );
  }
  for (const value of [
    'Connection: close',
    'Connection: Close',
    'Connection: close, keep-alive',
    'Connection: keep-alive, close',
    'Connection: CLOSE ',
    'Proxy-Connection: close',
  ]) {
    const first = nonce();
    yield {
      name: `nothing is served behind ${value}`,
      pieces: [latin1(request({ headers: [value], body: callBody(first) }) + smuggled())],
      must: [first],
      may: [],
      refused: false,
      bodiless: [],
    }; // prettier-ignore
  }
}

/** Bytes that break a connection, to be put among good requests. */
const breakers = (): string[] => [
  rawHead(['Content-Length: 5', 'Transfer-Encoding: chunked']) + `0\r\n\r\n${smuggled()}`,
  rawHead(['Content-Length: 5', 'Content-Length: 0']) + smuggled(),
  lfHead(),
  'GARBAGE\r\n\r\n',
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  '\x00\x00\x00\x00',
  `${rawHead(['Transfer-Encoding: chunked'])}zz\r\n${smuggled()}`,
  request({ headers: ['X: y\r\n z'], body: callBody(banned()) }),
  request({ headers: [`X: ${'y'.repeat(20_000)}`], body: callBody(banned()) }),
  request({ start: 'POST / HTTP/3.7', body: callBody(banned()) }),
  request({ host: '', body: callBody(banned()) }),
  request({ body: '', length: 999_999_999 }),
];
const lfHead = (): string => `POST / HTTP/1.1\nHost: a\nContent-Length: 0\n\n${smuggled()}`;

function* mixes(): Iterable<HostileCase> {
  const slow = (param: string): string => coded(['Transfer-Encoding: chunked'], chunked(callBody(param)));
  const shapes: Record<string, (param: string) => string> = { lane: good, node: slow };
  for (const [shape, build] of Object.entries(shapes)) {
    for (const [k, breaker] of breakers().entries()) {
      for (const count of [1, 3]) {
        const before = Array.from({ length: count }, nonce);
        yield {
          name: `${count} good by the ${shape}, then breaker ${k}`,
          pieces: [latin1(before.map(build).join('') + breaker + smuggled())],
          must: before,
          may: [],
          refused: true,
          bodiless: [],
        }; // prettier-ignore
      }
    }
    const turned = [
      request({ body: '{"jsonrpc":"2.0"}' }),
      request({ body: '[]' }),
      request({ start: 'GET / HTTP/1.1', body: '', length: null }),
      request({ start: 'POST /nowhere HTTP/1.1', body: callBody(banned()) }),
    ];
    for (const [k, refusal] of turned.entries()) {
      const nonces = [nonce(), nonce(), nonce()];
      const [first, second, third] = nonces.map(build);
      yield {
        name: `good by the ${shape} around refusal ${k}`,
        pieces: [latin1(first! + refusal + second! + refusal + third!)],
        must: nonces,
        may: [],
        refused: true,
        bodiless: [],
      }; // prettier-ignore
    }
  }
  for (const depth of [127, 128, 129, 256, 300]) {
    for (const [shape, build] of Object.entries(shapes)) {
      const nonces = Array.from({ length: depth }, nonce);
      const requests = nonces.map((each) => latin1(build(each)));
      const whole = (from: number, to?: number): Buffer => Buffer.concat(requests.slice(from, to));
      const common = { must: nonces, may: [], refused: false, bodiless: [] };
      yield { name: `${depth} by the ${shape} at once`, pieces: [whole(0)], ...common };
      const again = Array.from({ length: depth }, nonce);
      const second = again.map((each) => latin1(build(each)));
      yield {
        ...common,
        name: `${depth} by the ${shape}, cut behind the 128th and in the 129th`,
        pieces: [
          Buffer.concat(second.slice(0, 128)),
          Buffer.concat(second.slice(128)).subarray(0, 40),
          Buffer.concat(second.slice(128)).subarray(40),
        ],
        must: again,
      }; // prettier-ignore
    }
  }
}

function* splits(): Iterable<HostileCase> {
  const shapes: Record<string, (param: string) => string> = {
    lane: (param) => good(param),
    chunked: (param) => coded(['Transfer-Encoding: chunked'], chunked(callBody(param), ';a=b')),
  };
  for (const [shape, build] of Object.entries(shapes)) {
    const length = build(nonce()).length;
    for (let at = 1; at < length; at++) {
      const [first, second] = [nonce(), nonce()];
      const bytes = latin1(build(first) + build(second));
      yield {
        name: `${shape} split at byte ${at}`,
        pieces: [bytes.subarray(0, at), bytes.subarray(at)],
        must: [first, second],
        may: [],
        refused: false,
        bodiless: [],
      }; // prettier-ignore
    }
    const alone = nonce();
    yield {
      name: `${shape} byte by byte`,
      pieces: [...latin1(build(alone))].map((byte) => Buffer.from([byte])),
      must: [alone],
      may: [],
      refused: false,
      bodiless: [],
    }; // prettier-ignore
  }
  const ambiguous = latin1(
    rawHead(['Content-Length: 5', 'Transfer-Encoding: chunked']) + `0\r\n\r\n${smuggled()}`,
  );
  for (let at = 1; at < ambiguous.length; at += 3) {
    yield {
      name: `length and coding, split at byte ${at}`,
      pieces: [ambiguous.subarray(0, at), ambiguous.subarray(at)],
      must: [],
      may: [],
      refused: true,
      bodiless: [],
    }; // prettier-ignore
  }
}

/** Each time with nonces of its own. */
export function createCorpus(): HostileCase[] {
  return [transferCodings, lengths, chunks, everyByte, requestLines, heads, mixes, splits].flatMap((part) => [
    ...part(),
  ]);
}
