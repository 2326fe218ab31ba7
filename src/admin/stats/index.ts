import { identity, methods, summary, top } from './live.ts';
import { range } from './range.ts';

/** The JSON of /stats: zod schemas that docs and tests are made of, and their types. */
export const statsSchemas = { summary, methods, top, identity, range } as const;

export { type CallCounts, type Latencies, type Latency, refusals, refusedOf } from './counts.ts';
export {
  type Identity,
  type Methods,
  type Scope,
  type ScopeView,
  scopes,
  type Summary,
  type Top,
  type TopOrder,
  topOrders,
  type UpstreamStatsView,
} from './live.ts';
export type { Range } from './range.ts';
export { statisticsPage } from './reference.ts';
