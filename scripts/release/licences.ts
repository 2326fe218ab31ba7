import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Licences whose terms a program under MIT can keep by shipping their texts: no copyleft. Names of SPDX. */
const compatible = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'Unlicense',
  'Zlib',
]);

/** What packages without a `license` in their package.json say in their LICENSE file, by name and version: read by a person. */
const readByHand: Readonly<Record<string, string>> = { 'png-js@1.1.0': 'MIT' };

export interface Dependency {
  name: string;
  version: string;
  /** An SPDX expression; undefined where the package names none. */
  licence: string | undefined;
}

interface Locked {
  version: string;
  dev?: boolean;
  devOptional?: boolean;
}

/** What is installed for running the package that `root` holds, development dependencies left out. */
export function productionDependencies(root: string): Dependency[] {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, Locked>;
  };
  return Object.entries(lock.packages)
    .filter(([path, { dev, devOptional }]) => path !== '' && dev !== true && devOptional !== true)
    .map(([path, { version }]) => {
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
      const manifest = join(root, path, 'package.json');
      // What does not fit this platform is not installed, nor shipped from here.
      const found = existsSync(manifest)
        ? (JSON.parse(readFileSync(manifest, 'utf8')) as { license?: string }).license
        : (lock.packages[path] as { license?: string }).license;
      return { name, version, licence: found ?? readByHand[`${name}@${version}`] };
    });
}

/** Those whose licence is not known to be compatible with MIT. */
export function incompatible(dependencies: readonly Dependency[]): Dependency[] {
  return dependencies.filter(({ licence }) => licence === undefined || !isCompatible(licence));
}

/** Of an SPDX expression without nested brackets: `A`, `(A OR B)`, `A AND B`. OR is a choice, AND is not. */
export function isCompatible(expression: string): boolean {
  const terms = expression.replace(/^\((.*)\)$/, '$1');
  if (/[()]/.test(terms)) return false;
  return terms
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((name) => compatible.has(name.trim())));
}
