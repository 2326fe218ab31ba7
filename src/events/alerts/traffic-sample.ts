import { callAt, type Figures, type HistogramTotals, partsOfName } from '../../metrics/index.ts';

/** Calls so far: only grows. */
export interface CallCounts {
  calls: number;
  /** For what the caller did: a limit, a quota, a blocked method, a bad key, a ban, a bad request. */
  refused: number;
  /**
   * By our fault or the nodes’: turned away for want of room or of a journal, or let in and without an answer. An error that a
   * node answered (a reverted call) is an answer.
   */
  failed: number;
}

/** What alerts want of the workers’ figures at a moment. */
export interface TrafficSample {
  /** Milliseconds of a clock that never goes back. */
  atMs: number;
  all: CallCounts;
  networks: ReadonlyMap<string, CallCounts>;
  /** Times from calls being sent upstream to their answers. */
  latency: HistogramTotals;
}

/** Reads them: some 0.2 ms a worker. */
export function trafficSample(figures: Pick<Figures, 'totals' | 'methods'>, atMs: number): TrafficSample {
  const all = noCalls();
  const networks = new Map<string, CallCounts>();
  figures.methods.each(({ name, numbers }) => {
    const [network] = partsOfName(name);
    const counts = networks.get(network) ?? noCalls();
    networks.set(network, counts);
    for (const into of [all, counts]) addTo(into, numbers);
  });
  return { atMs, all, networks, latency: figures.totals().latencies.upstream };
}

export function noCalls(): CallCounts {
  return { calls: 0, refused: 0, failed: 0 };
}

const refusals = [
  callAt.exceeded,
  callAt.blocked,
  callAt.quota,
  callAt.unauthorized,
  callAt.forbidden,
  callAt.invalid,
];

function addTo(counts: CallCounts, numbers: Float64Array): void {
  const refused = refusals.reduce((sum, at) => sum + numbers[at]!, 0);
  const shed = numbers[callAt.shed]!;
  counts.calls += numbers[callAt.allowed]! + numbers[callAt.burst]! + refused + shed;
  counts.refused += refused;
  counts.failed += numbers[callAt.failed]! + shed;
}
