import { isAbsolute, join } from 'node:path';
import type { AddressFile } from './address-file.ts';
import { inheritSettings } from './schema/inherited.ts';
import { completeRedis, type RedisSettings } from './redis-settings.ts';
import type { ParsedConfig } from './schema/index.ts';
import type { StoreChoice } from './schema/store.ts';
import { networkSettings } from './schema/network-settings.ts';

type ParsedUpstream = ParsedConfig['upstreams'][number];

export type UpstreamConfig = Omit<ParsedUpstream, 'auth' | 'tls'> & {
  /** `Basic …` or `Bearer …`, of the URL or of `auth`; secret. */
  authorization: string | null;
  /** `ca`: the file, absolute. `certificates`: what it holds, PEM. */
  tls: { ca: string; certificates: string } | null;
};
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

/** Settings of a network; what it leaves open is as at the top of the file. */
export type NetworkSettings = Pick<ParsedConfig, keyof typeof networkSettings>;

export interface NetworkConfig extends NetworkSettings {
  name: string;
  path: string;
  upstreams: UpstreamConfig[];
}

/**
 * The whole configuration: frozen, complete, checked. Names are the file's; durations are milliseconds, sizes bytes,
 * shares 0 to 1. Paths of files are absolute. Holds no key and no token, but upstreams' credentials: not for logs.
 */
export type Config = Readonly<
  Omit<
    ParsedConfig,
    keyof NetworkSettings | 'networks' | 'upstreams' | 'keys' | 'server' | 'blocklist' | 'store' | 'redis'
  > & {
    store: StoreChoice;
    /** null: this instance is alone. */
    redis: RedisSettings | null;
    server: Readonly<
      Omit<ParsedConfig['server'], 'state_dir'> & {
        /** Absolute; null: keep nothing. */ state_dir: string | null;
      }
    >;
    blocklist: Readonly<
      Omit<ParsedConfig['blocklist'], 'deny_files' | 'allow_files'> & {
        deny_files: readonly AddressFile[];
        allow_files: readonly AddressFile[];
      }
    >;
    /** In the file's order; `upstreams` alone is one named `default` at `/`. */
    networks: readonly NetworkConfig[];
    keys: readonly KeyConfig[];
  }
>;

/**
 * Fills in what depends on other fields. Keys without a digest are left out: the checks have said so. Upstreams' `tls.ca`
 * and files of addresses are not read yet.
 */
export function completeConfig(parsed: ParsedConfig, directory: string): Config {
  const { server, websocket, admin, identity, blocklist, methods, limits } = parsed;
  const { usage, events, alerts, explain, logging } = parsed;
  const absolute = (path: string): string => (isAbsolute(path) ? path : join(directory, path));
  const unread = (path: string): AddressFile => ({ path: absolute(path), entries: [], lines: [] });
  const { tls, state_dir: stateDir } = server;
  return {
    server: {
      ...server,
      tls: tls && { cert: absolute(tls.cert), key: absolute(tls.key) },
      state_dir: stateDir === 'none' ? null : absolute(stateDir),
    },
    websocket,
    admin,
    identity,
    blocklist: {
      ...blocklist,
      deny_files: blocklist.deny_files.map(unread),
      allow_files: blocklist.allow_files.map(unread),
    },
    methods,
    limits,
    store: parsed.store ?? { kind: stateDir === 'none' ? 'none' : 'sqlite' },
    redis: completeRedis(parsed.redis, absolute),
    usage,
    events: {
      ...events,
      sinks: events.sinks.map((sink) =>
        sink.type === 'module' ? { ...sink, path: absolute(sink.path) } : sink,
      ),
    },
    alerts,
    explain,
    logging,
    networks: completeNetworks(parsed, absolute),
    keys: parsed.keys.map(completeKey).filter((key) => key !== undefined),
  };
}

function completeNetworks(parsed: ParsedConfig, absolute: (path: string) => string): NetworkConfig[] {
  const names = Object.keys(networkSettings) as (keyof NetworkSettings)[];
  const settings = Object.fromEntries(names.map((name) => [name, parsed[name]])) as NetworkSettings;
  const complete = (upstreams: ParsedUpstream[]): UpstreamConfig[] =>
    upstreams.map((one) => completeUpstream(one, absolute));
  if (parsed.upstreams.length > 0) {
    return [{ name: 'default', path: '/', ...settings, upstreams: complete(parsed.upstreams) }];
  }
  return Object.entries(parsed.networks).map(([name, { path, upstreams, ...own }]) => ({
    name,
    path: path === '' ? `/${name}` : path,
    ...inheritSettings(settings, own),
    upstreams: complete(upstreams),
  }));
}

function completeUpstream(
  { auth, tls, ...rest }: ParsedUpstream,
  absolute: (path: string) => string,
): UpstreamConfig {
  return {
    ...rest,
    name: rest.name === '' ? rest.url.origin.replace(/^https?:\/\//, '') : rest.name,
    authorization: rest.url.authorization ?? authorizationOf(auth),
    tls: tls && { ca: absolute(tls.ca), certificates: '' },
  };
}

function authorizationOf(auth: ParsedUpstream['auth']): string | null {
  if (auth?.basic) {
    const { user, password } = auth.basic;
    return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  }
  return auth?.bearer ? `Bearer ${auth.bearer}` : null;
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
