import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { badConfigs } from '../../src/config/testing/bad-configs.ts';
import { configErrorsPage } from './config-errors.ts';

const page = readFileSync(new URL('../../docs/errors/config.md', import.meta.url), 'utf8');

test('docs/errors/config.md is as generated', () => {
  expect(page === configErrorsPage(), 'it is not: npm run docs').toBe(true);
});

test('it has each problem that tests know', () => {
  const text = page.replaceAll('polymorph.yaml:', '').replaceAll('/etc/polymorph/', '/nowhere/');
  for (const { name, problems } of badConfigs)
    for (const problem of problems) expect(text, name).toContain(`\n${problem}\n`);
});
