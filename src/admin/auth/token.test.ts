import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { createTokenCheck } from './token.ts';

const checkFor = (token: string) => createTokenCheck({ sha256: hash('sha256', token) });
const check = checkFor('s3cret-Token');

test('only the very token passes, the scheme in any case', () => {
  expect(check('Bearer s3cret-Token')).toBe(true);
  expect(check('bearer   s3cret-Token')).toBe(true);
  for (const header of [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer s3cret-toke',
    'Bearer s3cret-Tokenx',
    's3cret-Token',
  ]) {
    expect(check(header), String(header)).toBe(false);
  }
  expect(check('Basic s3cret-Token')).toBe(false);
});

test('a token with white space can never be presented', () => {
  expect(checkFor('correct horse battery')('Bearer correct horse battery')).toBe(false);
});

test('an empty token is not matched by an absent header', () => {
  expect(checkFor('')(undefined)).toBe(false);
  expect(checkFor('')('Bearer ')).toBe(false);
});

test('a second token passes beside the first, and makes no open listener a closed one', () => {
  const second = { sha256: hash('sha256', 'of-the-folder') };
  const both = createTokenCheck({ sha256: hash('sha256', 's3cret-Token') }, second);
  expect(['s3cret-Token', 'of-the-folder', 'neither'].map((token) => both(`Bearer ${token}`))).toEqual([
    ...[true, true, false],
  ]);
  expect(both(undefined)).toBe(false);
  expect(createTokenCheck(null, second)(undefined)).toBe(true);
});

test('without a token everybody passes', () => {
  expect(createTokenCheck(null)(undefined)).toBe(true);
});
