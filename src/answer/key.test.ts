import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Caller, callText } from './testing/caller.ts';
import { keyOf, lastKey, seedFor } from './key.ts';

function keyFor(method: string, params?: string): string {
  const { bytes, paramsStart, paramsEnd, method: name } = new Caller(callText('1', method, params));
  return keyOf(name, bytes, paramsStart, paramsEnd);
}

const methods = fc.oneof(
  fc.constantFrom('eth_call', 'a', '[]', '-', '[]a', '{}', '-a', '[1]'),
  fc.string({ unit: 'grapheme-ascii' }),
);
const params = fc.option(
  fc.oneof(
    fc.constantFrom<unknown[]>(
      [],
      [1],
      ['1'],
      ['a b'],
      ['a  b'],
      [[], []],
      [{ a: 1, b: 2 }],
      [{ b: 2, a: 1 }],
    ),
    fc.array(fc.jsonValue({ maxDepth: 2 })),
  ),
  { nil: undefined },
);
const spaces = fc.infiniteStream(fc.constantFrom('', '', ' ', '\n', '\t\r '));

/** The same JSON with white space wherever it may stand. */
function spread(text: string, space: Iterator<string>): string {
  const pieces = text.match(/"(?:[^"\\]|\\.)*"|[[\]{},:]|[^[\]{},:"]+/g) ?? [];
  return pieces.map((piece) => `${piece}${space.next().value}`).join('');
}

const latin1 = (text: string): string => Buffer.from(text).toString('latin1');

test('white space outside strings makes no other key', () => {
  fc.assert(
    fc.property(methods, params, spaces, (method, value, space) => {
      fc.pre(value !== undefined && method.length > 0);
      const text = latin1(JSON.stringify(value));
      expect(keyFor(method, spread(text, space))).toBe(keyFor(method, text));
    }),
  );
});

test('another method, or params that read otherwise, make another key', () => {
  fc.assert(
    fc.property(methods, params, methods, params, (method, value, other, otherValue) => {
      const text = value && latin1(JSON.stringify(value));
      const otherText = otherValue && latin1(JSON.stringify(otherValue));
      fc.pre(method !== '' && other !== '');
      expect(keyFor(method, text) === keyFor(other, otherText)).toBe(method === other && text === otherText);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  ['no params and empty ones', undefined, '[]'],
  ['letters in another case', '["0xAB"]', '["0xab"]'],
  ['members in another order', '[{"a":1,"b":2}]', '[{"b":2,"a":1}]'],
  ['a number written otherwise', '[1.0]', '[1]'],
  ['white space in a string', '["a b"]', '["ab"]'],
  ['an escaped quote before white space', String.raw`["a\" b"]`, String.raw`["a\"b"]`],
])('%s make another key', (_, one, other) => {
  expect(keyFor('eth_call', one)).not.toBe(keyFor('eth_call', other));
});

test('params longer than any before', () => {
  const long = JSON.stringify(['x y'.repeat(20_000)]);
  expect(keyFor('eth_call', ` ${long}`)).toBe(`${long}eth_call`);
});

test('one key has one hash, whatever its white space, and others for other methods and seeds', () => {
  const hashFor = (method: string, text: string, seed = 7): number => {
    const { bytes, paramsStart, paramsEnd } = new Caller(callText('1', method, text));
    keyOf(method, bytes, paramsStart, paramsEnd, seedFor(method, seed));
    return lastKey.hash;
  };
  fc.assert(
    fc.property(params, spaces, (value, space) => {
      fc.pre(value !== undefined);
      const text = latin1(JSON.stringify(value));
      expect(hashFor('m', spread(text, space))).toBe(hashFor('m', text));
    }),
  );
  const addresses = Array.from(
    { length: 10_000 },
    (_, n) => `["0x${n.toString(16).padStart(40, '0')}","latest"]`,
  );
  const hashes = new Set(addresses.map((text) => hashFor('eth_getBalance', text)));
  // Of 10,000 in 2^30 places some 0.05 meet.
  expect(hashes.size).toBeGreaterThan(9_995);
  expect(hashFor('eth_getCode', addresses[0]!)).not.toBe(hashFor('eth_getBalance', addresses[0]!));
  expect(hashFor('eth_getCode', addresses[0]!, 8)).not.toBe(hashFor('eth_getCode', addresses[0]!));
});
