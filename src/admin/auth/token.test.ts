import { expect, test } from 'vitest';
import { createTokenCheck } from './token.ts';

const check = createTokenCheck('correct horse battery');
const spaced = createTokenCheck('s3cret-Token');

test('only the very token passes, the scheme in any case', () => {
  expect(spaced('Bearer s3cret-Token')).toBe(true);
  expect(spaced('bearer   s3cret-Token')).toBe(true);
  for (const header of [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer s3cret-toke',
    'Bearer s3cret-Tokenx',
    's3cret-Token',
  ]) {
    expect(spaced(header), String(header)).toBe(false);
  }
  expect(spaced('Basic s3cret-Token')).toBe(false);
});

test('a token with white space can never be presented', () => {
  expect(check('Bearer correct horse battery')).toBe(false);
});

test('an empty token is not matched by an absent header', () => {
  expect(createTokenCheck('')(undefined)).toBe(false);
  expect(createTokenCheck('')('Bearer ')).toBe(false);
});

test('without a token everybody passes', () => {
  expect(createTokenCheck(null)(undefined)).toBe(true);
});
