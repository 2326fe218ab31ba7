import { createHash } from 'node:crypto';
import { freePorts } from './ports.ts';
import { type RedisServer, startRedis } from './server.ts';

export const masterName = 'main';

/** A master, its replica, and three Sentinels of which two agree on a failover. */
export interface SentinelGroup extends AsyncDisposable {
  /** In the order they were started; the first was the master then. */
  readonly servers: readonly [RedisServer, RedisServer];
  readonly sentinels: readonly RedisServer[];
  /** `host:port` of the Sentinels. */
  readonly addresses: string[];
  /** Whom the Sentinels hold for the master. */
  master(): Promise<RedisServer>;
  /**
   * Makes the replica the master, as an operator asks for it; resolves when it is. The old master goes on as one for up to 10 s,
   * until Sentinels look at it again, unless `demote` does that at once.
   */
  failOver(options?: { demote?: boolean }): Promise<void>;
}

export interface SentinelOptions {
  /** Of the two servers. */
  password?: string;
  /** Of the Sentinels. */
  sentinelPassword?: string;
  /** Milliseconds until a silent master is held for dead. */
  downAfterMs?: number;
}

/** Ready in 2 s: they know each other from the start. */
export async function startSentinels(options: SentinelOptions = {}): Promise<SentinelGroup> {
  const { password, sentinelPassword, downAfterMs = 500 } = options;
  const [first = 0, second = 0, ...ports] = await freePorts(5);
  const login: Record<string, string> = password === undefined ? {} : { masterauth: password };
  const servers = await Promise.all([
    startRedis({ port: first, password, directives: login }),
    startRedis({ port: second, password, directives: { ...login, replicaof: `127.0.0.1 ${first}` } }),
  ]);
  const idOf = (port: number): string => createHash('sha1').update(String(port)).digest('hex');
  const sentinels = await Promise.all(
    ports.map((port) =>
      startRedis({
        ...{ port, password: sentinelPassword, mode: 'sentinel' },
        directives: {
          'sentinel myid': idOf(port),
          'sentinel monitor': `${masterName} 127.0.0.1 ${first} 2`,
          'sentinel down-after-milliseconds': `${masterName} ${downAfterMs}`,
          'sentinel failover-timeout': `${masterName} 1000`,
          ...(password !== undefined && { 'sentinel auth-pass': `${masterName} ${password}` }),
          ...(sentinelPassword !== undefined && { 'sentinel sentinel-pass': sentinelPassword }),
          'sentinel known-replica': `${masterName} 127.0.0.1 ${second}`,
          ...Object.fromEntries(
            ports
              .filter((other) => other !== port)
              .map((other, index) => [
                `sentinel known-sentinel${' '.repeat(index + 1)}`,
                `${masterName} 127.0.0.1 ${other} ${idOf(other)}`,
              ]),
          ),
        },
      }),
    ),
  );
  const master = async (): Promise<RedisServer> => {
    const address = await sentinels[0]!.call('SENTINEL', 'get-master-addr-by-name', masterName);
    return servers.find(({ port }) => String(port) === (address as string[] | null)?.[1])!;
  };
  const linked = async (): Promise<boolean> =>
    String(await servers[1].call('INFO', 'replication')).includes('master_link_status:up');
  await until(linked);
  return {
    ...{ servers, sentinels, master },
    addresses: ports.map((port) => `127.0.0.1:${port}`),
    async failOver({ demote = false } = {}) {
      const before = await master();
      // Refused for a moment where the Sentinel has not heard of the replica yet.
      await until(() =>
        sentinels[0]!.call('SENTINEL', 'FAILOVER', masterName).then(
          () => true,
          () => false,
        ),
      );
      await until(async () => (await master()) !== before);
      const now = await master();
      await until(async () => String(await now.call('INFO', 'replication')).includes('role:master'));
      if (!demote) return;
      await before.call('REPLICAOF', now.host, now.port);
      await until(async () =>
        String(await before.call('INFO', 'replication')).includes('master_link_status:up'),
      );
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...sentinels, ...servers].map((one) => one[Symbol.asyncDispose]()));
    },
  };
}

const patienceMs = 20_000;

/** Asks until it is so. */
export async function until(so: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await so())) {
    if (performance.now() > deadline) throw new Error(`not in ${patienceMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
