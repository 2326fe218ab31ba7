import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { withReadmeFigures } from './readme-figures.ts';
import type { Results } from './results.ts';

const read = (path: string): string => readFileSync(join(import.meta.dirname, '../..', path), 'utf8');
const latest = JSON.parse(read('bench/results/latest.json')) as Results;

it('the README shows the run that docs/performance.md shows', () => {
  expect(read('README.md')).toBe(withReadmeFigures(read('README.md'), latest));
  expect(read('docs/performance.md')).toContain(
    `Measured ${latest.at.slice(0, 10)} at commit ${latest.commit}`,
  );
});

it('a README without a place for figures is not written over', () => {
  expect(() => withReadmeFigures('# Something else', latest)).toThrow('no place');
});
