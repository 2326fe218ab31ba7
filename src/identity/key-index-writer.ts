import { entryAt, entryWords, field, header, headerWords, keyFlag, magic, viewsOf } from './key-layout.ts';

/** What a worker must know of a key. */
export interface KeyEntry {
  /** SHA-256 of the key, 32 bytes. */
  sha256: Uint8Array;
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
}

/** Changes an index that workers read meanwhile. One writer at a time, main. */
export interface KeyIndexWriter {
  /**
   * Adds the key or replaces what is known of it; readers see the old entry or the new one whole, and never none.
   * False, and nothing changed, when the slots are used up: build a new generation.
   */
  put(entry: KeyEntry): boolean;
  /** Readers no longer find the key, and those that hold its slot see it retired. False if it was not there. */
  remove(sha256: Uint8Array): boolean;
  /** Keys that can be found now. */
  readonly size: number;
  /** How many more changes fit at least. */
  readonly room: number;
}

/**
 * A new index of these keys, the last of two with one hash winning, with room for `spare` changes more (default 1024).
 * 96 to 192 bytes a key or change. Hand the memory to the workers only when this has returned.
 */
export function buildKeyIndex(entries: Iterable<KeyEntry>, spare = 1024): SharedArrayBuffer {
  const all = [...entries];
  const slotsMax = all.length + spare;
  let capacity = 64;
  while (capacity < slotsMax * 2) capacity *= 2;
  const index = new SharedArrayBuffer((headerWords + capacity * entryWords) * 4);
  const words = new Int32Array(index);
  words[header.magic] = magic;
  words[header.capacity] = capacity;
  words[header.slotsMax] = slotsMax;
  const writer = createKeyIndexWriter(index);
  for (const entry of all) writer.put(entry);
  return index;
}

export function createKeyIndexWriter(index: SharedArrayBuffer): KeyIndexWriter {
  const { words, doubles, mask } = viewsOf(index);
  const bytes = Buffer.from(index);

  const at = (offset: number): number => words[offset] ?? 0;
  const add = (offset: number, change: number): void => {
    words[offset] = at(offset) + change;
  };

  function holds(entry: number, hash: Int32Array): boolean {
    for (let i = 0; i < 4; i += 1) if (at(entry + field.hash + i) !== hash[i]) return false;
    return true;
  }

  /** Offset of the live entry with this hash, or of the free one where it would go (state 0). */
  function locate(hash: Int32Array): number {
    for (let slot = at0(hash) & mask; ; slot = (slot + 1) & mask) {
      const entry = entryAt(slot);
      const state = at(entry);
      if (state === 0) return entry;
      if ((state & keyFlag.live) !== 0 && holds(entry, hash)) return entry;
    }
  }

  /** The free entry at the end of the chain that starts with this hash. */
  function freeFor(hash: Int32Array): number {
    let slot = at0(hash) & mask;
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
      doubles[(entry + field.expiry) / 2] === wanted.expiresAtMs &&
      bytes.toString('latin1', (entry + field.prefix) * 4, (entry + entryWords) * 4) === wanted.prefix
    );
  }

  return {
    put(wanted) {
      const hash = hashWords(wanted.sha256);
      if (wanted.prefix.length !== 8) throw new RangeError('a key prefix has 8 characters');
      const state =
        keyFlag.live | (wanted.enabled ? keyFlag.enabled : 0) | (wanted.quota ? keyFlag.quota : 0);
      const old = locate(hash);
      const replaces = at(old) !== 0;
      if (replaces && same(old, wanted)) {
        Atomics.store(words, old, state);
        return true;
      }
      if (at(header.slotsUsed) >= at(header.slotsMax)) return false;
      const entry = freeFor(hash);
      words.set(hash, entry + field.hash);
      words[entry + field.keyNumber] = wanted.keyNumber;
      words[entry + field.ruleSet] = wanted.ruleSet;
      doubles[(entry + field.expiry) / 2] = wanted.expiresAtMs;
      bytes.write(wanted.prefix, (entry + field.prefix) * 4, 8, 'latin1');
      add(header.slotsUsed, 1);
      add(header.live, 1);
      Atomics.store(words, entry, state);
      // After publishing: a reader walking the chain finds one of the two at any moment, since the new one is further on.
      if (replaces) retire(old);
      return true;
    },
    remove(sha256) {
      const entry = locate(hashWords(sha256));
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

function at0(hash: Int32Array): number {
  return hash[0] ?? 0;
}

/** The first 128 bits as four little-endian words, as the reader takes them from a digest string. */
function hashWords(sha256: Uint8Array): Int32Array {
  if (sha256.length !== 32) throw new RangeError('a SHA-256 has 32 bytes');
  const view = new DataView(sha256.buffer, sha256.byteOffset, 16);
  return Int32Array.of(
    view.getInt32(0, true),
    view.getInt32(4, true),
    view.getInt32(8, true),
    view.getInt32(12, true),
  );
}
