import {
  buildKeyIndex,
  copyKeyIndex,
  createKeyIndexWriter,
  type KeyEntry,
  type KeyIndexWriter,
  uuidBytes,
} from '../../identity/index.ts';
import type { Config, KeyConfig } from '../config.ts';
import { factsOf } from '../key-facts.ts';
import type { Registries } from '../registries.ts';
import type { PolicySnapshot, QuotaPolicy } from '../snapshot.ts';
import { entryOfConfig, numberKeys, termsOfKeys } from './config-keys.ts';
import { createKeySets, type KeySet } from './key-sets.ts';
import { type StoredKey, writtenEntry } from './stored-key.ts';
import { createStoredKeys, type SettleResult } from './stored-keys.ts';

/**
 * All keys, of the config and of a store, with the index of them and their sets of rules, which workers read. A config goes
 * into a new index whole; stored keys change one entry at a time, in place. One a process, on main.
 */
export interface KeyTable {
  /**
   * `commit` makes the config's keys those of the index, and returns what a snapshot has of it. Throws RangeError, and has
   * changed nothing, where a quota finds no slot or a limit no number.
   */
  prepare(config: Config): { commit(): Pick<PolicySnapshot, 'keyIndex' | 'keySets'> };
  /** So many stored keys are about to come: a compile is due that makes room for them, if there is none. */
  reserve(storedKeys: number): void;
  /** A compile is due: the index has no room for what waits, more sets are given up than are in use, or the last one failed. */
  readonly due: boolean;
  /** Is this version one of a rule of any key's? */
  namesVersion(version: number): boolean;
  /** Says what is to hold of a stored key; null: it is gone. `settle` makes it hold. False: it holds already. */
  want(id: string, key: StoredKey | null): boolean;
  /** Writes what is wanted of `ids` (default: of all that wait) into the index. What has no room left waits for a compile. */
  settle(nowMs: number, ids?: readonly string[]): SettleResult;
  /** Keys that `settle` has something to write of. */
  readonly waiting: number;
  /** The first of them, at most `max`. */
  next(max: number): string[];
  stored(id: string): StoredKey | undefined;
  /** Of those in the index and those wanted. */
  storedIds(): Iterable<string>;
  /** Keys of a store with that name. */
  storedByName(name: string): StoredKey[];
}

export interface KeyTableOptions {
  /** Called before an entry makes a key's quota be counted in `slot`; null: the key of that number has none now. */
  onQuota?(slot: number, name: string, quota: QuotaPolicy | null): void;
}

/** Slots for changes, beside one for each key. */
const spareOf = (keys: number): number => Math.max(1024, keys >> 2);

