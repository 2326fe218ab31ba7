import type { AlertMetric } from '../../config/index.ts';
import { quantile } from '../../metrics/index.ts';
import { noCalls, type CallCounts, type TrafficSample } from './traffic-sample.ts';

/** What is looked at: the last minute, or as long as an alert’s `for`, where that is shorter. */
const WINDOW_MAX_MS = 60_000;

export type TrafficMetric = Extract<
  AlertMetric,
  'refused_ratio' | 'error_ratio' | 'latency_p50' | 'latency_p99' | 'calls_per_second'
>;

/** The last minute of traffic. */
export interface Traffic {
  add(sample: TrafficSample): void;
  /** null: it was not watched that long yet, or too few calls say nothing. */
  read(metric: TrafficMetric, over: TrafficSpan): number | null;
}

export interface TrafficSpan {
  /** Of the alert: decides the window. */
  forMs: number;
  callsMin: number;
  /** null: all. */
  network: string | null;
}

export function createTraffic(): Traffic {
  const samples: TrafficSample[] = [];

  return {
    add(sample) {
      samples.push(sample);
      // The one before the window is its beginning.
      while (samples.length > 2 && sample.atMs - samples[1]!.atMs >= WINDOW_MAX_MS) samples.shift();
    },
    read(metric, { forMs, callsMin, network }) {
      const to = samples.at(-1);
      if (to === undefined) return null;
      const windowMs = forMs === 0 ? WINDOW_MAX_MS : Math.min(forMs, WINDOW_MAX_MS);
      const from = samples.findLast(({ atMs }) => to.atMs - atMs >= windowMs);
      return from === undefined ? null : readings[metric]({ from, to, callsMin, network });
    },
  };
}

interface Window {
  from: TrafficSample;
  to: TrafficSample;
  callsMin: number;
  network: string | null;
}

function callsIn({ from, to, network }: Window): CallCounts {
  const [before, after] = [from, to].map(({ all, networks }) =>
    network === null ? all : (networks.get(network) ?? noCalls()),
  ) as [CallCounts, CallCounts];
  return {
    calls: after.calls - before.calls,
    refused: after.refused - before.refused,
    failed: after.failed - before.failed,
  };
}

type Reading = (window: Window) => number | null;

function share(of: 'refused' | 'failed'): Reading {
  return (window) => {
    const counts = callsIn(window);
    return counts.calls < window.callsMin ? null : counts[of] / counts.calls;
  };
}

function latency(q: number): Reading {
  return ({ from: { latency: before }, to: { latency: after }, callsMin }) => {
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
  calls_per_second: (window) => (callsIn(window).calls * 1000) / (window.to.atMs - window.from.atMs),
};
