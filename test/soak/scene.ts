import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PostgresServer } from '../../src/store/testing/postgres.ts';
import { noKey } from '../../src/usage/index.ts';
import type { RedisServer } from '../redis/server.ts';
import { type StoreGateway, startStoreGateway } from '../store/gateway.ts';
import { type Books, createBooks } from './books.ts';
import type { Caller } from './caller.ts';
import { BATCH_MAX, BODY_MAX, createLoad, type Load } from './callers.ts';
import { createIntruders, autoBan, type Intruders } from './intruders.ts';
import { createKeeper, type Keeper } from './keeper.ts';
import { type SoakNodes, startSoakNodes } from './nodes.ts';
import { blocked, costs } from './questions.ts';
import { createSky, type Sky } from './sky.ts';
import { createStanding, type Standing } from './standing.ts';
import { type Hook, startHook } from './told.ts';

/** One gateway, or several that are one, with all that they need and everything turned on; and their load, not begun. */
export interface Scene {
  readonly sky: Sky;
  readonly nodes: SoakNodes;
  readonly books: Books;
  readonly load: Load;
  readonly keeper: Keeper;
  readonly intruders: Intruders;
  readonly hook: Hook;
  readonly gateways: StoreGateway[];
  readonly folders: readonly string[];
  /** Output of all programs, those that ended included. */
  output(): string;
  /** Begins all callers; `pace`: more is more calls, 1 is some 350 a second. */
  begin(pace: number): void;
  /** Ends the load and waits until nothing is under way. */
  rest(): Promise<void>;
  /** A new config for all instances, which takes a key in or out; or a bad one. */
  reload(bad?: boolean): Promise<void>;
  /** Reloads that were told as taken over and as refused, of each instance. */
  readonly reloads: { applied: number; refused: number };
  start(index: number): Promise<void>;
  /** The line of the one whose limit has a burst, in usage. */
  readonly limitedLine: string;
  /** Every key's text that was ever used, and other secrets. */
  secrets(): string[];
  stop(): Promise<void>;
}

export interface SceneOptions {
  name: string;
  instances?: number;
  workers?: number;
  postgres?: PostgresServer;
  redis?: RedisServer;
  mode?: 'single' | 'pipelined' | 'batched';
  random?: () => number;
  /** Sections of the config in place of ours. */
  more?: object;
  /** Of each instance's folder, before it starts, and once it has ended. */
  prepare?: (folder: string) => void;
  clear?: () => void;
  /** Their clocks are moved. */
  clocks?: boolean;
  /** Added to an instance's environment. */
  env?: (index: number) => Readonly<Record<string, string>>;
}

const limitRule = { requests: 10, period: '1s', burst_size: 5 };
/** Of all instances together: what the limited caller may have at once, and a second. */
export const LIMIT = { capacity: 15, perSecond: 10 };
export const QUOTA = 100;
const adminToken = 'soak-admin-token-of-an-operator';

const preload = new URL('./mortal.ts', import.meta.url).href;

