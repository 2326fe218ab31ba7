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
import type { QuotaPolicy } from '../snapshot.ts';
import { entryOfConfig, numberKeys, termsOfKeys } from './config-keys.ts';
import { createSetNumbers } from './set-numbers.ts';
import type { StoredKey } from './stored-key.ts';
import { createStoredKeys, type SettleResult } from './stored-keys.ts';
import type { KeyTerms } from './terms.ts';

/**
 * All keys, of the config and of a store, and the index of them that workers read. A config goes into a new index whole;
 * stored keys change one entry at a time. One a process, on main.
 */
export interface KeyTable {
  /**
   * What a snapshot needs: the sets of rules by their numbers. `commit` makes the config's keys those of the index, and
   * returns it. Throws RangeError, and has changed nothing, where a quota finds no slot.
   */
  prepare(config: Config): { sets: Map<number, KeyTerms>; commit(generation: number): SharedArrayBuffer };
  /**
   * The sets of rules that the first `keysMax` waiting keys need and no snapshot has, and those keys. `commit` says that
   * they stand in the snapshot.
   */
  extend(keysMax: number): {
    sets: Map<number, KeyTerms>;
    keys: string[];
    commit(generation: number): void;
  };
  /**
   * A whole compile is due: the index has no room for what waits, more sets are given up than are in use, or the last
   * compile or extension failed half-way.
   */
  readonly due: boolean;
  /** All workers use the snapshot of this generation or a later one. */
  applied(generation: number): void;
  /** Says what is to hold of a stored key; null: it is gone. `settle` makes it hold. False: it holds already. */
  want(id: string, key: StoredKey | null): boolean;
  /**
   * Writes what is wanted of `ids` (default: of all that wait) into the index. What needs a set of rules that workers do
   * not know yet, or has no room left, waits for an extension or a compile that was applied.
   */
  settle(nowMs: number, ids?: readonly string[]): SettleResult;
  /** Keys that `settle` has something to write of. */
  readonly waiting: number;
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

/** Sets nobody uses that are kept however few are in use. */
const IDLE_SETS = 4096;

/** Slots for changes, beside one for each key. */
const spareOf = (keys: number): number => Math.max(1024, keys >> 2);

export function createKeyTable(registries: Registries, options: KeyTableOptions = {}): KeyTable {
  const sets = createSetNumbers(registries);
  let index: SharedArrayBuffer | undefined;
  let writer: KeyIndexWriter | undefined;
  let keys: readonly KeyConfig[] = [];
  /** Of the config: number and set that its entry was written with. */
  let written = new Map<KeyConfig, { keyNumber: number; ruleSet: number }>();
  let owned = new Set<string>();
  let full = false;
  let unfinished = false;
  /** Of the config. */
  let configSets = 0;
  /** Of the hash at hand: one for all of 100,000. */
  const bytes = Buffer.alloc(32);

  const stored = createStoredKeys({
    registries,
    setOf: (terms) => sets.known(terms),
    isTaken: (hex) => owned.has(hex),
    put({ hex, uuid, ...entry }) {
      bytes.write(hex, 'hex');
      const done = writer?.put({ ...entry, sha256: bytes, id: uuidBytes(uuid) }) ?? false;
      full ||= !done;
      return done;
    },
    hasRoom: () => !full,
    remove: (hex) => void writer?.remove(Buffer.from(hex, 'hex')),
    onQuota: (slot, name, quota) => options.onQuota?.(slot, name, quota),
  });

  function rebuild(entries: KeyEntry[]): void {
    const all = [...stored.entries(), ...entries];
    index = buildKeyIndex(all, spareOf(all.length) + stored.waiting * 2);
    writer = createKeyIndexWriter(index);
    full = false;
  }

  /** Into a copy, only what is another than before. False: it has no room. */
  function renew(next: readonly KeyConfig[], entryOf: (key: KeyConfig, at: number) => KeyEntry): boolean {
    if (index === undefined || full) return false;
    const fresh = copyKeyIndex(index);
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
    const ruleSets = new Map<KeyTerms['text'], number>([['', 0]]);
    for (const [number, { text }] of numbered) ruleSets.set(text, number);
    const entryOf = (key: KeyConfig, at: number): KeyEntry =>
      entryOfConfig(key, numbers[at]!, ruleSets.get(factsOf(key).terms.text)!);
    if (!renew(next, entryOf)) rebuild(next.map(entryOf));
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

  let numbered = new Map<number, KeyTerms>();
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
      full ||= unfinished;
      unfinished = true;
      const distinct = new Map<string, KeyTerms>();
      const ofConfig = termsOfKeys(config.keys);
      for (const terms of ofConfig) distinct.set(terms.text, terms);
      // Those that wait come by extension, some at a time, so that no message to workers grows with them.
      for (const terms of stored.terms()) if (sets.has(terms)) distinct.set(terms.text, terms);
      numbered = sets.number(distinct.values());
      // A rotated key takes two.
      if (writer !== undefined && writer.room < stored.waiting * 2) full = true;
      return {
        sets: numbered,
        commit(generation) {
          if (index === undefined || full || config.keys !== keys) adopt(config.keys, numbers);
          sets.compiled(generation);
          unfinished = false;
          configSets = ofConfig.length;
          return index!;
        },
      };
    },
    extend(keysMax) {
      const ids = stored.next(keysMax);
      const added = sets.add(stored.termsOf(ids));
      unfinished ||= added.size > 0;
      return {
        sets: added,
        keys: ids,
        commit(generation) {
          sets.compiled(generation);
          unfinished = false;
        },
      };
    },
    get due() {
      const used = configSets + stored.termsCount;
      const idle = sets.size - used;
      const noRoom = writer === undefined || full || writer.room < stored.waiting * 2;
      return noRoom || unfinished || idle > Math.max(IDLE_SETS, used);
    },
    applied: sets.applied,
    want: stored.want,
    settle: stored.settle,
    get waiting() {
      return stored.waiting;
    },
    stored: stored.get,
    storedIds: stored.ids,
    storedByName: stored.byName,
  };
}
