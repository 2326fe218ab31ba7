import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { readPlainYaml } from './plain-yaml.ts';
import { plainScalar } from './scalar.ts';

/** As the library reads it, or undefined where it sees anything wrong. */
function byLibrary(text: string): unknown {
  const document = parseDocument(text, { schema: 'core', uniqueKeys: true });
  if (document.errors.length > 0 || document.warnings.length > 0) return undefined;
  return document.toJS() as unknown;
}

function agrees(text: string): boolean {
  const plain = readPlainYaml(text);
  if (plain === undefined) return false;
  expect({ text, value: plain }).toEqual({ text, value: byLibrary(text) });
  return true;
}

const scalar = fc.oneof(
  fc.constantFrom(
    'a',
    'eth_call',
    'null',
    'true',
    'False',
    '~',
    '1',
    '-1',
    '0x1f',
    '0o17',
    '1.5',
    '1e3',
    '.5',
    '.inf',
    '5s',
  ),
  fc.constantFrom(
    '"quoted"',
    "'single'",
    '"a: b # c"',
    'a b c',
    'http://x:1/y?z#w',
    '10.0.0.0/8',
    '2027-01-01',
    '*',
    'a*',
    '-',
    '- a',
  ),
  fc.constantFrom(
    '{ a: 1, b: x }',
    '[1, 2]',
    '[]',
    '{}',
    '{a: {b: [c, "d"]}}',
    '{ a: b',
    '[a,, b]',
    '[a, ]',
    '{ a: , b: 1 }',
    '{a:b}',
    '[a b, c]',
  ),
  fc.constantFrom(
    'a: b',
    'a #b',
    'a#b',
    '#c',
    '"a" b',
    '|',
    '>',
    '&x',
    '!t',
    '%',
    '@a',
    '`',
    'key: ',
    'x:',
    ':x',
    '\u00e9',
    '"\\n"',
    "'it''s'",
  ),
  fc.string({ maxLength: 8 }),
);
const indent = fc.nat(3).map((n) => ' '.repeat(n * 2));
const line = fc.oneof(
  fc
    .tuple(indent, fc.constantFrom('a', 'b', 'keys', 'eth_*', 'n1'), scalar)
    .map(([i, k, v]) => `${i}${k}: ${v}`),
  fc.tuple(indent, fc.constantFrom('a', 'c', 'keys', 'null', '1')).map(([i, k]) => `${i}${k}:`),
  fc.tuple(indent, scalar).map(([i, v]) => `${i}- ${v}`),
  fc.tuple(indent, fc.constantFrom('a', 'b'), scalar).map(([i, k, v]) => `${i}- ${k}: ${v}`),
  fc.tuple(indent, scalar).map(([i, v]) => `${i}${v}`),
  fc.constantFrom('', '   ', '# c', '    # c', '---', '...', '\t', '-', '  -'),
);

describe('plain YAML', () => {
  it('agrees with the library on what it reads', () => {
    let read = 0;
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
        if (agrees(lines.join('\n'))) read += 1;
      }),
      { numRuns: 5000 },
    );
    expect(read).toBeGreaterThan(100);
  });

  it('reads a good part of well-made text', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd');
    const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
      any: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom('x', 'y z', 1, true, null, '10s'),
        tie('list'),
        tie('map'),
      ),
      list: fc.array(tie('any'), { maxLength: 3 }),
      map: fc.dictionary(name, tie('any'), { maxKeys: 3 }),
    })).any;
    fc.assert(
      fc.property(fc.dictionary(name, value, { minKeys: 1, maxKeys: 4 }), (config) => {
        const text = JSON.stringify(config)
          .replaceAll('":', '": ')
          .replaceAll(/"(\w+)":/g, '$1:');
        expect(agrees(`top: ${text}\n`)).toBe(true);
      }),
    );
  });

  it.each([
    'a: &x 1',
    'a: *x',
    'a: !!str 1',
    'a: |\n  b',
    'a: "\\u0041"',
    'a: 1\na: 2',
    '__proto__: 1',
    'a:\n\tb: 1',
    '--- \na: 1',
    'a: b\n  c',
    'a: [1,\n 2]',
    'a: ${X}',
  ])('gives up %j', (text) => {
    expect(readPlainYaml(text, () => undefined)).toBeUndefined();
  });

  it.each([
    '0',
    '-0',
    '+1',
    '00',
    '0o7',
    '0o8',
    '0xF',
    '1.',
    '.1',
    '1.e1',
    '1e',
    '+.5',
    '.',
    '-.inf',
    '.nan',
    '.NaN',
    'nan',
    'inf',
    'yes',
    'no',
    'TRUE',
    'tRue',
    'Null',
    'nulll',
    '1_000',
    '1:2',
    '12e03',
    '0b1',
  ])('types the scalar %s as the library does', (text) => {
    expect(plainScalar(text)).toEqual(byLibrary(text));
  });

  it('takes known entries of keys from the memo, and nothing else', () => {
    const entries = new Map<string, object>();
    const memo = {
      get: (text: string) => entries.get(text),
      read: (entry: object, text: string) => void entries.set(text, { known: entry }),
    };
    const text = (b: number, tail = ''): string =>
      `keys:\n  - name: a\n    key: x\n\n  # of b\n  - name: b\n    limits:\n      - ${b}\n  - { name: c }\n${tail}other:\n  keys:\n    - name: a\n`;
    const first = readPlainYaml(text(1), undefined, memo);
    expect(first).toEqual(byLibrary(text(1)));
    expect(entries.size).toBe(3);
    const second = readPlainYaml(text(2, '# end\n'), undefined, memo);
    expect(second).toEqual({
      keys: [{ known: { name: 'a', key: 'x' } }, { name: 'b', limits: [2] }, { name: 'c' }],
      other: { keys: [{ name: 'a' }] },
    });
  });
});
