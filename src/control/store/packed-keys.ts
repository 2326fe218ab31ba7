import type { StoredKey, StoredTerms } from '../../config/index.ts';
import type { PolicyKey } from '../../store/index.ts';
import { isStoredKey } from './stored-key.ts';

/**
 * Keys on their way between threads, column by column: of 1,000 as objects a structured clone took three times as long, and
 * main would make the same few terms out of each.
 */
export interface PackedKeys {
  ids: string[];
  hashes: string[];
  prefixes: string[];
  names: string[];
  users: (string | null)[];
  enabled: Uint8Array;
  /** Epoch milliseconds; 0: never. */
  expiresAt: Float64Array;
  /** Of each its place in `distinct`. */
  terms: Uint32Array;
  distinct: Pick<PolicyKey, 'overrides' | 'quota' | 'userQuota'>[];
  rotated: { at: number; sha256: string; untilMs: number }[];
}

export function packKeys(keys: readonly PolicyKey[]): PackedKeys {
  const packed: PackedKeys = {
    ids: keys.map(({ id }) => id),
    hashes: keys.map(({ sha256 }) => sha256),
    prefixes: keys.map(({ prefix }) => prefix),
    names: keys.map(({ name }) => name),
    users: keys.map(({ userId }) => userId),
    enabled: Uint8Array.from(keys, ({ enabled }) => (enabled ? 1 : 0)),
    // A key that ended at the very beginning of time must not live for ever.
    expiresAt: Float64Array.from(keys, ({ expiresAt }) => (expiresAt === null ? 0 : Math.max(1, expiresAt))),
    terms: new Uint32Array(keys.length),
    distinct: [],
    rotated: [],
  };
  const places = new Map<string, number>();
  for (const [at, { overrides, quota, userQuota, previousSha256, previousUntil }] of keys.entries()) {
    const none = overrides.length === 0 && quota === null && userQuota === null;
    const text = none ? '' : JSON.stringify([overrides, quota, userQuota]);
    let place = places.get(text);
    if (place === undefined) {
      place = packed.distinct.push({ overrides, quota, userQuota }) - 1;
      places.set(text, place);
    }
    packed.terms[at] = place;
    if (previousSha256 !== null && previousUntil !== null)
      packed.rotated.push({ at, sha256: previousSha256, untilMs: previousUntil });
  }
  return packed;
}

/** `bad` is told the ids of rows that name no key: somebody wrote them by hand. */
export function unpackKeys(packed: PackedKeys, termsOf: StoredTerms, bad: (id: string) => void): StoredKey[] {
  const { ids, hashes, prefixes, names, enabled, expiresAt, users } = packed;
  const distinct = packed.distinct.map(({ overrides, quota, userQuota }) =>
    termsOf(overrides, quota, userQuota),
  );
  const rotated = new Map(packed.rotated.map(({ at, sha256, untilMs }) => [at, { sha256, untilMs }]));
  const keys: StoredKey[] = [];
  for (let at = 0; at < ids.length; at += 1) {
    const key: StoredKey = {
      id: ids[at]!,
      name: names[at]!,
      sha256: hashes[at]!,
      prefix: prefixes[at]!,
      userId: users[at] ?? null,
      previous: rotated.size === 0 ? null : (rotated.get(at) ?? null),
      enabled: enabled[at] === 1,
      expiresAtMs: expiresAt[at]!,
      terms: distinct[packed.terms[at]!]!,
    };
    if (isStoredKey(key)) keys.push(key);
    else bad(key.id);
  }
  return keys;
}
