import { createHash, randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  digestOfKey,
  digestOfSha256,
  hashKey,
  isKeyText,
  keyPrefix,
  looksLikeKey,
  newApiKey,
  parseApiKey,
  sha256Prefix,
} from './api-key.ts';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const keys = fc
  .infiniteStream(fc.uint8Array({ minLength: 32, maxLength: 32 }))
  .map((stream) => newApiKey(() => stream.next().value));

describe('newApiKey', () => {
  it('has the published form', () => {
    expect(newApiKey(randomBytes)).toMatch(/^pp_live_[0-9A-Za-z]{22}[0-9A-Za-z]{6}$/);
  });

  it('is made of the randomness passed in and nothing else', () => {
    let next = 0;
    const key = newApiKey((size) => Uint8Array.from({ length: size }, () => next++));
    expect(key.slice(8, 30)).toBe('0123456789ABCDEFGHIJKL');
  });

  it('passes over bytes that would favour some characters', () => {
    const blocks = [new Uint8Array(32).fill(255), new Uint8Array(32).fill(248), new Uint8Array(32).fill(247)];
    expect(newApiKey(() => blocks.shift() ?? new Uint8Array(32)).slice(8, 30)).toBe('z'.repeat(22));
  });

  it('draws every character about as often', () => {
    const counts = new Map<string, number>();
    for (let i = 0; i < 3000; i += 1) {
      for (const char of newApiKey(randomBytes).slice(8, 30)) counts.set(char, (counts.get(char) ?? 0) + 1);
    }
    const expected = (3000 * 22) / 62;
    const chiSquare = alphabet
      .split('')
      .map((char) => ((counts.get(char) ?? 0) - expected) ** 2 / expected)
      .reduce((sum, term) => sum + term, 0);
    // 61 degrees of freedom: 140 is passed once in ten million runs.
    expect(chiSquare).toBeLessThan(140);
  });
});

describe('parseApiKey', () => {
  it('takes back every key that was made', () => {
    fc.assert(
      fc.property(keys, (key) => {
        expect(parseApiKey(key)).toEqual({ prefix: key.slice(8, 16), secret: key.slice(8, 30) });
        expect(keyPrefix(key)).toBe(key.slice(8, 16));
        expect(isKeyText(key) && looksLikeKey(key)).toBe(true);
      }),
    );
  });

  it('refuses a key with one character changed or two swapped', () => {
    fc.assert(
      fc.property(keys, fc.nat(27), fc.constantFrom(...alphabet.split('')), (key, at, char) => {
        const i = at + 8;
        const changed = key.slice(0, i) + char + key.slice(i + 1);
        expect(parseApiKey(changed) === undefined).toBe(changed !== key);
        const swapped = key.slice(0, i) + (key[i + 1] ?? '') + (key[i] ?? '') + key.slice(i + 2);
        expect(parseApiKey(swapped) === undefined).toBe(swapped !== key);
      }),
    );
  });

  it('refuses anything else without throwing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), (text) => {
        expect(parseApiKey(text)).toBeUndefined();
      }),
    );
  });

  it('keeps reading the keys of earlier versions', () => {
    expect(parseApiKey('pp_live_0123456789ABCDEFGHIJKL1wbyZZ')?.prefix).toBe('01234567');
  });
});

describe('hashKey', () => {
  it('is SHA-256 of the UTF-8 text, in both forms', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const expected = createHash('sha256').update(text, 'utf8').digest();
        expect(Buffer.from(hashKey(text)).equals(expected)).toBe(true);
        expect(digestOfKey(text)).toBe(digestOfSha256(expected));
        expect(digestOfKey(text)).toHaveLength(32);
      }),
    );
  });
});

describe('keyPrefix', () => {
  it('names a key of another form by its hash, whether the text or the hash is known', () => {
    const key = 'sk_live_vendor-key-0123456789';
    expect(keyPrefix(key)).toMatch(/^[0-9a-f]{8}$/);
    expect(keyPrefix(key)).toBe(sha256Prefix(hashKey(key)));
    expect(key).not.toContain(keyPrefix(key));
  });
});

describe('looksLikeKey', () => {
  it.each([
    ['pp_live_tooShort', true],
    ['a'.repeat(22), true],
    ['6f1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9', true],
    ['a'.repeat(257), false],
    ['a'.repeat(21), false],
    ['mainnet', false],
    ['', false],
    [`${'a'.repeat(22)}%20`, false],
    [`${'a'.repeat(21)}é`, false],
  ])('%s: %s', (segment, expected) => {
    expect(looksLikeKey(segment)).toBe(expected);
  });
});
