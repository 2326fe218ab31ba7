/** From answered calls to the ledger: a turn's fold, the journals, and who applies them. */
export {
  type Applier,
  type ApplierOptions,
  type ApplierSettings,
  type ApplierState,
  createApplier,
} from './applier.ts';
export { type ListedSegment, listSegments } from './journal-folder.ts';
export { createJournalReader, type JournalReader, openSegmentFile } from './journal-reader.ts';
export { bytesBehind, type Tail } from './journal-tail.ts';
export { createJournalWriter, type JournalWriter } from './journal-writer.ts';
export type { Ledger, LedgerBatch, LedgerRow, RawCalls, SegmentState } from './ledger.ts';
export {
  LATENCY_BUCKETS,
  noKey,
  type UsageRecord,
  type UsageStatus,
  usageStatuses,
} from './record.ts';
export type { RawSettings } from './raw-calls.ts';
export type { SegmentDamage } from './segment-applier.ts';
export { type CommitUsage, createTurnUsage, EVENT_METHOD, type TurnUsage } from './turn.ts';
