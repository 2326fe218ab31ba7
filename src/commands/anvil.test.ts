import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { findAnvil } from './anvil.ts';

test('the binary found runs without any install script', () => {
  const path = findAnvil();
  expect(path).toBeDefined();
  expect(execFileSync(path ?? '', ['--version'], { encoding: 'utf8' })).toMatch(/^anvil Version: \d+\.\d+/);
});
