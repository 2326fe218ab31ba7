import * as fc from 'fast-check';

const names = [
  'Host',
  'host',
  'X-API-Key',
  'x-api-key',
  'Authorization',
  'Content-Type',
  'Content-Length',
  'content-length',
  'Connection',
  'Transfer-Encoding',
  'transfer-encoding',
  'Expect',
  'Upgrade',
  'TE',
  'Trailer',
  'Proxy-Connection',
  'Content-Encoding',
  'X-Forwarded-For',
  'Forwarded',
  'X-Request-Id',
  'Origin',
  'Keep-Alive',
  'Accept',
  '__proto__',
  'Host ',
  ' Host',
  'Ho st',
  'X\u0000',
  '',
  'X-Very-Long-Name-That-Nobody-Uses',
];
const values = [
  'a',
  'localhost',
  '127.0.0.1:8540',
  'close',
  'keep-alive',
  'Keep-Alive',
  'close, keep-alive',
  'upgrade',
  'chunked',
  'identity',
  'gzip, chunked',
  '100-continue',
  'websocket',
  '0',
  '5',
  '05',
  '+5',
  '5 ',
  '0x5',
  '5,5',
  '-1',
  '5\t',
  '\t5',
  '',
  'Bearer abcdefghijklmnopqrstuvwxyz',
  'a b',
  ' a',
  'a\u007f',
  'a\u00e9',
  '1.2.3.4, 5.6.7.8',
  'for=1.2.3.4',
  'x'.repeat(300),
];
const lineEnds = ['\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r', '\r\n ', '\r\n\t'];
const separators = [': ', ': ', ': ', ':', ':  ', ' : ', ':\t', ' :'];
const starts = [
  'POST / HTTP/1.1',
  'POST / HTTP/1.1',
  'POST / HTTP/1.1',
  'POST /eth?api_key=abc HTTP/1.1',
  'POST /a/b%20c HTTP/1.1',
  'GET / HTTP/1.1',
  'POST / HTTP/1.0',
  'POST http://x/ HTTP/1.1',
  'POST * HTTP/1.1',
  'post / HTTP/1.1',
  'POST  / HTTP/1.1',
  'POST / HTTP/1.1 ',
  'POST / HTTP/2.0',
  'POST /\u00e9 HTTP/1.1',
  'POST /#x HTTP/1.1',
  'POST /{x} HTTP/1.1',
  'POST /[x]^`|\\"<> HTTP/1.1',
  'POST /a HTTP/1.1',
  'POST //a HTTP/1.1',
  ' POST / HTTP/1.1',
];

const header = fc
  .tuple(
    fc.constantFrom(...names),
    fc.constantFrom(...separators),
    fc.constantFrom(...values),
    fc.constantFrom(...lineEnds),
  )
  .map((parts) => parts.join(''));

const likely = fc.constantFrom(
  'Host: a\r\n',
  'Content-Length: 5\r\n',
  'Host: localhost:8540\r\nContent-Length: 5\r\n',
  'X-API-Key: pp_live_0123456789abcdef\r\n',
  'Connection: keep-alive\r\n',
);

/** Whole requests, mostly near to what is simple, many of them hostile; latin1. */
export const hostileRequest: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.constantFrom(...starts),
    fc.constantFrom(...lineEnds),
    fc.array(fc.oneof({ weight: 3, arbitrary: likely }, { weight: 2, arbitrary: header }), { maxLength: 6 }),
    fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', ''),
    fc.constantFrom('hello', 'hello', '', '5\r\nhello\r\n0\r\n\r\n', 'helloPOST / HTTP/1.1\r\n'),
  )
  .map(([start, end, headers, blank, body]) =>
    Buffer.from(start + end + headers.join('') + blank + body, 'latin1'),
  );

/** Requests that the lane takes if anything does. */
export const simpleRequest: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.constantFrom('/', '/eth', '/eth/key0123456789012345678', '/?api_key=a'),
    fc.shuffledSubarray(
      [
        'Accept: */*',
        'X-API-Key: abc',
        'authorization: Bearer x',
        'ORIGIN: http://a',
        'X-Forwarded-For: 1.1.1.1',
        'Connection: close',
        'User-Agent: a (b; c)',
      ],
      { minLength: 0 },
    ),
    fc.string({ unit: 'binary', maxLength: 64 }),
    fc.boolean(),
  )
  .map(([target, headers, text, hostFirst]) => {
    const body = Buffer.from(text);
    const framing = hostFirst
      ? ['Host: a', ...headers, `Content-Length: ${body.length}`]
      : [`content-length:${body.length}`, ...headers, 'host:  a'];
    return Buffer.concat([Buffer.from(`POST ${target} HTTP/1.1\r\n${framing.join('\r\n')}\r\n\r\n`), body]);
  });
