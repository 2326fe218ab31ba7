import type { HistogramTotals, Totals } from '../../metrics/index.ts';

/** What alerts want of the workers’ counters at a moment; all of it only grows. */
export interface TrafficSample {
  /** Milliseconds of a clock that never goes back. */
  atMs: number;
  calls: number;
  refused: number;
  failed: number;
  /** Times from calls being sent upstream to their answers. */
  latency: HistogramTotals;
}

/**
 * Calls decided, those refused (for what the caller did: a limit, a quota, a blocked method, a bad key, a ban, a bad request), and those
 * that failed by our fault or the nodes’: turned away for want of room or of a journal, or let in and without an answer. An error that
 * a node answered (a reverted call) is an answer.
 */
export function trafficSample({ counters, latencies }: Totals, atMs: number): TrafficSample {
  const refused =
    counters.callsExceeded +
    counters.callsBlocked +
    counters.callsQuota +
    counters.callsUnauthorized +
    counters.callsForbidden +
    counters.callsInvalid;
  return {
    atMs,
    calls: counters.callsAllowed + counters.callsBurst + refused + counters.callsShed,
    refused,
    failed: counters.callsFailed + counters.callsShed,
    latency: latencies.upstream,
  };
}
