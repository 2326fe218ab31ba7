import type { CallCounts, Latencies, Latency } from '../../admin/index.ts';
import {
  callAt,
  decisions,
  type HistogramTotals,
  LATENCY_BUCKETS,
  latencyQuantile,
  methodAt,
  quantile,
} from '../../metrics/index.ts';

/** A row's columns by name. */
export function callCountsOf(numbers: Float64Array): CallCounts {
  const counts = { calls: callsOf(numbers) } as Record<keyof CallCounts, number>;
  for (const [name, at] of Object.entries(callAt))
    if (name !== 'totalMicros') counts[name as keyof CallCounts] = numbers[at]!;
  return counts;
}

/** Calls, whatever became of them. */
export function callsOf(numbers: Float64Array): number {
  let calls = 0;
  for (let at = 0; at < decisions.length; at++) calls += numbers[at]!;
  return calls;
}

/** Of counts by power of two. */
export function latencyOf(counts: ArrayLike<number>, sumMicros: number): Latency {
  return {
    count: Array.from(counts).reduce((sum, inside) => sum + inside, 0),
    sumMicros: Math.round(sumMicros),
    p50Micros: latencyQuantile(counts, 0.5),
    p90Micros: latencyQuantile(counts, 0.9),
    p99Micros: latencyQuantile(counts, 0.99),
  };
}

/** Of a fine histogram. */
export function fineLatencyOf(histogram: HistogramTotals): Latency {
  const at = (share: number) => (histogram.count === 0 ? null : Math.round(quantile(histogram, share)));
  return {
    count: histogram.count,
    sumMicros: Math.round(histogram.sumMicros),
    p50Micros: at(0.5),
    p90Micros: at(0.9),
    p99Micros: at(0.99),
  };
}

/** Of a method's row. */
export function methodLatencies(numbers: Float64Array): Latencies {
  const part = (at: number, sum: number) =>
    latencyOf(numbers.subarray(at, at + LATENCY_BUCKETS), numbers[sum]!);
  return {
    total: part(methodAt.total, callAt.totalMicros),
    proxy: part(methodAt.proxy, methodAt.proxyMicros),
    upstream: part(methodAt.upstream, methodAt.upstreamMicros),
  };
}
