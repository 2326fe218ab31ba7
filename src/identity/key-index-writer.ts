import { UUID_BYTES } from './uuid.ts';
import { emptyIndex, entryAt, field, header, keyFlag, viewsOf } from './key-layout.ts';

/** What a worker must know of a key. */
export interface KeyEntry {
  /** SHA-256 of the key, 32 bytes. */
  sha256: Uint8Array;
  /** Its UUID, 16 bytes; both keys of a rotation share one. */
  id: Uint8Array;
  /** Main's number for the key, 0 to 2^31 − 1; both keys of a rotation may share one. */
  keyNumber: number;
  /** Number of its set of rules in the policy snapshot; 0 = none of its own. */
  ruleSet: number;
  enabled: boolean;
  /** Epoch milliseconds from which it is refused; 0 = never. */
  expiresAtMs: number;
  /** 8 printable ASCII characters (`keyPrefix`). */
  prefix: string;
  /** Has it a quota? */
  quota: boolean;
  /** Where the quota of its user is counted, which all keys of that user share; -1: there is none. */
  userSlot: number;
}

/** Changes an index that workers read meanwhile. One writer at a time, main. */
export interface KeyIndexWriter {
  /**
   * Adds the key or replaces what is known of it; readers see the old entry or the new one whole, and never
   * none. False, and nothing changed, when the slots are used up: build a new generation.
   */
  put(entry: KeyEntry): boolean;
  /**
   * Readers no longer find the key, and those that hold its slot see it retired. False if it was not there.
   */
  remove(sha256: Uint8Array): boolean;
  /** Keys that can be found now. */
  readonly size: number;
  /** How many more changes fit at least. */
  readonly room: number;
}

/**
 * A new index of these keys, the last of two with one hash winning, with room for `spare` changes more
 * (default 1024). 128 to 256 bytes a key or change. Hand the memory to the workers only when this has
 * returned.
 */
export function buildKeyIndex(entries: Iterable<KeyEntry>, spare = 1024): SharedArrayBuffer {
  const all = [...entries];
  const index = emptyIndex(all.length + spare);
  const writer = createKeyIndexWriter(index);
  for (const entry of all) writer.put(entry);
  return index;
}

export function createKeyIndexWriter(index: SharedArrayBuffer): KeyIndexWriter {
  const { words, doubles, mask } = viewsOf(index);
  const bytes = Buffer.from(index);
  /**
   * The hash at hand; one array, since a new one for each of 100,000 keys took a third of the build's time.
   */
  const hash = new Int32Array(4);

  const at = (offset: number): number => words[offset] ?? 0;
  const add = (offset: number, change: number): void => {
    words[offset] = at(offset) + change;
  };

  function holds(entry: number): boolean {
    for (let i = 0; i < 4; i += 1) if (at(entry + field.hash + i) !== hash[i]) return false;
    return true;
  }

  /** Offset of the live entry with the hash, or of the free one where it would go (state 0). */
  function locate(): number {
    for (let slot = (hash[0] ?? 0) & mask; ; slot = (slot + 1) & mask) {
      const entry = entryAt(slot);
      const state = at(entry);
      if (state === 0) return entry;
      if ((state & keyFlag.live) !== 0 && holds(entry)) return entry;
    }
  }

  /** The free entry at the end of the hash's chain. */
  function free(): number {
    let slot = (hash[0] ?? 0) & mask;
    while (at(entryAt(slot)) !== 0) slot = (slot + 1) & mask;
    return entryAt(slot);
  }

  function retire(entry: number): void {
    Atomics.store(words, entry, keyFlag.retired);
    add(header.live, -1);
  }

  function same(entry: number, wanted: KeyEntry): boolean {
    return (
      at(entry + field.keyNumber) === wanted.keyNumber &&
      at(entry + field.ruleSet) === wanted.ruleSet &&
      at(entry + field.userSlot) === wanted.userSlot &&
      doubles[(entry + field.expiry) / 2] === wanted.expiresAtMs &&
      bytes.toString('latin1', (entry + field.prefix) * 4, (entry + field.prefix) * 4 + 8) ===
        wanted.prefix &&
      bytes.compare(wanted.id, 0, UUID_BYTES, (entry + field.id) * 4, (entry + field.id) * 4 + UUID_BYTES) ===
        0
    );
  }

  return {
    put(wanted) {
      readHash(wanted.sha256, hash);
      if (wanted.prefix.length !== 8) throw new RangeError('a key prefix has 8 characters');
      if (wanted.id.length !== UUID_BYTES) throw new RangeError('a UUID has 16 bytes');
      const state =
        keyFlag.live | (wanted.enabled ? keyFlag.enabled : 0) | (wanted.quota ? keyFlag.quota : 0);
      const old = locate();
      const replaces = at(old) !== 0;
      if (replaces && same(old, wanted)) {
        Atomics.store(words, old, state);
        return true;
      }
      if (at(header.slotsUsed) >= at(header.slotsMax)) return false;
      const entry = free();
      words.set(hash, entry + field.hash);
      words[entry + field.keyNumber] = wanted.keyNumber;
      words[entry + field.ruleSet] = wanted.ruleSet;
      words[entry + field.userSlot] = wanted.userSlot;
      doubles[(entry + field.expiry) / 2] = wanted.expiresAtMs;
      bytes.write(wanted.prefix, (entry + field.prefix) * 4, 8, 'latin1');
      bytes.set(wanted.id, (entry + field.id) * 4);
      add(header.slotsUsed, 1);
      add(header.live, 1);
      Atomics.store(words, entry, state);
      // After publishing: a reader walking the chain finds one of the two at any moment, since the new one is
      // further on.
      if (replaces) retire(old);
      return true;
    },
    remove(sha256) {
      readHash(sha256, hash);
      const entry = locate();
      if (at(entry) === 0) return false;
      retire(entry);
      return true;
    },
    get size() {
      return at(header.live);
    },
    get room() {
      return at(header.slotsMax) - at(header.slotsUsed);
    },
  };
}

/** The first 128 bits as four little-endian words, as the reader takes them from a digest string. */
function readHash(sha256: Uint8Array, words: Int32Array): void {
  if (sha256.length !== 32) throw new RangeError('a SHA-256 has 32 bytes');
  for (let i = 0; i < 4; i += 1) {
    const at = i * 4;
    words[i] =
      (sha256[at] ?? 0) |
      ((sha256[at + 1] ?? 0) << 8) |
      ((sha256[at + 2] ?? 0) << 16) |
      ((sha256[at + 3] ?? 0) << 24);
  }
}
