/** From answered calls to the ledger: a turn's fold, the journals, and who applies them. */
export type { Ledger, LedgerBatch, LedgerRow, RawCalls, SegmentState } from './ledger.ts';
export {
  LATENCY_BUCKETS,
  latencyBucket,
  noKey,
  type UsageRecord,
  type UsageStatus,
  usageStatuses,
} from './record.ts';
