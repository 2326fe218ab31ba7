import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createErrorAnswer,
  describeFault,
  docsBase,
  faultDetail,
  type RefusalCode,
  refusals,
} from './index.ts';
import { scan } from './testing/scan.ts';

const errorAnswer = createErrorAnswer(docsBase);
const codes = Object.keys(refusals) as RefusalCode[];
/** As the caller reads it: the text's latin1 bytes are UTF-8. */
const read = (text: string) => {
  const bytes = Buffer.from(text, 'latin1');
  return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
};

test('says everything about a refusal', () => {
  const data = { policy: 'default', limit: 100, burst: 50, remaining: 0, retryAfterMs: 1500 };
  expect(errorAnswer('7', 'rate_limited', { requestId: 'r-1', data })).toBe(
    '{"jsonrpc":"2.0","id":7,"error":{"code":-32005,"message":"Rate limit exceeded","data":{"requestId":"r-1",' +
      '"docs":"docs/errors.md#rate_limited","policy":"default","limit":100,"burst":50,"remaining":0,"retryAfterMs":1500}}}',
  );
});

test('a message and pages of our own', () => {
  const answer = createErrorAnswer('https://docs.example/"errors"/é#');
  expect(read(answer('null', 'forbidden', { requestId: 'r', message: 'no\n"way" é' })).error).toEqual({
    code: -32011,
    message: 'no\n"way" é',
    data: { requestId: 'r', docs: 'https://docs.example/"errors"/é#forbidden' },
  });
});

test('a malformed request is told where', () => {
  const { bytes, scan: found } = scan('{"a":\n tru}');
  expect(
    read(errorAnswer('null', 'parse_error', faultDetail(describeFault(bytes, found), 'r'))).error,
  ).toMatchObject({
    code: -32700,
    message: "Parse error at 2:5: expected a value, found '}'",
    data: { line: 2, column: 5, offset: 10 },
  });
});

test.each(['"é\u{1f600}"', '"\\u0000"', '9007199254740993', '1.0', '1e400', 'null', '"\\ud800"', '"\u2028"'])(
  'the id %s comes back byte for byte',
  (raw) => {
    const { accepted, id } = scan(`{"jsonrpc":"2.0","method":"m","id":${raw}}`);
    expect(accepted).toBe(true);
    const text = errorAnswer(id as string, 'overloaded', { requestId: 'r' });
    expect(Buffer.from(text, 'latin1').toString('utf8')).toContain(`"id":${raw},"error"`);
    expect(read(text).id).toEqual(JSON.parse(raw));
  },
);

describe('whatever it is given, it makes valid JSON', () => {
  test('with any strings, ids and values', () => {
    const anyText = fc.string({ unit: 'binary', maxLength: 20 });
    const id = fc.oneof(
      anyText.map((text) => JSON.stringify(text)),
      fc.constantFrom('null', '1.0', '-0'),
    );
    fc.assert(
      fc.property(
        id,
        fc.constantFrom(...codes),
        anyText,
        fc.option(anyText, { nil: undefined }),
        fc.dictionary(anyText, fc.anything()),
        (raw, code, requestId, message, data) => {
          const answer = read(
            errorAnswer(Buffer.from(raw).toString('latin1'), code, { requestId, message, data }),
          );
          expect(Object.keys(answer)).toEqual(['jsonrpc', 'id', 'error']);
          expect(answer.id).toEqual(JSON.parse(raw));
          expect(answer.error).toMatchObject({
            code: refusals[code].rpc,
            message: message ?? refusals[code].message,
          });
          expect(answer.error.data.requestId).toBe(
            requestId.toWellFormed() === requestId ? requestId : answer.error.data.requestId,
          );
          expect(answer.error.data.docs).toBe(refusals[code].page);
        },
      ),
      { numRuns: 3000 },
    );
  });

  test('with values JSON has no word for', () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    const data = {
      requestId: 'forged',
      docs: 'forged',
      gone: undefined,
      run: () => 1,
      symbol: Symbol('x'),
      nan: Number.NaN,
      big: 10n ** 20n,
      deep: { big: 5n, text: '\u2028é\x7f' },
      cycle,
      get broken(): never {
        throw new Error('no');
      },
      ['__proto__']: 1,
    };
    expect(read(errorAnswer('1', 'upstream_invalid', { requestId: 'r', data })).error.data).toEqual({
      requestId: 'r',
      docs: refusals.upstream_invalid.page,
      nan: null,
      big: '100000000000000000000',
      deep: { big: '5', text: '\u2028é\x7f' },
      cycle: null,
      broken: null,
      ['__proto__']: 1,
    });
  });

  test('the bytes of a method never reach it unescaped', () => {
    for (let byte = 0; byte < 256; byte++) {
      const method = `a"${String.fromCharCode(byte)}\\`;
      const text = errorAnswer('1', 'method_blocked', {
        requestId: 'r',
        data: { method, [method]: [method] },
      });
      expect(text).toMatch(/^[ -~]*$/);
      expect(read(text).error.data).toMatchObject({ method, [method]: [method] });
    }
  });
});
