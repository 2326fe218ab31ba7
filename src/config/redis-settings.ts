import type { HostPort, ParsedRedis } from './schema/redis.ts';

/** How Redis is reached and logged in to: `redis:` made whole. Plain data, for threads too. Holds secrets: not for logs. */
export interface RedisSettings {
  to:
    | { kind: 'single'; host: string; port: number }
    | {
        kind: 'sentinel';
        sentinels: readonly HostPort[];
        name: string;
        /** For the Sentinels. Secret. */
        username: string | null;
        password: string | null;
      }
    | { kind: 'cluster'; nodes: readonly HostPort[] };
  username: string | null;
  /** Secret. */
  password: string | null;
  db: number;
  /** null: none. `ca`: the file, absolute, null: the system's. `certificates`: what it holds, PEM. */
  tls: { ca: string | null; certificates: string } | null;
  /** What all keys begin with. */
  prefix: string;
  /** Milliseconds. */
  command_timeout: number;
  connect_timeout: number;
}

/**
 * What the section says as a whole, null where it is off or does not say where Redis is: the checks have said so then. `tls.ca` is not
 * read yet.
 */
export function completeRedis(
  parsed: ParsedRedis | null,
  absolute: (path: string) => string,
): RedisSettings | null {
  if (parsed === null) return null;
  const { url, db, username, password, tls } = parsed;
  const to = placeOf(parsed);
  if (to === null) return null;
  const ca = tls?.ca ?? null;
  return {
    to,
    username: url?.username ?? username,
    password: url?.password ?? password,
    db: url?.db ?? db ?? 0,
    tls: tls || url?.tls ? { ca: ca === null ? null : absolute(ca), certificates: '' } : null,
    prefix: parsed.prefix,
    command_timeout: parsed.command_timeout,
    connect_timeout: parsed.connect_timeout,
  };
}

function placeOf(parsed: ParsedRedis): RedisSettings['to'] | null {
  const { url, sentinels, name, cluster } = parsed;
  if (url !== null) return { kind: 'single', host: url.host, port: url.port };
  if (cluster.length > 0) return { kind: 'cluster', nodes: cluster };
  if (sentinels.length === 0 || name === null) return null;
  return {
    kind: 'sentinel',
    ...{ sentinels, name },
    username: parsed.sentinel_username,
    password: parsed.sentinel_password,
  };
}

/** What must not be seen of it. */
export function redisSecrets(redis: RedisSettings | null): string[] {
  if (redis === null) return [];
  const { to, password } = redis;
  const all = [password, to.kind === 'sentinel' ? to.password : null].filter((one) => one !== null);
  return [...new Set(all.flatMap((one) => [one, encodeURIComponent(one)]))];
}
