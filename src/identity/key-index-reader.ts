import { entryAt, field, keyFlag, viewsOf } from './key-layout.ts';
import { UUID_BYTES, uuidText } from './uuid.ts';

/**
 * Reads an index that main may change meanwhile; never waits, allocates nothing but the texts of prefix and id.
 *
 * A slot got from `find` stays that key's as long as the index lives. Who remembers one checks `flags` at
 * each use: without `keyFlag.live` the key was changed or removed, and `find` says what it is now. The other
 * fields of a slot never change.
 */
export interface KeyIndexReader {
  /** The slot of the key with this digest (`digestOfKey`), or -1. */
  find(digest: string): number;
  /** `keyFlag` bits, now. */
  flags(slot: number): number;
  keyNumber(slot: number): number;
  ruleSet(slot: number): number;
  /** Where the quota of its user is counted; -1: there is none. */
  userSlot(slot: number): number;
  /** Epoch milliseconds; 0 = never. */
  expiresAtMs(slot: number): number;
  /** The 8 characters that name the key. */
  prefix(slot: number): string;
  /** Its UUID, which no other key ever has. */
  keyId(slot: number): string;
}

export function createKeyIndexReader(index: SharedArrayBuffer): KeyIndexReader {
  const { words, doubles, mask } = viewsOf(index);
  const bytes = Buffer.from(index);

  return {
    find(digest) {
      const h0 = wordOf(digest, 0);
      const h1 = wordOf(digest, 4);
      const h2 = wordOf(digest, 8);
      const h3 = wordOf(digest, 12);
      for (let slot = h0 & mask; ; slot = (slot + 1) & mask) {
        const entry = entryAt(slot);
        // The load orders the field reads below after the writer's stores: fields first, then this word.
        const state = Atomics.load(words, entry);
        if (state === 0) return -1;
        if (
          (state & keyFlag.live) !== 0 &&
          words[entry + field.hash] === h0 &&
          words[entry + field.hash + 1] === h1 &&
          words[entry + field.hash + 2] === h2 &&
          words[entry + field.hash + 3] === h3
        ) {
          return slot;
        }
      }
    },
    flags: (slot) => Atomics.load(words, entryAt(slot)),
    keyNumber: (slot) => words[entryAt(slot) + field.keyNumber] ?? -1,
    ruleSet: (slot) => words[entryAt(slot) + field.ruleSet] ?? 0,
    userSlot: (slot) => words[entryAt(slot) + field.userSlot] ?? -1,
    expiresAtMs: (slot) => doubles[(entryAt(slot) + field.expiry) / 2] ?? 0,
    prefix(slot) {
      const from = (entryAt(slot) + field.prefix) * 4;
      return bytes.toString('latin1', from, from + 8);
    },
    keyId(slot) {
      const from = (entryAt(slot) + field.id) * 4;
      return uuidText(bytes.subarray(from, from + UUID_BYTES));
    },
  };
}

/** Four characters of a digest as one little-endian word. */
function wordOf(digest: string, at: number): number {
  return (
    digest.charCodeAt(at) |
    (digest.charCodeAt(at + 1) << 8) |
    (digest.charCodeAt(at + 2) << 16) |
    (digest.charCodeAt(at + 3) << 24)
  );
}
