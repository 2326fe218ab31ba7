import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { chooseStart } from './start.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'polymorph-start-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const anvil = () => '/a/checkout/anvil';
const none = () => undefined;

test('a named config or upstream is run', () => {
  expect(chooseStart({ config: 'x.yaml' }, folder, anvil)).toEqual({
    kind: 'gateway',
    source: { kind: 'file', path: 'x.yaml' },
  });
  expect(chooseStart({ upstream: 'http://node:8545' }, folder, anvil)).toMatchObject({
    kind: 'gateway',
    source: { kind: 'value', value: { upstreams: [{ url: 'http://node:8545' }] } },
  });
  expect(() => chooseStart({ config: 'x.yaml', upstream: 'http://node:8545' }, folder, anvil)).toThrow(
    'not both',
  );
});

test('a bare start takes ./polymorph.yaml, else the demo where there is an anvil', () => {
  expect(chooseStart({}, folder, anvil)).toEqual({ kind: 'demo', anvil: '/a/checkout/anvil' });
  writeFileSync(join(folder, 'polymorph.yaml'), '');
  const path = join(folder, 'polymorph.yaml');
  expect(chooseStart({}, folder, anvil)).toEqual({ kind: 'gateway', source: { kind: 'file', path } });
});

test('an installed package says how to name an upstream', () => {
  expect(() => chooseStart({}, folder, none)).toThrow(/polymorph start --upstream http:/);
  expect(() => chooseStart({}, folder, none)).toThrow(expect.objectContaining({ exitCode: 2 }) as Error);
});
