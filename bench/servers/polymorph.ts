import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { callerKeys, refusedKey } from '../calls.ts';
import { type Context, freePort } from '../context.ts';
import { type Server, whenReady } from './server.ts';

export const modes = ['single', 'pipelined', 'batched'] as const;
export type Mode = (typeof modes)[number];

export interface Setup {
  name: string;
  upstreamPorts: readonly number[];
  mode: Mode;
  workers: number;
  /** Cores of main and workers together; all if not given. */
  cores?: string;
  /** Replaces the bench's `limits` section. */
  limits?: string;
  /** Replaces the bench's `keys` section. */
  keys?: string;
  /** Replaces {@link passingCache}. */
  cache?: string;
  /** Upstreams have WebSocket, too, and sockets no bounds. */
  subscribable?: boolean;
  /** Where it keeps usage, in SQLite; nowhere if not given. */
  stateDir?: string;
  /** Further sections, as YAML. */
  more?: string;
  /** Whether identical calls under way are joined; default true. */
  coalesce?: boolean;
  /** Variables of its environment, beside the bench's own, as `env` takes them. */
  environment?: readonly string[];
  /** Options of Node itself. */
  nodeOptions?: readonly string[];
}

export interface Polymorph extends Server {
  configFile: string;
  /** The config as it was at the start. */
  config: string;
}

/**
 * None of the pool's calls is answered from the cache: at most some 120 of them have room, and what is kept is too old when
 * its call comes again.
 */
export const passingCache = '{ max_bytes: 64KiB, head_ttl: 5ms }';

/** Nothing is kept, and no call waits for another. */
export const withoutCache = { cache: '{ enabled: false }', coalesce: false } as const;

/** Answers at the head are kept as long as may be. */
export const holdingCache = '{ head_ttl: 1m }';

/**
 * Starts PolymorphProxy with everything on: keys, three rules and a ceiling, RateLimit headers, counters; health checks,
 * breaker, retries, cache and coalescing where the program knows them.
 */
export async function startPolymorph(
  context: Context,
  setup: Setup,
  program = context.options.program,
): Promise<Polymorph> {
  const port = await freePort();
  const config = configOf(setup, port, await freePort(), context.knowsUpstreams);
  const configFile = join(context.directory, `${setup.name}.yaml`);
  writeFileSync(configFile, config);
  const { environment = [], nodeOptions = [] } = setup;
  const args = [...environment, process.execPath, ...nodeOptions, program, 'start', '--config', configFile];
  const started = context.processes.start(setup.name, 'env', args, setup.cores);
  return { ...(await whenReady(started, port)), configFile, config };
}

/** The rules and the ceiling of all measurements: they are evaluated for each call and admit all. */
export const admitAll = `limits:
  default: { requests: 10000000, period: 1s, burst_size: 1000000 }
  groups:
    read: { requests: 10000000, period: 1s, burst_size: 1000000 }
  methods:
    eth_getLogs: { requests: 1000000, period: 1s, burst_size: 1000000 }
  ceilings:
    - { name: per-address, per: address, requests: 10000000, period: 1s }`;

/** The YAML file; sections that older programs do not know are left out unless `knowsUpstreams`. */
export function configOf(setup: Setup, port: number, adminPort: number, knowsUpstreams: boolean): string {
  const wsUrl = (to: number) => (setup.subscribable ? `ws_url: "ws://127.0.0.1:${to}", ` : '');
  const upstreams = setup.upstreamPorts.map(
    (to) => `  - { url: "http://127.0.0.1:${to}", ${wsUrl(to)}mode: ${setup.mode} }`,
  );
  const sockets = setup.subscribable ? 'websocket: { max_connections: 0, max_subscriptions: 0 }\n' : '';
  const { cache = passingCache, coalesce = true } = setup;
  const answers = knowsUpstreams ? `cache: ${cache}\ncoalesce: ${coalesce}` : '';
  return `server:
  listen: 127.0.0.1:${port}
  workers: ${setup.workers}
  trusted_proxies: [127.0.0.1]
  state_dir: ${setup.stateDir ?? 'none'}
admin:
  listen: 127.0.0.1:${adminPort}
upstreams:
${upstreams.join('\n')}
${answers}
${sockets}methods:
  groups:
    read: [eth_get*, eth_call]
  costs: { eth_getLogs: 10 }
  blocked: [admin_*, personal_*]
${setup.limits ?? admitAll}
${setup.keys ?? benchKeys()}
${setup.more ?? ''}
`;
}

function benchKeys(): string {
  const callers = callerKeys.map((key, n) => `  - { name: caller-${n}, key: ${key} }`);
  const refused = `  - { name: refused, key: ${refusedKey}, limits: { methods: { eth_call: { requests: 1, period: 24h } } } }`;
  return ['keys:', ...callers, refused].join('\n');
}
