import { type KeyEntry, uuidBytes } from '../../identity/index.ts';
import type { KeyTerms } from './terms.ts';

/** A key of a store, as the policy has it. */
export interface StoredKey {
  /** UUID. */
  readonly id: string;
  /** Its owner's word for it; several may have one. */
  readonly name: string;
  /** Hex, 64 characters. */
  readonly sha256: string;
  /** 8 printable ASCII characters. */
  readonly prefix: string;
  /** Of its user; null: it has none. */
  readonly userId: string | null;
  /** The hash that a rotation replaced, and until when (epoch milliseconds) it is taken too. */
  readonly previous: { readonly sha256: string; readonly untilMs: number } | null;
  readonly enabled: boolean;
  /** Epoch milliseconds from which it is refused; 0: never. */
  readonly expiresAtMs: number;
  readonly terms: KeyTerms;
}

/** What a stored key's number and name are registered by: no name of a config's key has a colon. */
export function storedName(id: string): string {
  return `id:${id}`;
}

/** The id of a registered name; undefined: it is a key of the config. */
export function storedIdOf(name: string): string | undefined {
  return name.startsWith('id:') ? name.slice(3) : undefined;
}

/**
 * What the slot is registered by that a user's quota is counted in; null: there is none. Another unit or period is another
 * slot: while keys of the user are told of a change one after the other, those that come later empty nothing.
 */
export function userQuotaName({
  userId,
  terms: { userQuota },
}: Pick<StoredKey, 'userId' | 'terms'>): string | null {
  return userId === null || userQuota === null
    ? null
    : `user:${userId}/${userQuota.unit}/${userQuota.period}`;
}

/** The user of such a name; undefined: it is a key's. */
export function userIdOf(name: string): string | undefined {
  return name.startsWith('user:') ? name.slice(5, 5 + 36) : undefined;
}

/** Do the two mean the same to a worker and to who asks for names? */
export function sameStoredKey(a: StoredKey, b: StoredKey): boolean {
  return (
    a.sha256 === b.sha256 &&
    a.terms.text === b.terms.text &&
    a.enabled === b.enabled &&
    a.expiresAtMs === b.expiresAtMs &&
    a.name === b.name &&
    a.prefix === b.prefix &&
    a.userId === b.userId &&
    a.previous?.sha256 === b.previous?.sha256 &&
    a.previous?.untilMs === b.previous?.untilMs
  );
}

/** An entry of the index whose hash and id are still text: their bytes are made as it is written. */
export type StoredEntry = Omit<KeyEntry, 'sha256' | 'id'> & { readonly hex: string; readonly uuid: string };

/** Its one or two entries; that of the replaced hash first, and none once that is over. */
export function entriesOfStored(
  key: StoredKey,
  place: { keyNumber: number; ruleSet: number; userSlot: number; refused: boolean },
  nowMs: number,
): StoredEntry[] {
  const entry = (hex: string, expiresAtMs: number): StoredEntry => ({
    hex,
    uuid: key.id,
    keyNumber: place.keyNumber,
    ruleSet: place.ruleSet,
    enabled: key.enabled && !place.refused,
    expiresAtMs,
    prefix: key.prefix,
    quota: key.terms.quota !== null,
    userSlot: place.userSlot,
  });
  const present = entry(key.sha256, key.expiresAtMs);
  const { previous } = key;
  if (previous === null || previous.untilMs <= nowMs) return [present];
  const ends = key.expiresAtMs === 0 ? previous.untilMs : Math.min(key.expiresAtMs, previous.untilMs);
  return [entry(previous.sha256, ends), present];
}

export function keyEntryOf(entry: StoredEntry): KeyEntry {
  return writtenEntry(entry, Buffer.from(entry.hex, 'hex'), uuidBytes(entry.uuid));
}

/** Field by field: a spread takes three times as long, and there may be 100,000. */
export function writtenEntry(entry: StoredEntry, sha256: Uint8Array, id: Uint8Array): KeyEntry {
  const { keyNumber, ruleSet, enabled, expiresAtMs, prefix, quota, userSlot } = entry;
  return { sha256, id, keyNumber, ruleSet, enabled, expiresAtMs, prefix, quota, userSlot };
}
