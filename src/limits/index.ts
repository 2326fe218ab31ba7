/** Token buckets and quotas in memory that all threads share. Every method of every thread's face is exact. */
export { bucketKey, sharedOwner, sharedQuotaKey, sharedScope } from './bucket-key.ts';
export type { SharedOwner } from './bucket-key.ts';
export { createBuckets } from './buckets.ts';
export type { Buckets, BucketStats } from './buckets-face.ts';
export { Chain, linksMax, outcomes } from './chain.ts';
export { createMonotonicClock } from './clock.ts';
export { createHash64 } from './hash64.ts';
export type { Hash64 } from './hash64.ts';
export { createLeaseKeeper } from './lease-keeper.ts';
export type { LeaseKeeper, LeaseKeeperOptions } from './lease-keeper.ts';
export type { BucketNeed, QuotaNeed } from './lease-need.ts';
export { openLeaseState, setAway, setHere } from './lease-state.ts';
export type { LeaseState } from './lease-state.ts';
export type { Grant, LeasePlace, LeaseReading, LeaseTable } from './lease-table.ts';
export { setPlace } from './shares.ts';
export type { Place } from './shares.ts';
export type {
  ExactBucket,
  ExactReading,
  ExactStore,
  LeaseAnswer,
  LeaseAsk,
  LeaseStore,
} from './lease-port.ts';
export { createLimitsMemory } from './memory.ts';
export type { LeaseMemory, LimitsMemory, LimitsMemoryOptions } from './memory.ts';
export { quotaPeriod } from './quota.ts';
export type { QuotaPeriod } from './quota.ts';
export { createQuotaCeilings } from './quota-ceilings.ts';
export type { QuotaCeilings, QuotaLevel } from './quota-ceilings.ts';
export type { QuotaAnswer, QuotaAsk, QuotaLeaseStore } from './quota-lease-port.ts';
export { answerQuotaAsk, FORGET_MS, HELD_PART, QUIET_MS } from './shared-quota.ts';
export type { SharedQuota } from './shared-quota.ts';
export { createRuleVersions } from './rule-versions.ts';
export type { RuleVersions } from './rule-versions.ts';
export { LimitsBusyError } from './shard-locks.ts';
export { savedSeed } from './state-format.ts';
export type { SavedStateProblem } from './state-format.ts';
export type { LoadResult } from './state-load.ts';
export { bucketShape, fullRefillSeconds, refillSeconds } from './token-bucket.ts';
export type { BucketShape, RuleParams } from './token-bucket.ts';
