import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ANSWER_DEPTH_MAX, scanAnswers } from './index.ts';
import { answer, oracle, place, slice } from './testing/scan.ts';

describe('an answer', () => {
  test('with a result', () => {
    const found = answer(' {"jsonrpc":"2.0","id":12,"result":{"a":[1]}}\n');
    expect(slice(found!.bytes, found!.answer.resultStart, found!.answer.resultEnd)).toBe('{"a":[1]}');
    expect(slice(found!.bytes, found!.answer.start, found!.answer.end)).toBe(
      '{"jsonrpc":"2.0","id":12,"result":{"a":[1]}}',
    );
    expect(found!.answer).toMatchObject({ idNumber: 12, errorStart: -1, errorCode: Number.NaN });
  });

  test('with an error', () => {
    const found = answer('{"id":null,"error":{"data":{"code":1},"code":-32601,"message":"x"}}');
    expect(slice(found!.bytes, found!.answer.errorStart, found!.answer.errorEnd)).toContain('-32601');
    expect(found!.answer).toMatchObject({ idNumber: -1, resultStart: -1, errorCode: -32601 });
  });

  test.each([
    ['{"id":1,"result":5,"error":null}', 'result'],
    ['{"id":1,"error":null,"result":null}', 'result'],
    ['{"id":1,"result":null}', 'result'],
    ['{"id":1,"result":null,"error":{"code":1}}', 'error'],
    ['{"id":1,"error":{},"extra":1,"extra":2}', 'error'],
  ])('%s is a %s', (text, kind) => {
    const { resultStart, errorStart } = answer(text)!.answer;
    expect(resultStart >= 0).toBe(kind === 'result');
    expect(errorStart >= 0).toBe(kind === 'error');
  });

  test.each(
    [
      [
        '',
        '5',
        '[]',
        '{}',
        'null',
        '{"id":1}',
        '{"result":1}',
        '{"id":1,"error":null}',
        '<html>',
        '{"id":1,"result":1',
      ],
      [
        '{"id":1,"result":1,"error":{}}',
        '{"id":1,"error":"x"}',
        '{"id":1,"error":[]}',
        '{"id":[],"result":1}',
      ],
      [
        '{"id":true,"result":1}',
        '{"id":1,"id":1,"result":1}',
        '{"id":1,"result":1,"result":1}',
        '{"id":1,"result":1}{}',
      ],
      [
        '{"ID":1,"result":1}',
        '{"id":1,"result":1,"Id":2}',
        '{"id":1,"\\u0072esult":1}',
        '{"id":1,"result":1,"Error":0}',
      ],
      [
        '{"id":1,"result":1,}',
        '{"id":1,"result":01}',
        '[{"id":1,"result":1}]',
        '{"id":1,"error":{},"error":{}}',
      ],
      [
        '{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"result":1}',
        '\ufeff{"id":1,"result":1}',
        '{,"id":1,"result":1}',
      ],
    ].flat(),
  )('%s is none', (text) => {
    expect(answer(text)).toBeUndefined();
  });

  test('that is no UTF-8 is none', () => {
    expect(answer(Buffer.from('{"id":1,"result":"\xff"}', 'latin1'))).toBeUndefined();
    expect(answer('{"id":1,"result":"\u00ff"}')).toBeDefined();
  });

  test.each<[string, number]>([
    ['0', 0],
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', -1],
    ['9007199254740993', -1],
    ['12345678901234567', -1],
    ...['-1', '-0', '1.0', '1e2', '"1"', 'null', '""'].map((id): [string, number] => [id, -1]),
  ])('the id %s as a number is %d', (id, number) => {
    expect(answer(`{"id":${id},"result":1}`)!.answer.idNumber).toBe(number);
  });

  test.each([
    ['{"code":-1.5e1}', -15],
    ['{"code":"x"}', Number.NaN],
    ['{"code":null}', Number.NaN],
    ['{"code":1,"code":2}', 2],
    ['{"data":[{"code":7}]}', Number.NaN],
  ])('the code of %s is %d', (error, code) => {
    expect(answer(`{"id":1,"error":${error}}`)!.answer.errorCode).toBe(code);
  });

  test('may nest as deep as a call tracer does, not without bound', () => {
    const deep = (depth: number) => `{"id":1,"result":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    expect(answer(deep(ANSWER_DEPTH_MAX - 1))).toBeDefined();
    expect(answer(deep(ANSWER_DEPTH_MAX))).toBeUndefined();
    expect(answer('['.repeat(1_000_000))).toBeUndefined();
  });

  test('agrees with JSON.parse and a plain model, whatever its members', () => {
    const member = fc.tuple(
      fc.constantFrom('id', 'result', 'error', 'jsonrpc', 'x', 'Result'),
      fc.constantFrom('1', 'null', '"a"', '{"code":3}', '[]', '{', '1.', '"\\u12"'),
    );
    const base: [string, string][] = [
      ['id', '1'],
      ['result', '"a"'],
    ];
    const pairs = fc
      .tuple(fc.subarray(base), fc.array(member, { maxLength: 3 }))
      .map(([some, more]) => [...some, ...more]);
    fc.assert(
      fc.property(pairs, (all) => {
        const text = `{${all.map(([name, value]) => `"${name}":${value}`).join()}}`;
        const count = (name: string) => all.filter(([known]) => known === name).length;
        const parsed = oracle(Buffer.from(text))?.value as Record<string, unknown> | undefined;
        const hasError = parsed?.error !== undefined && parsed.error !== null;
        const expected =
          parsed !== undefined &&
          ['id', 'result', 'error', 'jsonrpc'].every((name) => count(name) <= 1) &&
          count('Result') === 0 &&
          ['string', 'number'].includes(parsed.id === null ? 'string' : typeof parsed.id) &&
          (hasError
            ? typeof parsed.error === 'object' &&
              !Array.isArray(parsed.error) &&
              (parsed.result ?? null) === null
            : count('result') === 1);
        expect(answer(text) !== undefined).toBe(expected);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('answers to a batch', () => {
  const scanText = (text: string, itemsMax?: number) => {
    const { bytes, from, to } = place(text);
    return scanAnswers(bytes, from, to, itemsMax)?.map((item) => [
      item.idNumber,
      slice(bytes, item.start, item.end),
    ]);
  };

  test('in any order', () => {
    expect(scanText(' [ {"id":2,"result":1} ,{"id":1,"error":{"code":1}}] ')).toEqual([
      [2, '{"id":2,"result":1}'],
      [1, '{"id":1,"error":{"code":1}}'],
    ]);
    expect(scanText('[]')).toEqual([]);
  });

  test.each([
    '{"id":1,"result":1}',
    '[{"id":1,"result":1}',
    '[{"id":1,"result":1},]',
    '[5]',
    '[{"id":1}]',
    '',
    '[] []',
    '[,]',
  ])('not well-formed: %s', (text) => {
    expect(scanText(text)).toBeUndefined();
  });

  test('more than were asked for', () => {
    const text = '[{"id":1,"result":1},{"id":2,"result":1}]';
    expect(scanText(text, 2)).toHaveLength(2);
    expect(scanText(text, 1)).toBeUndefined();
  });
});
