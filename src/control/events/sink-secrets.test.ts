import { expect, it } from 'vitest';
import type { SinkKind } from '../../config/index.ts';
import { sinkConfig as configOf } from '../../events/testing/sink-config.ts';
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

const secretsOf = (type: SinkKind, fields: Record<string, unknown>) =>
  sinkSecrets({
    events: { source: '/', window: 1, keep: 1, max_rows: 1, sinks: [configOf(type, fields)] },
  }).sort();

it('finds whatever the schema calls secret: settings of a module, queries, passwords as they are and as they are written', () => {
  const settings = {
    token: 'canary-1',
    deep: { list: ['canary-two', 'short'] },
    url: 'https://u:canary3@h/?k=canary-4',
  };
  expect(secretsOf('module', { path: './x.js', settings })).toEqual([
    ...['/?k=canary-4', 'canary-1', 'canary-4', 'canary-two', 'canary3', settings.url],
  ]);
  expect(secretsOf('webhook', { url: 'https://h.example/hook?k=shortcanary' })).toEqual([
    ...['/hook?k=shortcanary', 'shortcanary'],
  ]);
  expect(secretsOf('redis-stream', { url: 'redis://:p%40sscanary@127.0.0.1:6379' })).toEqual([
    ...['p%40sscanary', 'p@sscanary'],
  ]);
  expect(secretsOf('pagerduty', { routing_key: 'a'.repeat(32) })).toEqual(['a'.repeat(32)]);
});
