import * as fc from 'fast-check';

/** One request of a stream, as text, and whether the lane serves it by itself. */
interface Sent {
  text: string;
  simple: boolean;
}

const targets = fc.constantFrom('/', '/eth', '/eth/key0123456789012345678', '/?api_key=a', '/a%20b');
const body = fc.string({ unit: 'binary', maxLength: 80 }).map((text) => Buffer.from(text).toString('latin1'));
const largeBody = fc.integer({ min: 1, max: 200_000 }).map((length) => 'x'.repeat(length));

const simple: fc.Arbitrary<Sent> = fc
  .record({
    target: targets,
    headers: fc.shuffledSubarray([
      'Accept: */*',
      'X-API-Key: abc',
      'authorization: Bearer x',
      'X-Forwarded-For: 1.1.1.1, 2.2.2.2',
      'Connection: keep-alive',
      'X-Request-Id: mine',
      `User-Agent: ${'u'.repeat(200)}`,
    ]),
    body: fc.oneof({ weight: 12, arbitrary: body }, { weight: 1, arbitrary: largeBody }),
  })
  .map(({ target, headers, body }) => ({
    text: `POST ${target} HTTP/1.1\r\n${['Host: a', ...headers, `Content-Length: ${body.length}`].join('\r\n')}\r\n\r\n${body}`,
    simple: true,
  }));

const other: fc.Arbitrary<Sent> = fc
  .tuple(
    fc.constantFrom(
      (text: string) =>
        `POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${text.length === 0 ? '' : `${text.length.toString(16)};x=y\r\n${text}\r\n`}0\r\n\r\n`,
      () => 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n',
      () => 'HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n',
      (text: string) => `POST / HTTP/1.1\r\nHost:\ta\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
      (text: string) =>
        `PUT /p HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(9000)}\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
      (text: string) =>
        `POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
    ),
    body,
  )
  .map(([build, text]) => ({ text: build(text), simple: false }));

const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 });

/** A connection's whole stream of requests and the pieces it is sent in. */
export interface RequestStream {
  pieces: Buffer[];
  requests: number;
  /** Places of those to HEAD. */
  bodiless: number[];
  /** Of them, those before the first that the lane leaves to node:http. */
  simple: number;
}

function cutUp(sent: Sent[], places: number[]): RequestStream {
  const bytes = Buffer.from(sent.map(({ text }) => text).join(''), 'latin1');
  const at = [0, ...places.map((place) => Math.floor(place * bytes.length)), bytes.length].sort(
    (one, other) => one - other,
  );
  const pieces = at.slice(1).map((to, k) => bytes.subarray(at[k], to));
  const firstOther = sent.findIndex((each) => !each.simple);
  return {
    pieces: pieces.filter((piece) => piece.length > 0),
    requests: sent.length,
    bodiless: sent.flatMap(({ text }, place) => (text.startsWith('HEAD') ? [place] : [])),
    simple: firstOther < 0 ? sent.length : firstOther,
  };
}

/** Streams that the lane serves to their end. */
export const simpleStream: fc.Arbitrary<RequestStream> = fc
  .tuple(fc.array(simple, { minLength: 1, maxLength: 12 }), cuts)
  .map(([sent, places]) => cutUp(sent, places));

/** Streams with a request somewhere in them that is not the lane's, and more behind it. */
export const mixedStream: fc.Arbitrary<RequestStream> = fc
  .tuple(fc.array(simple, { maxLength: 5 }), other, fc.array(fc.oneof(simple, other), { maxLength: 5 }), cuts)
  .map(([before, first, behind, places]) => cutUp([...before, first, ...behind], places));
