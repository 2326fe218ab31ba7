import { describe, expect, it } from 'vitest';
import { formatProblem, parseConfig, type RedisSettings, redisSecrets } from './index.ts';
import { certA } from './testing/certificates.ts';

const options = {
  env: { REDIS_PASSWORD: 's3cret/with:signs' },
  file: 'c.yaml',
  directory: '/etc',
  readFile: () => Buffer.from(certA),
};

function settings(redis: string): RedisSettings | null {
  const result = parseConfig(`upstreams: [{ url: 'http://127.0.0.1:8545' }]\nredis: ${redis}\n`, options);
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  return result.config.redis;
}

const plain = {
  ...{ username: null, password: null, db: 0, tls: null },
  ...{ prefix: 'pp:', command_timeout: 50, connect_timeout: 1000 },
};

describe('redis', () => {
  it('is off unless it is said', () => {
    expect(['none', 'false', ''].map(settings)).toEqual([null, null, null]);
    expect(parseConfig("upstreams: [{ url: 'http://127.0.0.1:8545' }]", options)).toMatchObject({
      config: { redis: null },
    });
  });

  it('is a URL', () => {
    const single = (host: string, port: number) => ({ kind: 'single', host, port });
    expect(settings('redis://one.internal')).toEqual({ ...plain, to: single('one.internal', 6379) });
    expect(settings("'redis://me:p%40ss@[::1]:7000/3'")).toEqual({
      ...plain,
      ...{ to: single('::1', 7000), username: 'me', password: 'p@ss', db: 3 },
    });
    expect(settings('rediss://one.internal')).toEqual({
      ...plain,
      ...{ to: single('one.internal', 6379), tls: { ca: null, certificates: '' } },
    });
  });

  it('is a map: what the URL leaves open, and what is trusted', () => {
    const text =
      "{ url: 'rediss://one.internal:6380', password: '${REDIS_PASSWORD}', db: 2, tls: { ca: ca.pem }, prefix: 'a:', command_timeout: 20ms }";
    expect(settings(text)).toEqual({
      ...plain,
      ...{ to: { kind: 'single', host: 'one.internal', port: 6380 }, password: 's3cret/with:signs', db: 2 },
      ...{ tls: { ca: '/etc/ca.pem', certificates: certA.trimEnd() }, prefix: 'a:', command_timeout: 20 },
    });
  });

  it('is what Sentinels say, or a Cluster', () => {
    expect(
      settings(
        "{ sentinels: ['s1:26379', '[::1]:26380'], name: main, password: one, sentinel_password: two }",
      ),
    ).toEqual({
      ...plain,
      to: {
        kind: 'sentinel',
        sentinels: [
          { host: 's1', port: 26379 },
          { host: '::1', port: 26380 },
        ],
        ...{ name: 'main', username: null, password: 'two' },
      },
      password: 'one',
    });
    expect(settings("{ cluster: ['n1:6379'], tls: {} }")).toEqual({
      ...plain,
      to: { kind: 'cluster', nodes: [{ host: 'n1', port: 6379 }] },
      tls: { ca: null, certificates: '' },
    });
  });

  it('has secrets, as they are and as a URL writes them', () => {
    expect(redisSecrets(null)).toEqual([]);
    expect(
      redisSecrets(
        settings("{ sentinels: ['s:1'], name: m, password: '${REDIS_PASSWORD}', sentinel_password: two }"),
      ),
    ).toEqual(['s3cret/with:signs', 's3cret%2Fwith%3Asigns', 'two']);
  });
});
