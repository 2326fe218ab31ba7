import { join } from 'node:path';
import { expect, test } from 'vitest';
import { namedVersions } from './versions.ts';

test('wherever the version is named it is that of package.json', () => {
  const { version, named } = namedVersions(join(import.meta.dirname, '../..'));
  expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  expect(named.filter((one) => one.version !== version)).toEqual([]);
  expect([...new Set(named.map(({ place }) => place))]).toEqual(
    expect.arrayContaining([
      'package-lock.json',
      'deploy/helm/polymorph-proxy/Chart.yaml',
      'deploy/compose/compose.yaml',
      'deploy/docker/Dockerfile',
      'CHANGELOG.md',
    ]),
  );
});
