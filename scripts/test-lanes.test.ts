import { globSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { longest, measuring } from './test-lanes.ts';

const root = join(import.meta.dirname, '..');

// A file that was moved would else change its lane without a word.
it.each([...new Set([...measuring, ...longest])])('%s is there', (path) => {
  expect(globSync(path, { cwd: root })).not.toEqual([]);
});
