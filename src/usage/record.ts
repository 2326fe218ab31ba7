export { LATENCY_BUCKETS, latencyBucket } from '../metrics/index.ts';

/** What became of calls: `outcomes` of the limits, a refusal by a quota counted as exceeded. */
export const usageStatuses = ['allowed', 'burst', 'exceeded'] as const;
export type UsageStatus = (typeof usageStatuses)[number];

/** Usage of one turn that is alike, added up. */
export interface UsageRecord {
  /** UUID; {@link noKey} for callers without one. */
  keyId: string;
  /** The network's name; '' where the target named none. */
  network: string;
  method: string;
  /** Index in {@link usageStatuses}. */
  status: number;
  /** Events of subscriptions that were delivered, and no calls. */
  event: boolean;
  calls: number;
  /** Cost units; 0 where exceeded. */
  cost: number;
  /** Answers that carried an error of the node's own. */
  errors: number;
  /** Of the calls' texts, and of their answers' without headers. */
  bytesIn: number;
  bytesOut: number;
  /** From the call's arrival to its answer. */
  latencyMicros: number;
  /** Calls by {@link latencyBucket}; as many as calls that were not refused; empty for events. */
  latency: Uint32Array;
}

/** Whose usage it is where no key was given. */
export const noKey = '00000000-0000-0000-0000-000000000000';
