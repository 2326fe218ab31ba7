import { createHash } from 'node:crypto';

/** Whose bucket or quota it is, for all instances alike: `keyId`, user id, address text, network name. */
export type SharedOwner =
  | `key:${string}`
  | `user:${string}`
  | `address:${string}`
  | `network:${string}`
  | 'all';

const OWNER_BYTES = 16;
const SCOPE_BYTES = 8;

/** Hash of an owner, the same in all instances: 22 characters of base64url. Some 1 µs. */
export function sharedOwner(owner: SharedOwner): string {
  return cut(owner, OWNER_BYTES);
}

/** Hash of a rule's scope (`RulePolicy.scope`): 11 characters of base64url. */
export function sharedScope(scope: string): string {
  return cut(scope, SCOPE_BYTES);
}

/** Name of a bucket among all instances, without the prefix of where it stands. The owner alone chooses the slot of a Cluster. */
export function bucketKey(owner: string, scope: string): string {
  return `{${owner}}:${scope}`;
}

/** Name of a quota in a period (`quotaPeriod().id`), as `bucketKey` is of a bucket. */
export function sharedQuotaKey(owner: SharedOwner, unit: 'requests' | 'cost', periodId: number): string {
  return `{${sharedOwner(owner)}}:quota:${unit}:${periodId}`;
}

function cut(text: string, bytes: number): string {
  return createHash('sha256').update(text).digest().subarray(0, bytes).toString('base64url');
}
