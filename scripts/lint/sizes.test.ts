import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { judgeSize, largeFiles } from './sizes.ts';

const root = join(import.meta.dirname, '..', '..');
const lines = (count: number): string => 'x\n'.repeat(count);

describe('judgeSize', () => {
  test('takes 300 lines, and a file that has its reason', () => {
    expect(judgeSize('src/limits/chain.ts', lines(300))).toBeUndefined();
    expect(judgeSize(Object.keys(largeFiles)[0]!, lines(3000))).toBeUndefined();
  });

  test('asks for the reason of one line more', () => {
    expect(judgeSize('src/limits/chain.ts', lines(301))).toContain('301 lines');
  });
});

describe('a file with a reason to be large', () => {
  test.each(Object.entries(largeFiles))('%s is there, and is', (path, reason) => {
    expect(existsSync(join(root, path)), 'it has gone: take it off the list').toBe(true);
    const count = readFileSync(join(root, path), 'utf8').split('\n').length - 1;
    expect(count, 'it needs no reason any more: take it off the list').toBeGreaterThan(300);
    expect(reason.length).toBeGreaterThan(20);
  });
});
