import type { Methods, ScopeView, Summary } from '../../admin/index.ts';
import { callAt, LATENCY_BUCKETS, methodAt, partsOfName, threadAt } from '../../metrics/index.ts';
import { callCountsOf, callsOf, fineLatencyOf, latencyOf, methodLatencies } from './call-counts.ts';
import type { StatsSources } from './sources.ts';
import { upstreamViews } from './upstream-views.ts';

/** `/stats/summary`: all that is counted. */
export function summaryOf(sources: StatsSources, scope: ScopeView): Summary {
  const { figures, startedAtMs } = sources;
  const now = sources.wallMs();
  const total = figures.methods.total();
  const { counters, latencies } = figures.totals();
  const config = sources.config();
  const heaps = figures.threads.reduce((sum, thread) => sum + thread[threadAt.heapBytes]!, 0);
  return {
    at: timeOf(now),
    scope,
    startedAt: timeOf(startedAtMs),
    uptimeSeconds: Math.max(0, (now - startedAtMs) / 1000),
    version: sources.version,
    totals: callCountsOf(total),
    latency: {
      total: latencyOf(
        total.subarray(methodAt.total, methodAt.total + LATENCY_BUCKETS),
        total[callAt.totalMicros]!,
      ),
      proxy: fineLatencyOf(latencies.proxy),
      upstream: fineLatencyOf(latencies.upstream),
    },
    networks: byNetwork(sources),
    upstreams: upstreamViews(sources),
    cache: {
      hits: counters.cacheHits,
      joined: counters.cacheJoined,
      misses: counters.cacheMisses,
      stores: counters.cacheStores,
      evictions: counters.cacheEvictions,
      entries: counters.cacheEntries,
      bytes: counters.cacheBytes,
      shared: {
        hits: counters.sharedHits,
        misses: counters.sharedMisses,
        errors: counters.sharedErrors,
        puts: counters.sharedPuts,
        dropped: counters.sharedDropped,
      },
    },
    http: {
      connections: counters.connectionsOpen,
      requests: counters.requestsFast + counters.requestsFallback,
      refused: counters.requestsRefused,
      batches: counters.batches,
    },
    websocket: {
      connections: counters.socketsOpen,
      subscriptions: counters.subscriptionsOpen,
      messages: counters.socketMessages,
      events: counters.events,
    },
    shadow: shadowsOf(sources),
    usage: usageOf(sources, now),
    redis: redisOf(sources),
    events: sources.events(),
    bans: sources.bans(),
    config: {
      generation: config.generation,
      hash: config.hash,
      appliedAt: timeOf(config.appliedAtMs),
      reloads: { applied: sources.reloads.applied, refused: sources.reloads.refused },
    },
    workers: sources.workers().map(({ state, restarts }, worker) => ({ worker, state, restarts })),
    eventLoops: loopsOf(sources),
    memory: {
      rssBytes: process.memoryUsage.rss(),
      heapBytes: sources.mainHeapBytes() + heaps,
      externalBytes: process.memoryUsage().external,
    },
  };
}

/** `/stats/methods`. */
export function methodsOf(
  { figures, wallMs }: Pick<StatsSources, 'figures' | 'wallMs'>,
  scope: ScopeView,
): Methods {
  const methods: Methods['methods'] = [];
  figures.methods.each(({ name, numbers }) => {
    const [network, method] = partsOfName(name);
    methods.push({ network, method, ...callCountsOf(numbers), latency: methodLatencies(numbers) });
  });
  methods.sort((a, b) => b.calls - a.calls);
  return { at: timeOf(wallMs()), scope, methods };
}

function byNetwork({ figures }: StatsSources): Summary['networks'] {
  const sums = new Map<string, Float64Array>();
  figures.methods.each(({ name, numbers }) => {
    const [network] = partsOfName(name);
    const sum = sums.get(network);
    if (sum === undefined) sums.set(network, numbers.slice());
    else for (let at = 0; at < sum.length; at++) sum[at]! += numbers[at]!;
  });
  return [...sums]
    .toSorted(([, a], [, b]) => callsOf(b) - callsOf(a))
    .map(([network, sum]) => ({ network, ...callCountsOf(sum) }));
}

function shadowsOf({ figures }: StatsSources): Summary['shadow'] {
  const rules: Summary['shadow'] = [];
  figures.shadows.each(({ name, numbers }) =>
    rules.push({ rule: name || 'other', wouldRefuse: numbers[0]! }),
  );
  return rules.toSorted((a, b) => b.wouldRefuse - a.wouldRefuse);
}

function usageOf(sources: StatsSources, now: number): Summary['usage'] {
  const store = sources.store();
  if (store === null) return null;
  const { lagBytes, behindSinceMs } = store.journals;
  return {
    lagBytes,
    behindSeconds: behindSinceMs === null ? null : Math.max(0, (now - behindSinceMs) / 1000),
    lost: store.lost,
  };
}

function redisOf(sources: StatsSources): Summary['redis'] {
  const redis = sources.redis();
  if (redis === null) return null;
  const { away, sinceMs, reason, instance, members, leases } = redis;
  return { up: !away, since: timeOf(sinceMs), reason, instance, instances: members.length, leases };
}

function loopsOf({ mainLoop, figures }: StatsSources): Summary['eventLoops'] {
  return [
    { thread: 'main', ...mainLoop() },
    ...figures.threads.map((thread, worker) => ({
      thread: `worker ${worker}`,
      lagMicros: thread[threadAt.lagMicros]!,
      maxLagMicros: thread[threadAt.maxLagMicros]!,
    })),
  ];
}

function timeOf(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
