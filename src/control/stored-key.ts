import type { StoredKey, StoredTerms } from '../config/index.ts';
import type { PolicyKey } from '../store/index.ts';

/** What the policy has of a row; undefined where the row names no key: somebody wrote it by hand. */
export function storedKeyOf(row: PolicyKey, termsOf: StoredTerms): StoredKey | undefined {
  const { id, name, sha256, prefix, previousSha256, previousUntil, enabled, expiresAt } = row;
  if (!isHash(sha256) || !/^[\x21-\x7e]{8}$/.test(prefix)) return undefined;
  const rotated = previousSha256 !== null && previousUntil !== null && isHash(previousSha256);
  return {
    ...{ id, name, sha256, prefix, enabled },
    previous: rotated ? { sha256: previousSha256, untilMs: previousUntil } : null,
    // 0 would be never.
    expiresAtMs: expiresAt === null ? 0 : Math.max(1, expiresAt),
    terms: termsOf(row.overrides, row.quota),
  };
}

function isHash(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}
