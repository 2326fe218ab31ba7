import { callAt, decisions, methodAt, upstreamAt, upstreamHistogramAt } from './columns.ts';
import { type CounterDefinition, type CounterName, definitions } from './definitions.ts';
import { type HistogramNames, histogramNames, labelText, type MetricsPage } from './exposition.ts';
import { type FamilyName, familyOf } from './families.ts';
import type { Figures } from './figures.ts';
import { partsOfName } from './figures-memory.ts';
import { countBelow, type HistogramTotals } from './histogram.ts';
import { LATENCY_BUCKETS, latencyBucketEnd } from './octaves.ts';

/** A family that this file writes: a name that is not defined does not compile. */
const add = (page: MetricsPage, family: FamilyName, labels: string, value: number): void =>
  page.add(family, labels, value);

/** Writes what workers count. Labels are made once and kept, so keep it. */
export function createFigureSamples(figures: Figures): (page: MetricsPage) => void {
  const methodLabels: string[] = [];
  const upstreamLabels: string[] = [];
  const methodNames: HistogramNames[] = [];
  const upstreamNames: HistogramNames[] = [];
  const proxyNames = histogramNames('polymorph_proxy_duration_seconds', '');
  const waitNames = histogramNames('polymorph_limit_wait_duration_seconds', '');
  const counters = Object.entries<CounterDefinition>(definitions).map(([name, definition]) => ({
    name: name as CounterName,
    family: familyOf(definition),
    labels: definition.label === undefined ? '' : labelText([definition.label[0]], [definition.label[1]]),
  }));

  function writeMethods(page: MetricsPage): void {
    figures.methods.each(({ name, numbers }, index) => {
      const labels = (methodLabels[index] ??= labelText(['network', 'method'], partsOfName(name)));
      for (const [column, decision] of decisions.entries()) {
        const value = numbers[column]!;
        if (value > 0) add(page, 'polymorph_requests_total', `${labels},outcome="${decision}"`, value);
      }
      const at = (column: keyof typeof callAt): number => numbers[callAt[column]]!;
      const answered = at('allowed') + at('burst') - at('failed');
      // All of them from the first call on: a rate over a series that begins with its first count misses it.
      add(page, 'polymorph_rate_limited_total', labels, at('exceeded'));
      add(page, 'polymorph_burst_used_total', labels, at('burst'));
      add(page, 'polymorph_failed_requests_total', labels, at('failed'));
      add(page, 'polymorph_node_errors_total', labels, at('errors'));
      add(page, 'polymorph_cost_units_total', labels, at('cost'));
      if (answered === 0) return;
      const bySource = [
        ['upstream', answered - at('cached') - at('joined')],
        ['cache', at('cached')],
        ['joined', at('joined')],
      ] as const;
      for (const [source, value] of bySource)
        if (value > 0) add(page, 'polymorph_answers_total', `${labels},source="${source}"`, value);
      add(page, 'polymorph_request_proxy_seconds_total', labels, numbers[methodAt.proxyMicros]! / 1e6);
      add(page, 'polymorph_request_upstream_seconds_total', labels, numbers[methodAt.upstreamMicros]! / 1e6);
      const counts = numbers.subarray(methodAt.total, methodAt.total + LATENCY_BUCKETS);
      const names = (methodNames[index] ??= histogramNames('polymorph_request_duration_seconds', labels));
      page.addHistogram('polymorph_request_duration_seconds', names, counts, at('totalMicros'));
    });
  }

  function writeUpstreams(page: MetricsPage): void {
    figures.upstreams.each(({ name, numbers }, index) => {
      const labels = (upstreamLabels[index] ??= labelText(['network', 'upstream'], partsOfName(name)));
      for (const [family, column] of upstreamFamilies) add(page, family, labels, numbers[column]!);
      const counts = numbers.subarray(upstreamHistogramAt, upstreamHistogramAt + LATENCY_BUCKETS);
      const sum = numbers[upstreamAt.micros]!;
      const names = (upstreamNames[index] ??= histogramNames('polymorph_upstream_duration_seconds', labels));
      page.addHistogram('polymorph_upstream_duration_seconds', names, counts, sum);
    });
  }

  return (page) => {
    const { counters: totals, latencies } = figures.totals();
    for (const { name, family, labels } of counters) page.add(family, labels, totals[name]);
    writeMethods(page);
    writeUpstreams(page);
    figures.shadows.each(({ name, numbers }) =>
      add(page, 'polymorph_shadow_refused_total', labelText(['rule'], [name || 'other']), numbers[0]!),
    );
    const { proxy, limitWait } = latencies;
    page.addHistogram('polymorph_proxy_duration_seconds', proxyNames, coarse(proxy), proxy.sumMicros);
    page.addHistogram(
      'polymorph_limit_wait_duration_seconds',
      waitNames,
      coarse(limitWait),
      limitWait.sumMicros,
    );
  };
}

/** What a fine histogram has in each of the published buckets. */
function coarse(fine: HistogramTotals): number[] {
  let before = 0;
  return Array.from({ length: LATENCY_BUCKETS }, (_, bucket) => {
    const below = bucket === LATENCY_BUCKETS - 1 ? fine.count : countBelow(fine, latencyBucketEnd(bucket));
    const inside = below - before;
    before = below;
    return inside;
  });
}

const upstreamFamilies = [
  ['polymorph_upstream_calls_total', upstreamAt.calls],
  ['polymorph_upstream_failures_total', upstreamAt.failures],
  ['polymorph_upstream_connections_total', upstreamAt.connectionsTotal],
  ['polymorph_upstream_exchanges_total', upstreamAt.exchanges],
  ['polymorph_upstream_received_bytes_total', upstreamAt.bytesIn],
  ['polymorph_upstream_sent_bytes_total', upstreamAt.bytesOut],
  ['polymorph_upstream_connections_open', upstreamAt.connections],
  ['polymorph_upstream_calls_in_flight', upstreamAt.inFlight],
] as const satisfies readonly (readonly [FamilyName, number])[];
