import type { UsageLine } from '../../store/index.ts';
import { latencyQuantile } from '../../metrics/index.ts';

/** What is counted of usage. All whole numbers. */
export interface UsageSums {
  /** Calls that were answered. */
  calls: number;
  /** Calls that a limit or quota refused: they cost nothing. */
  refused: number;
  /** Events delivered to subscribers. */
  events: number;
  /** Cost units. */
  cost: number;
  /** Answers that carried an error of the node's own. */
  errors: number;
  bytesIn: number;
  bytesOut: number;
  /** Of answered calls, estimated: see `latencyQuantile`. null: there were none. */
  p50Micros: number | null;
  p99Micros: number | null;
}

export interface SumsBuilder {
  add(line: UsageLine): void;
  sums(): UsageSums;
}

/** Adds lines up. */
export function createSums(): SumsBuilder {
  const counts = { calls: 0, refused: 0, events: 0, cost: 0, errors: 0, bytesIn: 0, bytesOut: 0 };
  const latency: number[] = [];
  return {
    add(line) {
      counts.refused += line.refused;
      counts.calls += line.calls - line.refused;
      counts.events += line.events;
      counts.cost += line.cost;
      counts.errors += line.errors;
      counts.bytesIn += line.bytesIn;
      counts.bytesOut += line.bytesOut;
      for (const [bucket, count] of line.latency.entries()) latency[bucket] = (latency[bucket] ?? 0) + count;
    },
    sums: () => ({
      ...counts,
      p50Micros: latencyQuantile(latency, 0.5),
      p99Micros: latencyQuantile(latency, 0.99),
    }),
  };
}
