import { parseConfig, type RedisSettings } from '../../config/index.ts';

/** Settings of `redis` as the config has them; what is not said is its default. */
export function testRedisSettings(
  redis: { url: string; ca?: string } | Record<string, unknown>,
): RedisSettings {
  const { url } = redis;
  const said =
    'call' in redis ? { url, ...(String(url).startsWith('rediss') && { tls: { ca: redis.ca } }) } : redis;
  const text = JSON.stringify({ upstreams: [{ url: 'http://127.0.0.1:1' }], redis: said });
  const result = parseConfig(text, { env: {}, file: 'test', directory: '/' });
  if (!result.ok || result.config.redis === null) throw new Error(`not a Redis: ${JSON.stringify(said)}`);
  return result.config.redis;
}
