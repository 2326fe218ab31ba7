import { isLoopbackHost } from '../admin/index.ts';
import {
  type AddressFileMemo,
  type Config,
  createConfig,
  createKeyMemo,
  type Environment,
  formatListen,
  formatProblem,
  type ListenAddress,
  loadConfig,
  redisSecrets,
  renderProblem,
  type TlsMaterial,
} from '../config/index.ts';
import { sinkSecrets } from './events/sink-secrets.ts';

/** Plain data of the file's shape. */
export interface ConfigValue {
  server?: object;
  admin?: object;
  [section: string]: unknown;
}

/** Where the config comes from: a file that is watched, or a value made by the program, which never changes. */
export type ConfigSource =
  | { kind: 'file'; path: string }
  | { kind: 'value'; value: ConfigValue; name: string; directory: string };

/** What the command line says over the config. */
export interface ConfigOverrides {
  listen?: ListenAddress;
  adminListen?: ListenAddress | 'none';
  workers?: number;
  logLevel?: Config['logging']['level'];
  logFormat?: Config['logging']['format'];
}

export interface Configuration {
  config: Config;
  tls: TlsMaterial | null;
  /** Files it was read from, absolute; a change of any is a reason to read again. */
  files: readonly string[];
  /** Epoch milliseconds at which reading began. */
  readAtMs: number;
  /** One line each. */
  warnings(): string[];
}

/** A config that cannot be used. Lines for a log, and the same as compilers print them for a terminal. */
export interface BadConfiguration {
  problems: readonly string[];
  rendered: string;
  files: readonly string[];
}

/** Reads the same source again and again; what was parsed of its keys is kept from one time to the next. */
export function createConfigReader(
  source: ConfigSource,
  env: Environment,
  overrides: ConfigOverrides,
): () => Configuration | BadConfiguration {
  const memo = createKeyMemo();
  const addressFiles: AddressFileMemo = new Map();
  return () => {
    const readAtMs = Date.now();
    const result =
      source.kind === 'file'
        ? loadConfig(source.path, { env, memo, addressFiles })
        : createConfig(withListeners(source.value, overrides), source);
    if (!result.ok) {
      const errors = result.problems.filter(({ severity }) => severity === 'error');
      return {
        problems: errors.map(formatProblem),
        rendered: result.problems.map((problem) => renderProblem(problem, result.text)).join('\n'),
        files: result.files,
      };
    }
    const { config, tls, files } = result;
    const overridden = withOverrides(config, overrides);
    if (!('config' in overridden)) return { ...overridden, files };
    return {
      config: overridden.config,
      tls,
      files,
      readAtMs,
      warnings: () => result.warnings().map(formatProblem),
    };
  };
}

/** Listeners go in before the checks, which compare them with each other and with the upstreams. */
function withListeners(value: ConfigValue, { listen, adminListen }: ConfigOverrides): ConfigValue {
  const written = (address: ListenAddress | 'none') => (address === 'none' ? address : formatListen(address));
  return {
    ...value,
    server: { ...value.server, ...(listen && { listen: written(listen) }) },
    admin: { ...value.admin, ...(adminListen && { listen: written(adminListen) }) },
  };
}

function withOverrides(
  config: Config,
  { listen, adminListen, workers, logLevel, logFormat }: ConfigOverrides,
): { config: Config } | { problems: string[]; rendered: string } {
  if (
    adminListen &&
    adminListen !== 'none' &&
    !isLoopbackHost(adminListen.host) &&
    config.admin.token === null
  ) {
    const problem =
      '--admin-listen: beyond loopback the admin listener needs a token: set admin.token in a config';
    return { problems: [problem], rendered: problem };
  }
  return {
    config: Object.freeze({
      ...config,
      server: Object.freeze({
        ...config.server,
        listen: listen ?? config.server.listen,
        workers: workers ?? config.server.workers,
      }),
      admin: Object.freeze({ ...config.admin, listen: adminListen ?? config.admin.listen }),
      logging: Object.freeze({
        ...config.logging,
        level: logLevel ?? config.logging.level,
        format: logFormat ?? config.logging.format,
      }),
    }),
  };
}

/** What must not be seen in a log although the config holds it: credentials for upstreams, the store and sinks. */
export function secretsOf(config: Config): string[] {
  const upstreams = config.networks.flatMap(({ upstreams }) =>
    upstreams.flatMap(({ url, ws_url: socketUrl, authorization, headers }) => {
      const urls = socketUrl === null ? [url] : [url, socketUrl];
      // Hosted nodes are called by a URL with a key in its path.
      const paths = urls.map(({ path }) => path).filter((path) => /[\w-]{16,}/.test(path));
      // Without the scheme: a node may send back the token alone.
      const credentials = [authorization, socketUrl?.authorization ?? null].flatMap((one) =>
        one === null ? [] : [one.replace(/^\w+ /, '')],
      );
      return [...new Set([...paths, ...credentials, ...Object.values(headers)])];
    }),
  );
  return [...upstreams, ...storeSecrets(config.store), ...redisSecrets(config.redis), ...sinkSecrets(config)];
}

/** A driver's error may show the URL, or the password as it is typed. */
function storeSecrets(store: Config['store']): string[] {
  if (store.kind !== 'postgres') return [];
  const { password } = new URL(store.url);
  return [store.url, ...new Set([password, decodeURIComponent(password)].filter((text) => text !== ''))];
}
