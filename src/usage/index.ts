/** From answered calls to the ledger: a turn's fold, the journals, and who applies them. */
export {
  type Applier,
  type ApplierSettings,
  type ApplierState,
  createApplier,
} from './applier.ts';
export { type ListedSegment, listSegments } from './journal-folder.ts';
export { createJournalReader, openSegmentFile } from './journal-reader.ts';
export { bytesBehind, type Tail } from './journal-tail.ts';
export { createJournalWriter, type JournalWriter } from './journal-writer.ts';
export type { Ledger, LedgerBatch, LedgerRow, SegmentState } from './ledger.ts';
export {
  LATENCY_BUCKETS,
  noKey,
  type UsageRecord,
  type UsageStatus,
  usageStatuses,
} from './record.ts';
export { createTurnUsage, EVENT_METHOD, type TurnUsage } from './turn.ts';
