import { expect, test } from 'vitest';
import { describeFault, scanBatch } from './index.ts';
import { place, scan } from './testing/scan.ts';

test.each([
  [
    '{"jsonrpc":"2.0",\n "id":1,\n "method" "m"}',
    'parse_error',
    3,
    11,
    'expected ":" after a member name, found \'"\'',
  ],
  ['{"a":"é\u{1f600}",}', 'parse_error', 1, 11, "expected a member name in double quotes, found '}'"],
  ['', 'parse_error', 1, 1, 'the text ends too early'],
  ['{"a":1', 'parse_error', 1, 7, 'the text ends too early'],
  ['[1 2]', 'parse_error', 1, 4, 'expected "," or a closing bracket, found \'2\''],
  ['"\x01"', 'parse_error', 1, 2, 'control characters in a string must be escaped, found byte 0x01'],
  ['\ufeff{}', 'parse_error', 1, 1, 'expected a value, found byte 0xef'],
  ['{} x', 'parse_error', 1, 4, "expected the end after the value, found 'x'"],
  [
    '{"jsonrpc":"2.0","Method":"m"}',
    'invalid_request',
    1,
    18,
    'this member must be in lower case and without escapes',
  ],
  [
    '{"jsonrpc":"2.0",\r\n"method":5}',
    'invalid_request',
    2,
    10,
    '"method" must be a string of 1 to 256 bytes',
  ],
  ['5', 'invalid_request', 1, 1, 'a call must be an object'],
  ['['.repeat(65), 'invalid_request', 1, 65, 'nested deeper than 64'],
])('%j: %s at %d:%d', (text, refusal, line, column, what) => {
  const { bytes, scan: found } = scan(text);
  expect(describeFault(bytes, found)).toMatchObject({ refusal, line, column, what });
});

test('counts from the start of the body, in a batch too', () => {
  const text = '[5,\n{}]';
  const { bytes, from, to } = place(text);
  const batch = scanBatch(bytes, from, to, 10);
  if (!('items' in batch)) throw new Error('refused');
  expect(batch.items.map((item) => describeFault(bytes, item))).toMatchObject([
    { at: 1, line: 1, column: 2 },
    { at: 4, line: 2, column: 1 },
  ]);
  const empty = scanBatch(Buffer.from('[]'), 0, 2, 10);
  if ('items' in empty) throw new Error('accepted');
  expect(describeFault(Buffer.from('[]'), empty)).toMatchObject({
    refusal: 'invalid_request',
    what: 'the batch is empty',
  });
});
