/** Token buckets and quotas in memory that all threads share. Every method of every thread's face is exact. */
export { createBuckets } from './buckets.ts';
export type { Buckets, BucketStats } from './buckets-face.ts';
export { Chain, linksMax, outcomes } from './chain.ts';
export { createMonotonicClock } from './clock.ts';
export { createHash64 } from './hash64.ts';
export type { Hash64 } from './hash64.ts';
export { createLimitsMemory } from './memory.ts';
export type { LimitsMemory, LimitsMemoryOptions } from './memory.ts';
export { quotaPeriod } from './quota.ts';
export type { QuotaPeriod } from './quota.ts';
export { createRuleVersions } from './rule-versions.ts';
export type { RuleVersions } from './rule-versions.ts';
export { LimitsBusyError } from './shard-locks.ts';
export { savedSeed } from './state-format.ts';
export type { SavedStateProblem } from './state-format.ts';
export type { LoadResult } from './state-load.ts';
export { bucketShape, fullRefillSeconds, refillSeconds } from './token-bucket.ts';
export type { BucketShape, RuleParams } from './token-bucket.ts';
