import { expect, test } from 'vitest';
import { completed } from './sbom.ts';

test('the package has its own name, and each component a licence that is known', () => {
  const made = {
    bomFormat: 'CycloneDX',
    metadata: { component: { name: 'checkout', version: '0.4.0' } },
    components: [
      { name: 'png-js', version: '1.1.0' },
      { name: 'pg', version: '8.0.0', licenses: [{ license: { id: 'MIT' } }] },
    ],
  };
  const dependencies = [{ name: 'png-js', version: '1.1.0', licence: 'MIT' }];
  expect(JSON.parse(completed(JSON.stringify(made), 'polymorph-proxy', dependencies))).toEqual({
    bomFormat: 'CycloneDX',
    metadata: { component: { name: 'polymorph-proxy', version: '0.4.0' } },
    components: ['png-js', 'pg'].map((name, n) => ({
      ...made.components[n],
      name,
      licenses: [{ license: { id: 'MIT' } }],
    })),
  });
});
