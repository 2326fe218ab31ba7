/** Token buckets and quotas in memory that all threads share. Every method of every thread's face is exact. */
export { bucketKey, sharedOwner, sharedQuotaKey, sharedScope } from './leases/bucket-key.ts';
export type { SharedOwner } from './leases/bucket-key.ts';
export { createBuckets } from './buckets/buckets.ts';
export type { Buckets } from './buckets/buckets-face.ts';
export { Chain, linksMax, outcomes } from './chain.ts';
export { createMonotonicClock } from './clock.ts';
export { createHash64 } from './hash64.ts';
export type { Hash64 } from './hash64.ts';
export { createLeaseKeeper } from './leases/lease-keeper.ts';
export type { LeaseKeeper } from './leases/lease-keeper.ts';
export type { BucketNeed, QuotaNeed } from './leases/lease-need.ts';
export { openLeaseState, setAway, setHere } from './leases/lease-state.ts';
export type { LeaseState } from './leases/lease-state.ts';
export type { LeaseTable } from './leases/lease-table.ts';
export { type Place, setPlace } from './leases/shares.ts';
export type {
  ExactBucket,
  ExactReading,
  ExactStore,
  LeaseAnswer,
  LeaseAsk,
  LeaseStore,
} from './leases/lease-port.ts';
export { createLimitsMemory } from './memory.ts';
export type { LeaseMemory, LimitsMemory, LimitsMemoryOptions } from './memory.ts';
export { quotaPeriod } from './quotas/quota.ts';
export type { QuotaPeriod } from './quotas/quota.ts';
export { createQuotaCeilings } from './quotas/quota-ceilings.ts';
export type { QuotaCeilings, QuotaLevel } from './quotas/quota-ceilings.ts';
export type { QuotaAnswer, QuotaAsk, QuotaLeaseStore } from './quotas/quota-lease-port.ts';
export { answerQuotaAsk, FORGET_MS, HELD_PART, QUIET_MS } from './quotas/shared-quota.ts';
export type { SharedQuota } from './quotas/shared-quota.ts';
export { createRuleVersions } from './buckets/rule-versions.ts';
export type { RuleVersions } from './buckets/rule-versions.ts';
export { LimitsBusyError } from './shard-locks.ts';
export { savedSeed } from './saved/state-format.ts';
export { bucketShape, fullRefillSeconds, refillSeconds } from './buckets/token-bucket.ts';
export type { BucketShape, RuleParams } from './buckets/token-bucket.ts';
