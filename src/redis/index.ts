/** Redis: a thread's connection to it, and what instances share by it. */
export { after } from './after.ts';
export { createSharedBans } from './bans/shared-bans.ts';
export { createSharedViolations } from './bans/shared-violations.ts';
export type { RedisGuard, RedisState } from './breaker.ts';
export type { RedisClient } from './client.ts';
export { createSharedStore } from './cache/shared-store.ts';
export type { CommandCounts } from './command-counts.ts';
export { openRedis, type RedisLink } from './link.ts';
export { createExactStore } from './limits/exact-store.ts';
export { createLeaseStore } from './limits/lease-store.ts';
export { createQuotaStore } from './quotas/quota-store.ts';
export { createMembers, type Members, type MembersState } from './members.ts';
