import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { methodName } from './index.ts';
import { scan } from './testing/scan.ts';

const nameOf = (raw: string) => {
  const { accepted, bytes, scan: found } = scan(`{"jsonrpc":"2.0","method":${raw}}`);
  expect(accepted).toBe(true);
  return methodName(bytes, found);
};

test.each([
  '"eth_call"',
  '"eth\\u005fcall"',
  '"\\ud83d\\ude00"',
  '"é\u{1f600}"',
  '"\\ud800"',
  '"\\n\\"\\\\"',
  `"${'x'.repeat(200)}"`,
])('reads %s as JSON.parse does, each time', (raw) => {
  for (let time = 0; time < 2; time++) expect(nameOf(raw)).toBe(JSON.parse(raw));
});

test('names never get mixed up, however many there are', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ minLength: 1, maxLength: 20, unit: 'binary' }), { minLength: 1, maxLength: 200 }),
      (names) => {
        for (const name of [...names, ...names]) expect(nameOf(JSON.stringify(name))).toBe(name);
      },
    ),
    { numRuns: 50 },
  );
});

test('a scan without a method has no name', () => {
  const { bytes, scan: found } = scan('{}');
  expect(methodName(bytes, found)).toBe('');
});
