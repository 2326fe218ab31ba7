import { isAbsolute, join } from 'node:path';
import type { ParsedConfig } from './schema/index.ts';

export type UpstreamConfig = ParsedConfig['upstreams'][number];
export type KeyConfig = ParsedConfig['keys'][number] & {
  /** Hex SHA-256 of the key; the key itself is not kept. */
  digest: string;
  /** 8 characters that name it in logs. */
  prefix: string;
};
export type RuleConfig = ParsedConfig['limits']['default'][number];
export type CeilingConfig = ParsedConfig['limits']['ceilings'][number];
export type QuotaConfig = NonNullable<ParsedConfig['keys'][number]['quota']>;
export type KeyLimitsConfig = ParsedConfig['keys'][number]['limits'];

export interface NetworkConfig {
  name: string;
  path: string;
  upstreams: UpstreamConfig[];
}

/**
 * The whole configuration: frozen, complete, checked. Names are the file's; durations are milliseconds, sizes bytes,
 * shares 0 to 1. Paths of files are absolute. Holds no key and no token, but upstreams' credentials: not for logs.
 */
export type Config = Readonly<
  Omit<ParsedConfig, 'networks' | 'upstreams' | 'keys' | 'server'> & {
    server: Readonly<
      Omit<ParsedConfig['server'], 'state_dir'> & {
        /** Absolute; null: keep nothing. */ state_dir: string | null;
      }
    >;
    /** In the file's order; `upstreams` alone is one named `default` at `/`. */
    networks: readonly NetworkConfig[];
    keys: readonly KeyConfig[];
  }
>;

/** Fills in what depends on other fields. Keys without a digest are left out: the checks have said so. */
export function completeConfig(parsed: ParsedConfig, directory: string): Config {
  const { networks, upstreams, keys, server, ...rest } = parsed;
  const absolute = (path: string): string => (isAbsolute(path) ? path : join(directory, path));
  const named = (list: UpstreamConfig[]): UpstreamConfig[] =>
    list.map((one) => (one.name === '' ? { ...one, name: one.url.origin.replace(/^https?:\/\//, '') } : one));
  const { tls, state_dir: stateDir } = server;
  return {
    ...rest,
    server: {
      ...server,
      tls: tls && { cert: absolute(tls.cert), key: absolute(tls.key) },
      state_dir: stateDir === 'none' ? null : absolute(stateDir),
    },
    networks:
      upstreams.length > 0
        ? [{ name: 'default', path: '/', upstreams: named(upstreams) }]
        : Object.entries(networks).map(([name, network]) => ({
            name,
            path: network.path === '' ? `/${name}` : network.path,
            upstreams: named(network.upstreams),
          })),
    keys: keys.map(completeKey).filter((key) => key !== undefined),
  };
}

const completed = new WeakMap<object, KeyConfig>();

/** The same object for the same parsed key: what is known of it can be kept with it. */
function completeKey(parsed: ParsedConfig['keys'][number]): KeyConfig | undefined {
  const known = completed.get(parsed);
  if (known) return known;
  const given = parsed.key ?? parsed.sha256;
  if (!given) return undefined;
  const key = deepFreeze({ ...parsed, digest: given.sha256, prefix: given.prefix });
  completed.set(parsed, key);
  return key;
}

/** Freezes plain data all the way down; what is frozen already is taken as done. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
  return value;
}
