import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const project = join(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(project, file), 'utf8');

interface Manifest {
  readonly dependencies: Record<string, string>;
  readonly devDependencies: Record<string, string>;
}
interface Locked {
  readonly license?: string;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
}

const manifest = JSON.parse(read('package.json')) as Manifest;
const locked = (JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> }).packages;
const page = read('docs/decisions/dependencies.md');

/** Licences that let this package be published under MIT. */
const permissive = new Set(['MIT', 'ISC', 'Apache-2.0', 'BSD-3-Clause', 'BlueOak-1.0.0', '(MIT AND Zlib)']);

/** The lock has no licence for these; read in the package's LICENSE. */
const readByHand = new Map([['png-js', 'MIT']]);

/** Package → licence, as a table of the page has them. */
function table(heading: RegExp): Record<string, string> {
  const section = page.split(/^## /m).find((text) => heading.test(text)) ?? '';
  const rows = [...section.matchAll(/^\| (\S+) \| [^|]+ \| ([^|]+) \| [\d.]+ MB \|/gm)];
  return Object.fromEntries(rows.map(([, name, licence]) => [name!, licence!]));
}

const licences = (packages: Record<string, string>): Record<string, string | undefined> =>
  Object.fromEntries(Object.keys(packages).map((name) => [name, locked[`node_modules/${name}`]?.license]));

const inProduction = Object.entries(locked).filter(([path, { dev }]) => path !== '' && dev !== true);

it('each dependency has its line, with its licence', () => {
  expect(table(/^In production/)).toEqual(licences(manifest.dependencies));
  expect(table(/^For development/)).toEqual(licences(manifest.devDependencies));
});

it('tells how many packages come with this one', () => {
  expect(page).toContain(`## In production: ${inProduction.length} packages`);
});

it('is published with permissive licences only', () => {
  const others = inProduction.flatMap(([path, { license }]) => {
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const licence = license ?? readByHand.get(name);
    return licence !== undefined && permissive.has(licence) ? [] : [`${name}: ${licence}`];
  });
  expect(others).toEqual([]);
});

it('runs nothing of a package when it is installed', () => {
  expect(inProduction.filter(([, { hasInstallScript }]) => hasInstallScript === true)).toEqual([]);
});
