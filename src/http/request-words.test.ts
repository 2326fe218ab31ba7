import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { refusedPeerOf, wordsOf } from './request-words.ts';

const incoming = (url: string | undefined, headers: IncomingHttpHeaders = {}): IncomingMessage =>
  ({ url, headers }) as IncomingMessage;

describe('the target', () => {
  it.each([
    ['/eth?x', '/eth?x'],
    ['http://host/eth?x', '/eth?x'],
    ['HTTPS://host:8545/', '/'],
    ['http://host', '/'],
    ['http://host?x=/y', '/?x=/y'],
    ['http://user@host/eth', '/eth'],
    // No request of ours: left as it is, for whoever routes it to refuse.
    ['*', '*'],
    ['host:443', 'host:443'],
    ['ftp://host/eth', 'ftp://host/eth'],
    ['http:///eth', 'http:///eth'],
    [undefined, '/'],
  ])('%s is that of %s', (url, target) => {
    expect(wordsOf(incoming(url)).target).toBe(target);
  });
});

describe('what a request says of its caller', () => {
  const headers = {
    'x-api-key': 'k',
    authorization: 'Bearer b',
    origin: 'https://a.example',
    'x-forwarded-for': ['192.0.2.1', '192.0.2.2'] as unknown as string,
    forwarded: 'for=192.0.2.3',
    'x-request-id': 'r',
    'content-encoding': 'gzip',
  };

  it('is taken word for word, several of one name in order', () => {
    expect(wordsOf(incoming('/', headers))).toEqual({
      ...{ target: '/', apiKey: 'k', authorization: 'Bearer b', origin: 'https://a.example' },
      ...{ forwardedFor: '192.0.2.1, 192.0.2.2', forwarded: 'for=192.0.2.3' },
      ...{ requestId: 'r', contentEncoding: 'gzip' },
    });
  });

  it('is without its key where HTTP refuses it', () => {
    expect(refusedPeerOf(incoming('/', headers), '192.0.2.9')).toEqual({
      ...{ address: '192.0.2.9', lane: 'fallback', origin: 'https://a.example' },
      ...{ forwardedFor: '192.0.2.1, 192.0.2.2', forwarded: 'for=192.0.2.3' },
    });
  });
});
