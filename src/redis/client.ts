import type { Cluster, ClusterOptions, Redis, RedisOptions } from 'ioredis';
import type { RedisSettings } from '../config/index.ts';

/** Connects by itself, and again and again. Nothing waits in it: a command that cannot be sent fails at once. */
export type RedisClient = Redis | Cluster;

/** No answer to anything for so many command timeouts, and at least so long: the connection is dead, and another is made. */
const SILENT_COMMANDS = 10;
const SILENT_MS_MIN = 500;
/** Between two tries to connect, at most: Redis that is back is found within a second. */
const RETRY_MS_MAX = 1000;
/** What a connection that we gave up may still take to close. */
const CLOSE_MS = 100;

/**
 * A connection to Redis, to the master that Sentinels name, or to all nodes of a Cluster; under way when this resolves. Loads the driver
 * (50 ms, 27 MB) with the first call. The listener hears of every trouble: without one the driver prints it.
 */
export async function createRedisClient(
  settings: RedisSettings,
  onTrouble: (error: Error) => void,
): Promise<RedisClient> {
  const { Cluster, Redis } = await import('ioredis');
  attend(Redis);
  const { to } = settings;
  if (to.kind !== 'cluster') {
    const redis = new Redis({ ...optionsOf(settings), ...placeOf(settings) });
    redis.on('error', onTrouble);
    redis.on('sentinelError', onTrouble);
    return redis;
  }
  const nodes = to.nodes.map(({ host, port }) => ({ host, port }));
  const cluster = new Cluster(nodes, clusterOptions(settings));
  cluster.on('error', onTrouble);
  cluster.on('node error', onTrouble);
  // The driver connects to a node with the first command for it, and refuses all others until that stands.
  const connect = (): void => {
    // Before it is ready the driver looks at the nodes itself.
    if (cluster.status !== 'ready') return;
    for (const node of cluster.nodes('master'))
      if (node.status === 'wait') node.connect().catch(() => undefined);
  };
  cluster.on('ready', connect);
  cluster.on('refresh', connect);
  return cluster;
}

/**
 * Commands that the driver sends by itself and does not look at what becomes of: SUBSCRIBE as a Sentinel is connected to again, ASKING as a
 * slot moves. Where one failed, the process would end.
 */
const unattended = ['subscribe', 'select', 'asking'] as const;
let attended = false;

function attend(driver: typeof Redis): void {
  if (attended) return;
  attended = true;
  const methods = driver.prototype as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  for (const name of unattended) {
    const send = methods[name]!;
    methods[name] = function (this: Redis, ...args) {
      // A Sentinel that is listened to: what goes wrong there would be printed.
      if (this.listenerCount('error') === 0) this.on('error', () => undefined);
      const sent = send.apply(this, args);
      sent.catch(() => undefined);
      return sent;
    };
  }
}

/** From 50 ms up to a second, some of it by chance: not all instances come at once. */
const retryMs = (times: number): number =>
  Math.min(50 * 2 ** Math.min(times - 1, 6), RETRY_MS_MAX) * (0.7 + 0.3 * Math.random());

function tlsOf({ tls }: RedisSettings): { tls?: { rejectUnauthorized: true; ca?: string } } {
  if (tls === null) return {};
  // Said here, the environment (NODE_TLS_REJECT_UNAUTHORIZED) cannot say otherwise.
  return { tls: { rejectUnauthorized: true, ...(tls.ca !== null && { ca: tls.certificates }) } };
}

function optionsOf(settings: RedisSettings): RedisOptions {
  const { command_timeout: commandMs, connect_timeout: connectMs } = settings;
  return {
    ...tlsOf(settings),
    username: settings.username ?? undefined,
    password: settings.password ?? undefined,
    db: settings.db,
    connectionName: 'polymorph',
    // RESP2: no HELLO, which an ACL or a proxy before Redis may not know.
    protocol: 2,
    disableClientInfo: true,
    commandTimeout: commandMs,
    connectTimeout: connectMs,
    socketTimeout: Math.max(SILENT_MS_MIN, SILENT_COMMANDS * commandMs),
    disconnectTimeout: CLOSE_MS,
    keepAlive: 10_000,
    enableOfflineQueue: false,
    // What was sent and not answered fails as the connection ends, and is not sent again.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // While it loads its data from disk.
    maxLoadingRetryTime: RETRY_MS_MAX,
    retryStrategy: retryMs,
    // It was a master: where we connect to now one may be found.
    reconnectOnError: (error) => /(?:^|[\s-])READONLY\b/.test(error.message),
  };
}

function placeOf(settings: RedisSettings): RedisOptions {
  const { to, connect_timeout: connectMs } = settings;
  if (to.kind === 'single') return { host: to.host, port: to.port };
  if (to.kind === 'cluster') return {};
  const { tls } = tlsOf(settings);
  return {
    sentinels: to.sentinels.map(({ host, port }) => ({ host, port })),
    name: to.name,
    sentinelUsername: to.username ?? undefined,
    sentinelPassword: to.password ?? undefined,
    ...(tls && { sentinelTLS: tls, enableTLSForSentinelMode: true }),
    // One that is frozen is passed by.
    sentinelCommandTimeout: Math.min(500, connectMs),
    sentinelRetryStrategy: retryMs,
    sentinelReconnectStrategy: retryMs,
    // They tell of a new master: the old one may go on taking what we write.
    failoverDetector: true,
  };
}

function clusterOptions(settings: RedisSettings): ClusterOptions {
  const {
    enableOfflineQueue: _queue,
    retryStrategy: _retry,
    db: _db,
    reconnectOnError: _readonly,
    ...redisOptions
  } = optionsOf(settings);
  return {
    redisOptions,
    enableOfflineQueue: false,
    clusterRetryStrategy: retryMs,
    // Without it a node that restarts with its slots would never be connected to again.
    clusterNodeRetryStrategy: retryMs,
    // Names stay names: certificates are for them.
    dnsLookup: (host, found) => found(null, host),
    slotsRefreshTimeout: settings.connect_timeout,
    slotsRefreshInterval: RETRY_MS_MAX,
    maxRedirections: 4,
    // A call does not wait for a node to come back.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    retryDelayOnTryAgain: 10,
  };
}
