import fc from 'fast-check';

/** JSON text of ids, latin1: what a caller may send as one, in every way of writing it. */
const digits = (constraints: { minLength: number; maxLength: number }) =>
  fc.string({ ...constraints, unit: fc.constantFrom(...'0123456789') });

const integer = fc.oneof(
  fc.constantFrom(
    '0',
    '-0',
    '1',
    '-1',
    '9007199254740991',
    '9007199254740992',
    '9007199254740993',
    '-9007199254740993',
  ),
  fc.constantFrom('18446744073709551615', '18446744073709551616', '340282366920938463463374607431768211456'),
  fc.integer().map(String),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
  fc
    .tuple(
      fc.constantFrom('', '-'),
      fc.constantFrom(...'123456789'),
      digits({ minLength: 0, maxLength: 400 }),
    )
    .map((parts) => parts.join('')),
);

const number = fc.oneof(
  integer,
  fc.constantFrom(
    '1.0',
    '1e400',
    '-1e400',
    '1e-400',
    '0.0',
    '-0.0',
    '0e0',
    '1E5',
    '1e+5',
    '1.50',
    '100e-2',
    '5e-324',
  ),
  fc
    .tuple(
      integer,
      fc.option(
        digits({ minLength: 1, maxLength: 30 }).map((text) => `.${text}`),
        { nil: '' },
      ),
      fc.option(
        fc
          .tuple(
            fc.constantFrom('e', 'E'),
            fc.constantFrom('', '+', '-'),
            digits({ minLength: 1, maxLength: 5 }),
          )
          .map((parts) => parts.join('')),
        { nil: '' },
      ),
    )
    .map((parts) => parts.join('')),
);

const hex = fc.constantFrom(...'0123456789abcdefABCDEF');
const piece = fc.oneof(
  fc.constantFrom(
    '\\"',
    '\\\\',
    '\\/',
    '\\b',
    '\\f',
    '\\n',
    '\\r',
    '\\t',
    '\\u0000',
    '\\u2028',
    '\\ud83d\\ude00',
  ),
  // A lone surrogate is a string by the grammar.
  fc.constantFrom('\\ud800', '\\udc00', '\\uDBFF', '\u007f', '/', '\u2028', '\u2029', '\ufeff', '\u{10ffff}'),
  fc.string({ unit: hex, minLength: 4, maxLength: 4 }).map((text) => `\\u${text}`),
  fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => JSON.stringify(text).slice(1, -1)),
  fc.string({ unit: 'binary', maxLength: 12 }).map((text) => JSON.stringify(text).slice(1, -1)),
  fc.constantFrom(',"id":7', '}', ']', '[{', '"jsonrpc"'.replaceAll('"', '\\"'), ' ', 'x'.repeat(300)),
);
const string = fc
  .array(piece, { maxLength: 8 })
  .map((pieces) => pieces.join('').replaceAll(/(?<!\\)((?:\\\\)*)"/g, '$1\\"'))
  .map((inside) => `"${inside}"`);

const id = fc.oneof(
  { weight: 4, arbitrary: number },
  { weight: 5, arbitrary: string.filter(isJson) },
  { weight: 1, arbitrary: fc.constant('null') },
);

/** The same `count` ids in each run. */
export function generatedIds(count: number, seed: number): string[] {
  return fc.sample(id, { numRuns: count, seed }).map((text) => Buffer.from(text).toString('latin1'));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