export async function startScene(options: SceneOptions): Promise<Scene> {
  const {
    name,
    instances = 1,
    workers = 2,
    postgres,
    redis,
    mode = 'single',
    random = Math.random,
  } = options;
  const [sky, books, nodes, hook] = [
    createSky(),
    createBooks(),
    await startSoakNodes(),
    await startHook(options),
  ];
  const store = await postgres?.createDatabase();
  const folders = await Promise.all(
    Array.from({ length: instances }, () => mkdtemp(join(tmpdir(), `polymorph-${name}-`))),
  );
  for (const folder of folders) options.prepare?.(folder);
  const gateways: StoreGateway[] = [];
  const ended: string[] = [];
  const ids = new Map<string, string>();
  const stopping = new AbortController();
  let generation = 1;
  let turn = 0;

  const textOf = (key: string): string => `${name}-${key}-key-of-22-characters`;
  const configKeys = [
    { name: 'plain', key: textOf('plain') },
    { name: 'limited', key: textOf('limited'), limits: { default: limitRule } },
    {
      ...{ name: 'metered', key: textOf('metered') },
      quota: { requests: QUOTA, period: 'month', warn_at: [50, 90] },
    },
  ];
  const passing: { text: string; standing: Standing } = {
    text: textOf('passing'),
    standing: createStanding(sky, true),
  };

  function config(): object {
    const sinks = [
      {
        ...{ name: 'hook', type: 'webhook', url: hook.url, secrets: [hook.secret], allow_private: true },
        retries: Array.from({ length: 12 }, () => '300ms'),
      },
      { name: 'out', type: 'stdout' },
      { name: 'table', type: 'database' },
      ...(redis === undefined
        ? []
        : [
            {
              name: 'stream',
              type: 'redis-stream',
              url: redis.url,
              stream: `${name}:events`,
              retries: Array.from({ length: 20 }, () => '1s'),
            },
          ]),
    ];
    const isIn = generation % 2 === 1;
    return {
      server: {
        ...{ workers, drain_timeout: '5s', trusted_proxies: ['127.0.0.1'] },
        ...{ max_batch_size: BATCH_MAX, max_body_bytes: BODY_MAX },
      },
      admin: { token: adminToken },
      upstreams: nodes.nodes.map(({ url }, at) => ({
        name: `node-${at}`,
        url,
        mode,
        timeout: '3s',
        first_byte_timeout: '3s',
      })),
      timeout: '15s',
      health: { interval: '500ms', timeout: '1s' },
      // Closed again before the next fault: one after the other are to be borne, not two at once.
      breaker: { open: '2s' },
      hedge: { enabled: true, min_delay: '200ms' },
      cache: { enabled: true, max_bytes: '4MiB', ...(redis !== undefined && { shared: true }) },
      coalesce: true,
      subscriptions: { poll_interval: '200ms' },
      methods: { costs, blocked, groups: { logs: ['eth_getLogs'] } },
      limits: {
        default: 'none',
        methods: { web3_sha3: { requests: 10 + generation, period: '1s' } },
        ceilings: [{ name: 'all', per: 'global', requests: 1_000_000, period: '1s' }],
        headers: 'both',
      },
      keys: [...configKeys, ...(isIn ? [{ name: 'passing', key: passing.text }] : [])],
      blocklist: { deny: ['192.0.2.0/24'], auto_ban: autoBan },
      events: { window: '1s', sinks },
      // Full before it is looked at whether memory grows.
      explain: { max_records: 500 },
      alerts: [{ name: 'refusing', when: 'refused_ratio > 0.9 for 5s' }],
      usage: { raw_logs: 'sampled', raw_sample: 0.01 },
      logging: { level: 'debug', access_sample: 0.1, access_max_per_second: 50 },
      ...(store !== undefined && { store }),
      ...(redis !== undefined && { redis: redis.url }),
      ...options.more,
    };
  }

  async function start(index: number): Promise<void> {
    const gateway = await startStoreGateway({
      ...{ node: nodes.nodes[0]!.url, folder: folders[index]!, config: config(), adminToken },
      ...(store !== undefined && { store }),
      env: { NODE_OPTIONS: `--import ${preload}`, ...options.env?.(index) },
    });
    gateways[index] = gateway;
    void gateway.program.exited.then(() => ended.push(gateway.program.output()));
  }

  async function stop(): Promise<void> {
    await Promise.all(gateways.map((gateway) => gateway?.program.kill()));
    options.clear?.();
    await nodes[Symbol.asyncDispose]();
    await hook.close();
    await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
  }

  const starts = await Promise.allSettled(folders.map((_, index) => start(index)));
  const failed = starts.find((one) => one.status === 'rejected');
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  const any = (): StoreGateway => gateways[(turn += 1) % gateways.length]!;
  const port = (): number => any().program.port;
  const load = createLoad({ sky, books, chain: nodes.chain, port });
  const keeper = createKeeper(any, sky, random);
  const intruders = createIntruders({
    port,
    sky,
    wrong: load.judge.wrong,
    signal: stopping.signal,
    instances,
  });
  for (const key of ['plain', 'limited', 'metered', 'passing'])
    ids.set(key, (await gateways[0]!.operate('keys.show', { key }))['id']);

  const known = (): 'known' => 'known';
  const ofConfig = (key: string, more: Partial<Caller> = {}): Caller => ({
    ...{ name: key, key: () => textOf(key), keyId: () => ids.get(key), standing: known },
    ...more,
  });
  const callers = {
    plain: ofConfig('plain'),
    limited: ofConfig('limited', {
      ...{ place: 'header', bounded: 'limit' },
      ...(instances === 1 && { burst: limitRule.burst_size }),
    }),
    metered: ofConfig('metered', { bounded: 'quota' }),
    passing: ofConfig('passing', { standing: (_, fromMs, toMs) => passing.standing.during(fromMs, toMs) }),
    nobody: { name: 'nobody', key: () => undefined, keyId: () => noKey, standing: known } as Caller,
    stranger: {
      name: 'stranger',
      address: '198.51.100.7',
      key: () => undefined,
      keyId: () => noKey,
      standing: known,
    } as Caller,
  };
  const reloads = { applied: 0, refused: 0 };

  return {
    ...{ sky, nodes, books, load, keeper, intruders, hook, gateways, folders, reloads, start, stop },
    output: () => [...ended, ...gateways.map(({ program }) => program.output())].join('\n'),
    begin(pace) {
      const pauseMs = 60 / pace;
      for (const caller of [callers.plain, callers.nobody, callers.stranger, keeper.caller]) {
        load.calls(caller, pauseMs);
        load.batches(caller, 4 * pauseMs);
      }
      load.calls(callers.plain, pauseMs);
      for (let k = 0; k < 3; k += 1) load.calls(callers.limited, 40, 'read');
      load.calls(callers.metered, 60, 'read');
      load.calls(callers.passing, 100);
      load.nonsense(callers.stranger, 300);
      for (const caller of [callers.plain, callers.plain, callers.nobody, keeper.caller])
        load.socket(caller, 4 * pauseMs);
      load.repeat(() => keeper.step(), 400);
      load.repeat(() => intruders.intrude(), 200);
    },
    async rest() {
      stopping.abort();
      await load.stop();
    },
    async reload(bad = false) {
      const end = bad ? () => {} : passing.standing.begin();
      if (!bad) generation += 1;
      const lines = await Promise.all(
        gateways.map(({ program }) => program.reload(bad ? 'upstreams: [' : config())),
      );
      for (const { msg } of lines)
        if (msg.startsWith('config not reloaded') !== bad) load.judge.wrong(`a reload came to: ${msg}`);
      if (bad) reloads.refused += 1;
      else {
        reloads.applied += 1;
        end(generation % 2 === 1);
      }
    },
    limitedLine: `${ids.get('limited')} eth_call`,
    secrets: () => [
      ...configKeys.map(({ key }) => key),
      ...[passing.text, adminToken, hook.secret, hook.secret.slice('whsec_'.length)],
      ...keeper.texts,
      ...intruders.texts,
    ],
  };
}
