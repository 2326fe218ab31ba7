/** One JSON text, one character a byte (latin1), and whether it is JSON. */
export interface Sample {
  name: string;
  bytes: Uint8Array;
  valid: boolean;
}

const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

const SCALARS = [
  ['0', '-0', '7', '-7', '10', '1.5', '-0.5', '0e0', '1E5', '1e+5', '1e-05', '1.0', '1e400', '-1e-400'],
  ['9007199254740993', '123456789012345678901234567890', '0.1e1', '20e1', '1.25E+3', '-123.0e-2'],
  ['null', 'true', 'false', '""', '"a"', '" "', '"\\""', '"\\\\"', '"\\/"', '"\\b\\f\\n\\r\\t"', '"/"'],
  ['"\\u0000"', '"\\uD834\\udd1e"', '"\\ud800"', '"\\udc00\\ud800"', '"\\uFFFF"', '"\\u0022"', '"\x7f"'],
  ['"é"', '"\u{7ff}\u{800}"', '"\u{ffff}"', '"\u{1f600}"', '"\u{10ffff}"', '"\u2028\u2029"', '"\ufeff"'].map(
    utf8,
  ),
].flat();

const CONTAINERS = [
  ['[]', '{}', '[ ]', '{ }', '[[]]', '[{}]', '[[],[]]', '[1]', '[1,2]', '[1 , 2]', '[null,true,false]'],
  [
    '[""]',
    '[[[[1]]]]',
    '[{"a":[]}]',
    '{"a":1}',
    '{"a":1,"b":2}',
    '{"a":1,"a":2}',
    '{"":0}',
    '{"a":{"b":{}}}',
  ],
  ['{"a":[1,{"b":null}],"c":"d"}', '{"\\u0061":1}', '[\t1,\r\n2 ]', '{ "a" : 1 , "b" : [ ] }', '[1.5e3,"x"]'],
  ['["\\"]"]', '{"}":"{"}', '["[",{"]":"}"}]', `${'['.repeat(60)}${']'.repeat(60)}`],
].flat();

const BROKEN = [
  ['', ' ', '-', '+1', '.5', '5.', '01', '-01', '00', '1e', '1e+', '1.e1', '0x1', '1_0', '1 0', '--1', '1-'],
  ['NaN', 'Infinity', '-Infinity', 'nul', 'nulll', 'Null', 'TRUE', 'tru', 'truee', 'undefined', 'a', "'a'"],
  [
    '"',
    '"a',
    'a"',
    '"\\"',
    '"\\',
    '"\\x41"',
    '"\\u00"',
    '"\\u00g0"',
    '"\\u"',
    '"\\U0041"',
    '"\\a"',
    '"\\\n"',
  ],
  ['"\n"', '"\t"', '"\x00"', '"\x1f"', '"a""b"', '""""', '\x00', '"a"\x00', '\x0c1', '\x0b1', '//', '/**/1'],
  ['[', ']', '[1', '[1,', '[,1]', '[1,]', '[1,,2]', '[1 2]', '[1;2]', '[1}', '[}', '[]]', '[][]', '[1:2]'],
  ['[1,2', '["a"', '["a', '[[]', '[[],', '{', '}', '{]', '{"a"}', '{"a":}', '{"a":1', '{"a":1,', '{"a":1,}'],
  ['{,}', '{"a" 1}', '{"a":1 "b":2}', '{"a":1,,"b":2}', '{a:1}', "{'a':1}", '{1:1}', '{"a"::1}', '{"a":1]'],
  ['{"a":1}}', '{"a":1}{', '{}x', '{null:1}', '{"a":1;"b":2}', '{"a",1}', '{:1}', '{"a":1:2}', '[1]x', '1,'],
  [
    '{"a":[}',
    '{"a":{]',
    '[{]',
    '[1,{"a"]',
    '#',
    '\\u0031',
    '[\\n]',
    '\xef\xbb\xbf{}',
    '\xef\xbb\xbf1',
    '\xff\xfe1',
  ],
  // Bytes that are no UTF-8: alone, overlong, surrogates, beyond U+10FFFF, cut short.
  ['"\x80"', '"\xbf"', '"\xc0\x80"', '"\xc1\xbf"', '"\xe0\x80\x80"', '"\xe0\x9f\xbf"', '"\xed\xa0\x80"'],
  ['"\xed\xbf\xbf"', '"\xf0\x80\x80\x80"', '"\xf4\x90\x80\x80"', '"\xf5\x80\x80\x80"', '"\xff"', '"\xc3"'],
  ['"\xe2\x82"', '"\xf0\x9f\x98"', '"\xc3("', '"\xe2(\xa1"', '["\xc3\xa9","\xe9"]', '{"\xff":1}', '\xc3\xa9'],
  ['\xc2\xa0{}', '{}\xe2\x80\xa8', '[1\xc2\xa0]', '\xe9'],
].flat();

function samples(): Sample[] {
  const found: Sample[] = [];
  const add = (text: string, valid: boolean): void => {
    const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
    found.push({ name: JSON.stringify(shown), bytes: Buffer.from(text, 'latin1'), valid });
  };
  for (const text of [...SCALARS, ...CONTAINERS]) {
    for (const padded of [text, ` ${text}`, `${text}\n`, `\r\n\t${text} \t`]) add(padded, true);
  }
  for (const text of BROKEN) add(text, false);
  // A valid container cut anywhere is broken.
  for (const text of CONTAINERS) for (let end = 1; end < text.length; end++) add(text.slice(0, end), false);
  // Inside others, valid stays valid and broken broken.
  for (const text of SCALARS) add(`{"a":[${text},${text}],"b":${text}}`, true);
  for (const text of BROKEN) if (text.trim() !== '') add(`{"a":[0,${text}]}`, false);
  return found;
}

export const corpus: readonly Sample[] = samples();
