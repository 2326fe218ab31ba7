// Exits 0 if node_modules of the checkout named by the first argument holds what its package-lock.json says: after
// a plain `npm install`, or when only the project's own entry changed, nothing is to be installed anew.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = process.argv[2];

const packagesOf = (path) => {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8')).packages;
  } catch {
    return undefined;
  }
};

const wanted = packagesOf('package-lock.json');
const installed = packagesOf('node_modules/.package-lock.json');

const isFitting = ([path, { version, optional, link }]) =>
  path === '' || link || (installed[path]?.version ?? (optional ? version : undefined)) === version;

const fits = wanted !== undefined && installed !== undefined && Object.entries(wanted).every(isFitting);
process.exitCode = fits ? 0 : 1;
