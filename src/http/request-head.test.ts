import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  HEAD_COMPLETE,
  HEAD_INCOMPLETE,
  HEAD_NOT_SIMPLE,
  RequestHead,
  readRequestHead,
} from './request-head.ts';
import { hostileRequest, simpleRequest } from './testing/heads.ts';
import { createOracle } from './testing/oracle.ts';

const head = new RequestHead();
const read = (text: string): number => {
  const bytes = Buffer.from(text, 'latin1');
  return readRequestHead(bytes, 0, bytes.length, head);
};
const slice = (bytes: Buffer, start: number, end: number): string | undefined =>
  start < 0 ? undefined : bytes.toString('latin1', start, end);

describe('what the lane takes', () => {
  it('reads a plain request', () => {
    const text = 'POST /eth HTTP/1.1\r\nHost: a\r\nX-Api-Key: k\r\ncontent-length: 12\r\n\r\n';
    expect(read(text)).toBe(HEAD_COMPLETE);
    const bytes = Buffer.from(text);
    expect(slice(bytes, head.targetStart, head.targetEnd)).toBe('/eth');
    expect(slice(bytes, head.apiKeyStart, head.apiKeyEnd)).toBe('k');
    expect(head).toMatchObject({ contentLength: 12, keepAlive: true, end: text.length, originStart: -1 });
  });

  it('says at every byte of a plain request that more must come', () => {
    const text = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n';
    for (let length = 0; length < text.length; length++)
      expect(read(text.slice(0, length))).toBe(HEAD_INCOMPLETE);
  });

  const kept = [
    ...['Origin', 'X-Api-Key', 'Forwarded', 'Connection', 'X-Request-Id', 'Authorization'],
    ...['Content-Length', 'X-Forwarded-For'],
  ];
  it.each(kept)('a header as long as %s is another one', (name) => {
    const other = 'Q'.repeat(name.length);
    expect(
      read(`POST / HTTP/1.1\r\nHost: a\r\n${other}: close\r\n${other}: x\r\nContent-Length: 3\r\n\r\n`),
    ).toBe(HEAD_COMPLETE);
    const {
      originStart,
      apiKeyStart,
      forwardedStart,
      forwardedForStart,
      requestIdStart,
      authorizationStart,
    } = head;
    expect([
      originStart,
      apiKeyStart,
      forwardedStart,
      forwardedForStart,
      requestIdStart,
      authorizationStart,
    ]).toEqual(Array.from({ length: 6 }, () => -1));
    expect(head).toMatchObject({ contentLength: 3, keepAlive: true });
  });

  it.each(kept)('%s twice is not for it to choose from', (name) => {
    const value = name === 'Content-Length' ? '3' : 'close';
    const length = name === 'Content-Length' ? '' : 'Content-Length: 3\r\n';
    const once = `${name}: ${value}\r\n`;
    expect(read(`POST / HTTP/1.1\r\nHost: a\r\n${once}${length}\r\n`)).toBe(HEAD_COMPLETE);
    expect(read(`POST / HTTP/1.1\r\nHost: a\r\n${once}${length}${once}\r\n`)).toBe(HEAD_NOT_SIMPLE);
  });

  it.each([
    ['another method', 'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n'],
    ['HTTP/1.0', 'POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 0\r\n\r\n'],
    ['no Host', 'POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n'],
    ['two Hosts', 'POST / HTTP/1.1\r\nHost: a\r\nHost: a\r\nContent-Length: 0\r\n\r\n'],
    ['no length', 'POST / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n'],
    ['a length in a list', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5,5\r\n\r\n'],
    ['a signed length', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n'],
    [
      'a transfer coding',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
    ],
    ['Expect', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n'],
    ['an upgrade', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nUpgrade: websocket\r\n\r\n'],
    [
      'Proxy-Connection',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nProxy-Connection: close\r\n\r\n',
    ],
    ['a folded line', 'POST / HTTP/1.1\r\nHost: a\r\n b\r\nContent-Length: 0\r\n\r\n'],
    ['a bare LF', 'POST / HTTP/1.1\nHost: a\r\nContent-Length: 0\r\n\r\n'],
    ['a space before the colon', 'POST / HTTP/1.1\r\nHost : a\r\nContent-Length: 0\r\n\r\n'],
    ['a tab', 'POST / HTTP/1.1\r\nHost:\ta\r\nContent-Length: 0\r\n\r\n'],
    ['a trailing space', 'POST / HTTP/1.1\r\nHost: a \r\nContent-Length: 0\r\n\r\n'],
    ['a byte beyond ASCII', 'POST / HTTP/1.1\r\nHost: a\r\nX: \xe9\r\nContent-Length: 0\r\n\r\n'],
    ['an absolute target', 'POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n'],
    [
      'an API key there twice',
      'POST / HTTP/1.1\r\nHost: a\r\nX-API-Key: a\r\nx-api-key: b\r\nContent-Length: 0\r\n\r\n',
    ],
    [
      'a compressed body',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n',
    ],
    ['a big head', `POST / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(9000)}\r\nContent-Length: 0\r\n\r\n`],
  ])('leaves %s to node:http', (_what, text) => {
    expect(read(text)).toBe(HEAD_NOT_SIMPLE);
  });
});

describe('beside node:http', () => {
  let oracle: Awaited<ReturnType<typeof createOracle>>;
  beforeAll(async () => {
    oracle = await createOracle();
  });
  afterAll(() => oracle.close());

  async function agrees(bytes: Buffer): Promise<boolean> {
    if (readRequestHead(bytes, 0, bytes.length, head) !== HEAD_COMPLETE) return false;
    if (head.end + head.contentLength > bytes.length) return false;
    const mine = {
      target: slice(bytes, head.targetStart, head.targetEnd),
      apiKey: slice(bytes, head.apiKeyStart, head.apiKeyEnd),
      authorization: slice(bytes, head.authorizationStart, head.authorizationEnd),
      origin: slice(bytes, head.originStart, head.originEnd),
      forwardedFor: slice(bytes, head.forwardedForStart, head.forwardedForEnd),
      forwarded: slice(bytes, head.forwardedStart, head.forwardedEnd),
      requestId: slice(bytes, head.requestIdStart, head.requestIdEnd),
      body: bytes.toString('latin1', head.end, head.end + head.contentLength),
    };
    const theirs = await oracle.read(bytes.subarray(0, head.end + head.contentLength));
    expect(theirs, bytes.toString('latin1')).not.toBeNull();
    const { headers, target, body, method } = theirs!;
    expect(method).toBe('POST');
    expect(mine).toEqual({
      target,
      apiKey: headers['x-api-key'],
      authorization: headers.authorization,
      origin: headers.origin,
      forwardedFor: headers['x-forwarded-for'],
      forwarded: headers.forwarded,
      requestId: headers['x-request-id'],
      body: body.toString('latin1'),
    });
    return true;
  }

  const runs = process.env.POLYMORPH_TEST_LONG === '1' ? 200_000 : 1500;

  it('takes nothing of hostile requests that node:http reads otherwise', async () => {
    await fc.assert(
      fc.asyncProperty(hostileRequest, async (bytes) => {
        await agrees(bytes);
      }),
      { numRuns: runs },
    );
  });

  it('takes simple requests, and reads them as node:http does', async () => {
    await fc.assert(
      fc.asyncProperty(simpleRequest, async (bytes) => {
        expect(await agrees(bytes)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
