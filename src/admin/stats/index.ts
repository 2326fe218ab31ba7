/** The JSON of /stats: zod schemas that docs and tests are made of, and their types. */
export { type CallCounts, callCounts, type Latencies, type Latency } from './counts.ts';
export {
  type Identity,
  identity,
  type Methods,
  methods,
  type Summary,
  summary,
  type Top,
  type TopOrder,
  top,
  topOrders,
  type UpstreamStatsView,
} from './live.ts';
export { type Range, range, type Step, steps } from './range.ts';
