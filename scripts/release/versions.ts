import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A place that names the version, and what it says there. */
export interface Named {
  place: string;
  version: string;
}

/** Where else the version stands, with what it must look like there; a place without any is one with '' for its version. */
const places: readonly { files: string; pattern: RegExp }[] = [
  { files: 'package-lock.json', pattern: /^ {2}"version": "([^"]+)"/gm },
  { files: 'package-lock.json', pattern: /"name": "polymorph-proxy",\n {6}"version": "([^"]+)"/g },
  { files: 'deploy/helm/polymorph-proxy/Chart.yaml', pattern: /^(?:version|appVersion): (\S+)$/gm },
  { files: 'deploy/compose/compose.yaml', pattern: /image: polymorph-proxy:(\S+)/g },
  { files: 'deploy/docker/Dockerfile', pattern: /image\.version="([^"]+)"/g },
  { files: 'CHANGELOG.md', pattern: /^## (\d\S*)/m },
];

/** Commands and texts that name an image or a tarball of a version; they need not. */
const mentions = {
  files: '{README.md,CONTRIBUTING.md,docs/**/*.md,deploy/**/*}',
  pattern: /polymorph-proxy[:-](\d+\.\d+\.\d+)/g,
};

/** The version of package.json, and each other place that names one. */
export function namedVersions(root: string): { version: string; named: Named[] } {
  const read = (file: string): string => readFileSync(join(root, file), 'utf8');
  const { version } = JSON.parse(read('package.json')) as { version: string };
  const found = (file: string, pattern: RegExp): Named[] => {
    const matches = pattern.global ? [...read(file).matchAll(pattern)] : [pattern.exec(read(file))];
    return matches.flatMap((match) => (match === null ? [] : [{ place: file, version: match[1] ?? '' }]));
  };
  const fixed = places.flatMap(({ files, pattern }) => {
    const there = found(files, pattern);
    return there.length > 0 ? there : [{ place: files, version: '' }];
  });
  const others = globSync(mentions.files, { cwd: root, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .flatMap((file) => found(file, mentions.pattern));
  return { version, named: [...fixed, ...others] };
}
