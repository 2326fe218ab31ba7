import { getHeapStatistics } from 'node:v8';
import type { AdminPorts } from '../../admin/index.ts';
import { createLoopWatch } from '../../metrics/index.ts';
import { createUpstreamBoard, type BoardMemory, type HealthMonitor } from '../../upstream/index.ts';
import type { BanKeeper } from '../blocklist/ban-keeper.ts';
import type { RedisWatch } from '../cluster/redis-watch.ts';
import type { DataPlane } from '../data-plane.ts';
import type { EventsKeeper } from '../events/events-keeper.ts';
import type { PolicyKeeper } from '../policy-keeper.ts';
import type { ReloadResult } from '../reload.ts';
import type { StoreKeeper } from '../store/store-keeper.ts';
import { createCallerStats } from './callers.ts';
import { type ClusterFiguresOptions, createClusterFigures } from './cluster-figures.ts';
import { createKeyNames } from './key-names.ts';
import { createMetricsText } from './metrics-text.ts';
import { createScopes } from './scopes.ts';
import type { StatsSources } from './sources.ts';
import { methodsOf, summaryOf } from './summary.ts';

/** How often main looks how late it is, and how many looks a window has: two of them are ten seconds. */
const LOOK_MS = 100;
const WINDOW_LOOKS = 50;

export interface StatsParts {
  dataPlane: Pick<DataPlane, 'figures' | 'states'>;
  policy: PolicyKeeper;
  board: BoardMemory;
  health: Pick<HealthMonitor, 'state'>;
  store: Pick<StoreKeeper, 'facts'> | null;
  configHash(): string;
  version: string;
  events: Pick<EventsKeeper, 'state'>;
  bans: Pick<BanKeeper, 'count' | 'made'>;
  /** null: no other instance. */
  cluster: { redis: ClusterFiguresOptions['redis']; watch: Pick<RedisWatch, 'facts'> } | null;
  instanceId: string;
  wallMs(): number;
}

/** All figures of a running gateway, as the admin listener shows them. */
export interface Stats extends Pick<AdminPorts, 'metrics' | 'stats'> {
  reloaded(result: ReloadResult): void;
  close(): void;
}

export function createStats(parts: StatsParts): Stats {
  const { dataPlane, policy, board, wallMs } = parts;
  const reloads = { applied: 0, unchanged: 0, refused: 0 };
  let lastReload: ReloadResult['outcome'] | undefined;
  const breakers = createUpstreamBoard(board);
  const loop = createLoopWatch({
    intervalMs: LOOK_MS,
    windowTicks: WINDOW_LOOKS,
    nowMs: () => performance.now(),
  });
  const looks = setInterval(loop.tick, LOOK_MS);
  looks.unref();

  const sources: StatsSources = {
    figures: dataPlane.figures,
    version: parts.version,
    startedAtMs: wallMs(),
    wallMs,
    networks: () =>
      policy.snapshot.networks.map(({ name, upstreams }) => ({
        name,
        upstreams: upstreams.map((upstream) => ({
          name: upstream.name,
          breaker: breakers.breaker(upstream.slot).state,
        })),
      })),
    health: parts.health.state,
    workers: dataPlane.states,
    config: () => ({
      generation: policy.snapshot.generation,
      hash: parts.configHash(),
      appliedAtMs: policy.appliedAtMs,
    }),
    reloads,
    reloadSucceeded: () => lastReload !== 'refused',
    store: () => parts.store?.facts() ?? null,
    redis: () => parts.cluster?.watch.facts() ?? null,
    events: parts.events.state,
    bans: parts.bans.count,
    bansMade: parts.bans.made,
    mainLoop: () => ({ lagMicros: loop.lagMicros, maxLagMicros: loop.maxLagMicros }),
    mainHeapBytes: () => getHeapStatistics().used_heap_size,
  };
  const { figures } = dataPlane;
  const cluster = parts.cluster && createClusterFigures({ figures, redis: parts.cluster.redis });
  const scoped = createScopes({ figures, cluster, instanceId: parts.instanceId });
  const callers = createCallerStats(
    sources,
    createKeyNames(policy),
    () => policy.snapshot.identity.ipv6Prefix,
  );

  return {
    metrics: createMetricsText(sources),
    stats: {
      async summary(asked) {
        const { figures, scope } = await scoped(asked);
        return summaryOf({ ...sources, figures }, scope);
      },
      async methods(asked) {
        const { figures, scope } = await scoped(asked);
        return methodsOf({ ...sources, figures }, scope);
      },
      top: async (by, limit, asked) => callers.top(await scoped(asked), by, limit),
      identity: async (ref, asked) => callers.identity(await scoped(asked), ref),
      ledgerScope: policy.config.store.kind === 'postgres' ? 'cluster' : 'instance',
    },
    reloaded({ outcome }) {
      reloads[outcome]++;
      lastReload = outcome;
    },
    close() {
      clearInterval(looks);
      cluster?.stop();
    },
  };
}