export function createKeyTable(registries: Registries, options: KeyTableOptions = {}): KeyTable {
  const sets = createKeySets(registries);
  let index: SharedArrayBuffer | undefined;
  let writer: KeyIndexWriter | undefined;
  let keys: readonly KeyConfig[] = [];
  /** Of the config: number and set that its entry was written with. */
  let written = new Map<KeyConfig, { keyNumber: number; ruleSet: number }>();
  let owned = new Set<string>();
  let full = false;
  /** Room that is to be, whatever waits. */
  let reserved = 0;
  /** Numbers in its entries may not be those that hold. */
  let stale = false;
  let unfinished = false;
  /** Of the config, by text. */
  let joined = new Map<string, KeySet>();
  /** Of the hash at hand: one for all of 100,000. */
  const bytes = Buffer.alloc(32);

  const stored = createStoredKeys({
    registries,
    sets,
    // Most often there is none, and a hash need not be hashed for that.
    isTaken: (hex) => owned.size > 0 && owned.has(hex),
    put(entry) {
      bytes.write(entry.hex, 'hex');
      const done = writer?.put(writtenEntry(entry, bytes, uuidBytes(entry.uuid))) ?? false;
      full ||= !done;
      return done;
    },
    hasRoom: () => !full,
    remove: (hex) => void writer?.remove(Buffer.from(hex, 'hex')),
    onQuota: (slot, name, quota) => options.onQuota?.(slot, name, quota),
  });

  function rebuild(entries: KeyEntry[]): void {
    const all = [...stored.entries(), ...entries];
    index = buildKeyIndex(all, room(all.length));
    writer = createKeyIndexWriter(index);
  }

  /** For what waits, of which a rotated key takes two, and some more. */
  const room = (present: number): number => spareOf(present) + Math.max(reserved, stored.waiting * 2);

  /** Into a copy, only what is another than before. False: it has no room. */
  function renew(next: readonly KeyConfig[], entryOf: (key: KeyConfig, at: number) => KeyEntry): boolean {
    if (index === undefined || writer === undefined || stale) return false;
    const fresh = copyKeyIndex(index, full ? room(writer.size) : 0);
    const change = createKeyIndexWriter(fresh);
    const hashes = new Set(next.map(({ digest }) => digest));
    for (const { digest } of keys) {
      if (hashes.has(digest)) continue;
      change.remove(Buffer.from(digest, 'hex'));
      const back = stored.entryOfHash(digest);
      if (back !== undefined && !change.put(back)) return false;
    }
    for (const [at, key] of next.entries()) {
      const before = written.get(key);
      const entry = entryOf(key, at);
      if (before?.keyNumber === entry.keyNumber && before.ruleSet === entry.ruleSet) continue;
      if (!change.put(entry)) return false;
    }
    index = fresh;
    writer = change;
    return true;
  }

  function adopt(next: readonly KeyConfig[], numbers: readonly number[]): void {
    const entryOf = (key: KeyConfig, at: number): KeyEntry =>
      entryOfConfig(key, numbers[at]!, joined.get(factsOf(key).terms.text)?.number ?? 0);
    if (sets.due) {
      sets.renew();
      stale = true;
    }
    if (!renew(next, entryOf)) rebuild(next.map(entryOf));
    full = false;
    stale = false;
    reserved = 0;
    const names = new Set(next.map(({ name }) => name));
    for (const { name } of keys) if (!names.has(name)) registries.keys.release(name);
    written = new Map(next.map((key, at) => [key, entryOf(key, at)]));
    owned = new Set(next.map(({ digest }) => digest));
    keys = next;
    for (const [at, key] of next.entries()) {
      const { quota } = factsOf(key).terms;
      options.onQuota?.(numbers[at]!, key.name, quota);
    }
  }

  function leaveAll(left: ReadonlyMap<string, KeySet>): void {
    for (const set of left.values()) sets.leave(set);
  }

  /** Those of a config's keys; of the last one that was tried they are left. */
  function joinAll(all: readonly KeyConfig[]): void {
    leaveAll(trying);
    trying = new Map(termsOfKeys(all).map((terms) => [terms.text, sets.join(terms)]));
    for (const { problem } of trying.values()) if (problem !== null) throw new RangeError(problem);
  }
  /** Not committed yet. */
  let trying = new Map<string, KeySet>();

  /** Of a config that did not come to hold: its new keys gave their numbers back. */
  function releaseAllBut(...kept: (readonly KeyConfig[])[]): void {
    const names = new Set(kept.flat().map(({ name }) => name));
    for (const { name } of tried) if (!names.has(name)) registries.keys.release(name);
  }
  let tried: readonly KeyConfig[] = [];

  return {
    prepare(config) {
      if (tried !== keys) releaseAllBut(keys, config.keys);
      tried = config.keys;
      const numbers = numberKeys(config, registries);
      // Numbers that a failed compile gave may not be those of the entries.
      stale ||= unfinished;
      unfinished = true;
      joinAll(config.keys);
      // A rotated key takes two.
      if (writer !== undefined && writer.room < stored.waiting * 2) full = true;
      return {
        commit() {
          [joined, trying] = [trying, joined];
          if (index === undefined || full || stale || sets.due || config.keys !== keys)
            adopt(config.keys, numbers);
          leaveAll(trying);
          trying = new Map();
          unfinished = false;
          return { keyIndex: index!, keySets: sets.memory };
        },
      };
    },
    get due() {
      const noRoom = writer === undefined || full || writer.room < stored.waiting * 2;
      return noRoom || unfinished || sets.due;
    },
    reserve(storedKeys) {
      const more = Math.max(0, storedKeys - stored.size);
      if (writer !== undefined && writer.room >= more) return;
      reserved = more + spareOf(more);
      full = true;
    },
    namesVersion: sets.names,
    want: stored.want,
    settle: stored.settle,
    get waiting() {
      return stored.waiting;
    },
    next: stored.next,
    stored: stored.get,
    storedIds: stored.ids,
    storedByName: stored.byName,
  };
}
