import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A text and whether it is JSON. Latin1: one character a byte. */
export interface JsonCase {
  name: string;
  text: string;
  valid: boolean;
}

/** The files of a JSONTestSuite folder that parsers must accept (`y_`) or refuse (`n_`); none where it is not there. */
export function readJsonTestSuite(folder: string): JsonCase[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((name) => /^[yn]_.*\.json$/.test(name));
  return files.toSorted().map((name) => ({
    name,
    text: readFileSync(join(folder, name), 'latin1'),
    valid: name.startsWith('y_'),
  }));
}

/** Is it JSON, in strict UTF-8? Decided by the engine's own parser, which has nothing of ours. */
export function isJson(text: string): boolean {
  try {
    JSON.parse(
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(text, 'latin1')),
    );
    return true;
  } catch {
    return false;
  }
}

const rich = Buffer.from(
  '{"a":[1,-0,2.5e+3,0.1E-2,1e5],"":{"nested":[[],{},[{}]]},"s":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00 é€😀","t":true,"f":false,"n":null}',
).toString('latin1');

/** What goes wrong in UTF-8: overlong forms, surrogates, too large, cut short, lone. Unicode 16, table 3-7. */
const badUtf8 = [
  'c080',
  'c1bf',
  'e08080',
  'e09fbf',
  'eda080',
  'edbfbf',
  'f0808080',
  'f08fbfbf',
  'f4908080',
  'f5808080',
  'f8888080',
  'fe',
  'ff',
  '80',
  'bf',
  'c2',
  'c220',
  'e282',
  'e28220',
  'f09f98',
  'f09f9820',
  'e2c2ac',
  'f09fc280',
].map((hex) => Buffer.from(hex, 'hex').toString('latin1'));
const goodUtf8 = [
  'c280',
  'dfbf',
  'e0a080',
  'ed9fbf',
  'ee8080',
  'efbfbf',
  'efbbbf',
  'f0908080',
  'f48fbfbf',
].map((hex) => Buffer.from(hex, 'hex').toString('latin1'));

/**
 * A corpus of our own, the same in each run: numbers, strings and structures written every way; a rich text cut at each
 * byte; each of its bytes replaced, and each byte value put where it matters.
 */
export function ownJsonCases(): JsonCase[] {
  const named: [string, string][] = [];
  const add = (name: string, ...texts: string[]) =>
    texts.forEach((text, index) => named.push([`${name} ${index}`, text]));
  const control = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));

  add(
    'numbers',
    '0',
    '-0',
    '10',
    '-1',
    '1.0',
    '1e400',
    '-1E+2',
    '1e-2',
    '123456789012345678901234567890',
    '0.000',
    '0e0',
  );
  add(
    'not numbers',
    '-',
    '+1',
    '01',
    '-01',
    '1.',
    '.1',
    '1e',
    '1e+',
    '1.e1',
    '0x1',
    '1_0',
    'NaN',
    'Infinity',
    '--1',
    '1-',
    '1 2',
    '1,',
  );
  add('literals', 'true', 'false', 'null', 'True', 'nul', 'nulll', 'truefalse', 'undefined', 'None');
  add(
    'strings',
    '""',
    '"\\u0000"',
    '"\\uD800"',
    '"\\"',
    '"\\x"',
    '"\\u12"',
    '"\\u12G4"',
    '"\\U0041"',
    '"a',
    'a"',
    "'a'",
    '"\\\n"',
  );
  add(
    'structures',
    '[]',
    '{}',
    '[[]]',
    '[{}]',
    '{"a":{}}',
    '[,]',
    '[1,]',
    '[1 1]',
    '{,}',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{a:1}',
    '{1:1}',
  );
  add('unbalanced', '[', ']', '{', '}', '[}', '{]', '[[]', '[]]', '{}}', '{"a":1', '["a"', '[1', '{"a":[}');
  add(
    'around',
    ' []',
    '[] ',
    '\t\r\n[]\r\n\t',
    '\v[]',
    '[]\f',
    '\u00a0[]',
    '[]x',
    '[] []',
    '[],',
    '//\n[]',
    '[]/**/',
    '[]#',
    '',
  );
  add('equal keys', '{"a":1,"a":2}', '{"a":1,"a":1}', '{"__proto__":1,"constructor":[],"toString":{}}');
  add(
    'bad UTF-8',
    ...badUtf8.flatMap((bytes) => [
      `["${bytes}"]`,
      `{"${bytes}":1}`,
      `["abcdefghijklmnopqrstuvwxyz${bytes}"]`,
      `[${bytes}]`,
    ]),
  );
  add(
    'good UTF-8',
    ...goodUtf8.flatMap((bytes) => [
      `["${bytes}"]`,
      `{"${bytes}":1}`,
      `["abcdefghijklmnopqrstuvwxyz${bytes}"]`,
    ]),
  );
  add('byte in a string', ...control.map((byte) => `["a${byte}b"]`));
  add('escaped byte', ...control.map((byte) => `["\\${byte}1234"]`));
  add('byte between values', ...control.map((byte) => `[1${byte},2]`));
  add('cut', ...Array.from({ length: rich.length }, (_, length) => rich.slice(0, length)));
  add('one byte less', ...Array.from(rich, (_, at) => rich.slice(0, at) + rich.slice(at + 1)));
  add('a byte twice', ...Array.from(rich, (byte, at) => rich.slice(0, at) + byte + rich.slice(at)));
  add('a quote instead', ...Array.from(rich, (_, at) => `${rich.slice(0, at)}"${rich.slice(at + 1)}`));
  add('deep', ...[1, 2, 30, 60].map((depth) => '['.repeat(depth) + ']'.repeat(depth)));
  return named.map(([name, text]) => ({ name, text, valid: isJson(text) }));
}
