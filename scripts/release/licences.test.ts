import { join } from 'node:path';
import { expect, test } from 'vitest';
import { incompatible, isCompatible, productionDependencies } from './licences.ts';

const dependencies = productionDependencies(join(import.meta.dirname, '../..'));

test('everything that is installed with the package may be shipped with a program under MIT', () => {
  expect(incompatible(dependencies)).toEqual([]);
});

test('is of all dependencies, theirs too, and of none for development', () => {
  const names = dependencies.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['pg', 'pg-protocol', 'zod', 'ws', 'base64-js']));
  expect(names).not.toContain('vitest');
  // LGPL: the tests' alone.
  expect(names).not.toContain('web3');
});

test.each([
  ['MIT', true],
  ['(MIT AND Zlib)', true],
  ['(GPL-3.0-only OR MIT)', true],
  ['MIT AND GPL-3.0-only', false],
  ['LGPL-3.0', false],
  ['AGPL-3.0-or-later', false],
  ['SEE LICENSE IN LICENSE', false],
  ['(MIT OR (GPL-2.0 AND MIT))', false],
])('%s: %s', (expression, fits) => {
  expect(isCompatible(expression)).toBe(fits);
});

test('a package that names no licence does not pass', () => {
  const unknown = { name: 'x', version: '1.0.0', licence: undefined };
  expect(incompatible([unknown])).toEqual([unknown]);
});
