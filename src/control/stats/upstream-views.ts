import type { UpstreamStatsView } from '../../admin/index.ts';
import { LATENCY_BUCKETS, rowName, upstreamAt, upstreamHistogramAt } from '../../metrics/index.ts';
import { latencyOf } from './call-counts.ts';
import type { StatsSources } from './sources.ts';

/** Every upstream of the config: what checks, breakers and workers say of it. */
export function upstreamViews({
  figures,
  networks,
  health,
}: Pick<StatsSources, 'figures' | 'networks' | 'health'>): UpstreamStatsView[] {
  const checked = new Map(
    health().flatMap(({ network, upstreams }) =>
      upstreams.map((upstream) => [rowName(network, upstream.upstream), upstream] as const),
    ),
  );
  return networks().flatMap(({ name: network, upstreams }) =>
    upstreams.map(({ name: upstream, breaker }) => {
      const row = rowName(network, upstream);
      const found = checked.get(row);
      const numbers = figures.upstreams.find(row);
      const counts = numbers?.subarray(upstreamHistogramAt, upstreamHistogramAt + LATENCY_BUCKETS);
      return {
        network,
        upstream,
        state: found?.state ?? 'unknown',
        reason: found?.reason ?? null,
        breaker,
        head: found?.head ?? null,
        lag: found?.lag ?? null,
        calls: numbers?.[upstreamAt.calls] ?? 0,
        failures: numbers?.[upstreamAt.failures] ?? 0,
        inFlight: numbers?.[upstreamAt.inFlight] ?? 0,
        latency: latencyOf(counts ?? [], numbers?.[upstreamAt.micros] ?? 0),
      };
    }),
  );
}
