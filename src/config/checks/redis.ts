import { isLoopback } from '../schema/addresses.ts';
import type { CheckContext } from './context.ts';

/** One way to Redis, and nothing said twice. */
export function checkRedis({ parsed, error, warn }: CheckContext): void {
  const { redis } = parsed;
  if (redis === null) return;
  const { url, sentinels, name, cluster, tls } = redis;
  const at = (field: string) => ['redis', field];
  const ways = [
    url !== null && 'url',
    sentinels.length > 0 && 'sentinels',
    cluster.length > 0 && 'cluster',
  ].filter((way) => way !== false);
  if (ways.length === 0) {
    error(['redis'], 'does not say where Redis is', 'give url, sentinels with name, or cluster', 'key');
    return;
  }
  if (ways.length > 1) {
    error(at(ways[1]!), `${ways[0]} says where Redis is already`, 'keep one of them', 'key');
    return;
  }
  if (sentinels.length > 0 && name === null) {
    error(at('sentinels'), 'without name nobody knows which master', 'add name: mymaster', 'key');
  }
  if (sentinels.length === 0) {
    for (const field of ['name', 'sentinel_username', 'sentinel_password'] as const)
      if (redis[field] !== null) error(at(field), 'is for sentinels only', 'leave it out', 'key');
  }
  for (const field of ['username', 'password', 'db'] as const)
    if (url !== null && url[field] !== null && redis[field] !== null)
      error(at(field), 'the URL says it already', 'write it once', 'key');
  if (url?.tls === false && tls !== null)
    error(at('tls'), 'the URL is one without TLS', 'write rediss://', 'key');
  if (cluster.length > 0 && (redis.db ?? 0) !== 0)
    error(at('db'), 'a Cluster has database 0 only', 'leave it out', 'key');
  const hosts = [...(url === null ? [] : [url]), ...sentinels, ...cluster];
  const secret = redis.password ?? url?.password ?? redis.sentinel_password;
  const local = hosts.every(({ host }) => isLoopback(host));
  if (secret !== null && tls === null && url?.tls !== true && !local)
    warn(
      ['redis'],
      'the password crosses the network in the clear',
      url === null ? 'add tls: {}' : 'write rediss://',
    );
}
