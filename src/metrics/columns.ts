import { indexed } from './indexed.ts';
import { LATENCY_BUCKETS } from './octaves.ts';

/** What became of a call at the gateway's door: each call is counted under exactly one. */
export const decisions = [
  'allowed',
  'burst',
  'exceeded',
  'blocked',
  'quota',
  'unauthorized',
  'forbidden',
  'invalid',
  'shed',
] as const;
export type Decision = (typeof decisions)[number];

/** What is counted of calls, of a method or of a caller alike. Doubles in this order. */
export const callColumns = [
  ...decisions,
  'failed',
  'errors',
  'cached',
  'joined',
  'events',
  'cost',
  'bytesIn',
  'bytesOut',
  /** Of answered calls, together. */
  'totalMicros',
] as const;
export type CallColumn = (typeof callColumns)[number];

/** Place of each among the doubles. */
export const callAt = indexed<CallColumn>(callColumns);

const afterCalls = callColumns.length;

/** A row of a method on a network: calls, the two parts of their time, three histograms by power of two. */
export const methodAt = {
  proxyMicros: afterCalls,
  upstreamMicros: afterCalls + 1,
  total: afterCalls + 2,
  proxy: afterCalls + 2 + LATENCY_BUCKETS,
  upstream: afterCalls + 2 + 2 * LATENCY_BUCKETS,
} as const;
export const METHOD_COLUMNS = afterCalls + 2 + 3 * LATENCY_BUCKETS;

/** A row of a caller: calls, and when one came last. */
export const callerAt = { lastSeenMs: afterCalls } as const;
export const CALLER_COLUMNS = afterCalls + 1;

/** A row of an upstream: what its connections carried, what it has open, and how long it took. */
export const upstreamColumns = [
  'calls',
  'failures',
  'connectionsTotal',
  'exchanges',
  'bytesIn',
  'bytesOut',
  'connections',
  'inFlight',
  'micros',
] as const;
export type UpstreamColumn = (typeof upstreamColumns)[number];
export const upstreamAt = indexed<UpstreamColumn>(upstreamColumns);
export const upstreamHistogramAt = upstreamColumns.length;
export const UPSTREAM_COLUMNS = upstreamColumns.length + LATENCY_BUCKETS;
