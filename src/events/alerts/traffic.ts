import type { AlertMetric } from '../../config/index.ts';
import { quantile } from '../../metrics/index.ts';
import type { TrafficSample } from './traffic-sample.ts';

/** What is looked at: the last minute, or as long as an alert’s `for`, where that is shorter. */
const WINDOW_MAX_MS = 60_000;

export type TrafficMetric = Extract<
  AlertMetric,
  'refused_ratio' | 'error_ratio' | 'latency_p50' | 'latency_p99' | 'calls_per_second'
>;

/** The last minute of traffic. */
export interface Traffic {
  add(sample: TrafficSample): void;
  /** Over the window that `forMs` asks for; null: it was not watched that long yet, or fewer than `callsMin` calls say nothing. */
  read(metric: TrafficMetric, forMs: number, callsMin: number): number | null;
}

export function createTraffic(): Traffic {
  const samples: TrafficSample[] = [];

  return {
    add(sample) {
      samples.push(sample);
      // The one before the window is its beginning.
      while (samples.length > 2 && sample.atMs - samples[1]!.atMs >= WINDOW_MAX_MS) samples.shift();
    },
    read(metric, forMs, callsMin) {
      const to = samples.at(-1);
      if (to === undefined) return null;
      const windowMs = forMs === 0 ? WINDOW_MAX_MS : Math.min(forMs, WINDOW_MAX_MS);
      const from = samples.findLast(({ atMs }) => to.atMs - atMs >= windowMs);
      return from === undefined ? null : readings[metric](from, to, callsMin);
    },
  };
}

type Reading = (from: TrafficSample, to: TrafficSample, callsMin: number) => number | null;

function share(of: 'refused' | 'failed'): Reading {
  return (from, to, callsMin) => {
    const calls = to.calls - from.calls;
    return calls < callsMin ? null : (to[of] - from[of]) / calls;
  };
}

function latency(q: number): Reading {
  return ({ latency: before }, { latency: after }, callsMin) => {
    const count = after.count - before.count;
    if (count < callsMin) return null;
    const buckets = after.buckets.map((inside, bucket) => inside - before.buckets[bucket]!);
    return quantile({ count, sumMicros: after.sumMicros - before.sumMicros, buckets }, q) / 1_000_000;
  };
}

const readings: Record<TrafficMetric, Reading> = {
  refused_ratio: share('refused'),
  error_ratio: share('failed'),
  latency_p50: latency(0.5),
  latency_p99: latency(0.99),
  // No calls at all is a rate, too.
  calls_per_second: (from, to) => ((to.calls - from.calls) * 1000) / (to.atMs - from.atMs),
};
