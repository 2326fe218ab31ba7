import { describe, expect, test } from 'vitest';
import { createHostCheck, isLoopbackHost } from './host.ts';

describe('on loopback', () => {
  const check = createHostCheck({ listenHost: '127.0.0.1', allowedHosts: ['admin.example.org'] });

  test.each([
    '127.0.0.1',
    '127.0.0.1:9540',
    '127.1.2.3',
    'localhost',
    'LOCALHOST:9540',
    'localhost.',
    'a.localhost',
    '[::1]:9540',
    '[::ffff:127.0.0.1]',
  ])('%s passes', (host) => expect(check(host, '127.0.0.1')).toBe(true));

  test.each([
    'evil.example',
    'evil.example:9540',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'xlocalhost',
    '10.0.0.1',
    '0.0.0.0',
    '',
    ':9540',
    '[::1',
    '::1',
    '[127.0.0.1]',
    'localhost:port',
    'localhost:999999',
    'localhost@evil.example',
    'localhost/evil',
    'localhost evil.example',
  ])('%j is refused', (host) => expect(check(host, '127.0.0.1')).toBe(false));

  test('a configured name passes, in any case', () => {
    expect(check('Admin.Example.org:443', '127.0.0.1')).toBe(true);
    expect(check(undefined, '127.0.0.1')).toBe(false);
  });
});

describe('on a wildcard', () => {
  const check = createHostCheck({ listenHost: '0.0.0.0', allowedHosts: [] });

  test('addresses and localhost pass, as probes and forwarded ports send them; names do not', () => {
    expect(check('10.1.2.3:9540', '10.1.2.3')).toBe(true);
    expect(check('192.168.1.5:9540', '::ffff:172.17.0.2')).toBe(true);
    expect(check('localhost:9540', '172.17.0.2')).toBe(true);
    expect(check('evil.example', '10.1.2.3')).toBe(false);
    expect(check('0.0.0.0', '10.1.2.3')).toBe(false);
    expect(check('[::]', '10.1.2.3')).toBe(false);
  });
});

test('a configured listen name passes from anywhere', () => {
  const check = createHostCheck({ listenHost: 'gateway.internal', allowedHosts: ['[2001:DB8:0::1]'] });
  expect(check('gateway.internal:9540', '10.1.2.3')).toBe(true);
  expect(check('[2001:db8::1]', '10.1.2.3')).toBe(true);
});

test('what counts as loopback', () => {
  for (const host of ['127.0.0.1', '127.255.0.9', '::1', '[::1]', 'localhost', '::ffff:127.0.0.1'])
    expect(isLoopbackHost(host)).toBe(true);
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'example.org', '128.0.0.1', ''])
    expect(isLoopbackHost(host)).toBe(false);
});
