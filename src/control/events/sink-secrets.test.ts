import { expect, it } from 'vitest';
import { sinkConfig } from '../../events/testing/sinks.ts';
import { sinkSecrets } from './sink-secrets.ts';

it('finds secrets, headers, passwords and keys in paths, and nothing that may be shown', () => {
  const config = sinkConfig('hook', {
    keys: ['acme-key-of-a-long-name'],
    type: 'webhook',
    url: 'https://hooks.example/T0000000000/B00000000000000/canaryPathCanary1',
    secrets: ['whsec_canarySecret'],
    headers: { authorization: 'Bearer canaryHeader' },
  });
  const found = sinkSecrets({ events: { source: '/', window: 1, keep: 1, max_rows: 1, sinks: [config] } });
  expect(found.sort()).toEqual([
    '/T0000000000/B00000000000000/canaryPathCanary1',
    'Bearer canaryHeader',
    'whsec_canarySecret',
  ]);
});
