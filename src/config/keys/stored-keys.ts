import type { KeyEntry } from '../../identity/index.ts';
import type { Registries } from '../registries.ts';
import type { QuotaPolicy } from '../snapshot.ts';
import type { KeySet, KeySets } from './key-sets.ts';
import {
  entriesOfStored,
  keyEntryOf,
  sameStoredKey,
  type StoredEntry,
  type StoredKey,
  storedName,
} from './stored-key.ts';
import { createUserSlots } from './user-slots.ts';

export interface SettleResult {
  /** Keys whose entries were written or removed. */
  settled: number;
  /** Of those settled: keys that are refused although nothing in the store says so, and why. */
  refused: { key: StoredKey; reason: string }[];
  /** Of those settled: keys whose hash is that of a key of the config, which goes before. */
  hidden: StoredKey[];
}

export interface StoredKeysOptions {
  registries: Registries;
  sets: KeySets;
  /** Is there a key of the config with this hash? */
  isTaken(hex: string): boolean;
  put(entry: StoredEntry): boolean;
  hasRoom(): boolean;
  remove(hex: string): void;
  onQuota(slot: number, name: string, quota: QuotaPolicy | null): void;
}

interface Holding {
  key: StoredKey;
  set: KeySet;
  keyNumber: number;
  userSlot: number;
  refused: boolean;
}

/** No place yet. */
const nowhere = { keyNumber: -1, userSlot: -1, refused: false };

const placeOf = ({ set, keyNumber, userSlot, refused }: Holding) => ({
  ruleSet: set.number,
  keyNumber,
  userSlot,
  refused,
});

/** The stored keys as they are in the index, and those that are to be. */
export function createStoredKeys(options: StoredKeysOptions) {
  const { registries, sets, put, remove } = options;
  const users = createUserSlots(registries, (slot, name, quota) => options.onQuota(slot, name, quota));
  const held = new Map<string, Holding>();
  const wanted = new Map<string, Holding | null>();
  /** Whose hash it is; a present one goes before a replaced one. */
  const owners = new Map<string, string>();

  function want(id: string, key: StoredKey | null): boolean {
    const before = wanted.get(id);
    const present = before === undefined ? held.get(id)?.key : before?.key;
    if (key === null ? present === undefined : present !== undefined && sameStoredKey(present, key))
      return false;
    if (before) sets.leave(before.set);
    wanted.set(id, key && { key, set: sets.join(key.terms), ...nowhere });
    return true;
  }

  /** Readers find none of its hashes any more, but those in `kept`. */
  function forget({ key }: Holding, kept: ReadonlySet<string>): void {
    for (const hex of [key.sha256, key.previous?.sha256]) {
      if (hex === undefined || kept.has(hex) || owners.get(hex) !== key.id) continue;
      owners.delete(hex);
      if (!options.isTaken(hex)) remove(hex);
    }
  }

  /** False: it has to wait. */
  function write(id: string, next: Holding, nowMs: number, result: SettleResult): boolean {
    const { key, set } = next;
    const old = held.get(id);
    const name = storedName(id);
    const quota = key.terms.quota;
    const keyNumber = registries.keys.numberOf(name, quota !== null);
    const userSlot = users.of(key);
    const uncounted = keyNumber < 0 || userSlot === undefined;
    const reason = set.problem ?? (uncounted ? 'no slot is left for its quota' : null);
    next.keyNumber = keyNumber < 0 ? registries.keys.numberOf(name, false) : keyNumber;
    next.userSlot = userSlot ?? -1;
    next.refused = reason !== null;
    let entries = entriesOfStored(key, placeOf(next), nowMs);
    if (entries.length > 1)
      entries = entries.filter(({ hex }) => hex === key.sha256 || (owners.get(hex) ?? id) === id);
    if (keyNumber >= 0) options.onQuota(keyNumber, name, quota);
    for (const entry of entries) {
      if (!options.isTaken(entry.hex) && !put(entry)) return false;
      owners.set(entry.hex, id);
    }
    users.join(key);
    if (old !== undefined) {
      forget(old, new Set(entries.map(({ hex }) => hex)));
      leave(old);
    }
    held.set(id, next);
    if (reason !== null) result.refused.push({ key, reason });
    if (options.isTaken(key.sha256)) result.hidden.push(key);
    return true;
  }

  function leave({ key, set }: Holding): void {
    sets.leave(set);
    users.leave(key);
  }

  function drop(id: string): void {
    const old = held.get(id);
    if (old === undefined) return;
    forget(old, new Set());
    leave(old);
    held.delete(id);
    registries.keys.release(storedName(id));
  }

  function settle(nowMs: number, ids: readonly string[] = [...wanted.keys()]): SettleResult {
    const result: SettleResult = { settled: 0, refused: [], hidden: [] };
    for (const id of ids) {
      const next = wanted.get(id);
      if (next === undefined) continue;
      wanted.delete(id);
      if (next === null) drop(id);
      else if (!options.hasRoom() || !write(id, next, nowMs, result)) {
        // To the end, so that others are next.
        wanted.set(id, next);
        continue;
      }
      result.settled += 1;
    }
    return result;
  }

  return {
    want,
    settle,
    get waiting() {
      return wanted.size;
    },
    get: (id: string) => held.get(id)?.key,
    get size() {
      return held.size;
    },
    /** Whoever takes them may say what is wanted of each. */
    *ids(): Generator<string> {
      yield* held.keys();
      for (const id of wanted.keys()) if (!held.has(id)) yield id;
    },
    byName: (name: string) => [...held.values()].flatMap(({ key }) => (key.name === name ? [key] : [])),
    /** The first that wait, at most `max`. */
    next(max: number): string[] {
      const ids: string[] = [];
      for (const id of wanted.keys()) if (ids.push(id) >= max) break;
      return ids;
    },
    /** As they are in the index now, without those whose hash the config has. */
    *entries(): Generator<KeyEntry> {
      for (const holding of held.values()) {
        for (const entry of entriesOfStored(holding.key, placeOf(holding), 0)) {
          if (owners.get(entry.hex) === holding.key.id) yield keyEntryOf(entry);
        }
      }
    },
    entryOfHash(hex: string): KeyEntry | undefined {
      const holding = held.get(owners.get(hex) ?? '');
      const entries = holding === undefined ? [] : entriesOfStored(holding.key, placeOf(holding), 0);
      const entry = entries.find((one) => one.hex === hex);
      return entry && keyEntryOf(entry);
    },
  };
}
