import fc from 'fast-check';
import { expect, it } from 'vitest';
import { rawMember } from './raw-member.ts';

it.each([
  ['{"params":{"subscription":"0x1","result":{"a":[1,"}"]}}}', '{"a":[1,"}"]}'],
  [' { "x" : "\\"params" , "params" : { "result" : 1.0e400 } } ', '1.0e400'],
  ['{"params":{"result":"a\\\\"}}', '"a\\\\"'],
  ['{"params":{"resul\\u0074":[]}}', '[]'],
  ['{"params":{"result":null\n}}', 'null'],
  ['{"params":{}}', undefined],
  ['{"params":[1]}', undefined],
  ['[1]', undefined],
])('of %s is %s', (json, expected) => {
  expect(rawMember(json, ['params', 'result'])).toBe(expected);
});

it('is the text of what a parser finds there, whatever stands around it', () => {
  const space = fc.constantFrom('', ' ', '\n\t');
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), fc.jsonValue(), space, (before, result, after, gap) => {
      const text = JSON.stringify(result);
      const json = `{${gap}"b":${JSON.stringify(before)},"params":{"s":"x",${gap}"result"${gap}:${gap}${text}${gap},"t":${JSON.stringify(after)}}}`;
      expect(rawMember(json, ['params', 'result'])).toBe(text);
    }),
  );
});
