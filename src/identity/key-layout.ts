/**
 * The key index in shared memory, in 32-bit words: a header of 16, then `capacity` entries of 16.
 *
 *     entry  0 state   1–4 first 128 bits of the SHA-256   5 key number   6 rule set   7 user's slot
 *            8–9 expiry (float64, epoch ms, 0 = never)      10–11 prefix, 8 ASCII characters
 *           12–15 id, the 16 bytes of a UUID
 *
 * Open addressing with linear probing from the hash's first word. 128 bits are compared: whoever would pass
 * for a key needs a second preimage of 2^128 work. No seed: the stored hashes come from keys we made or the
 * operator gave, so no caller can crowd the table, and a caller's own choice of hash only picks where a
 * search of a half-empty table starts.
 *
 * An entry is written once, before its state is published, and its slot is never given to another key: a
 * change goes into a new slot and the old one is retired. So a reader that holds a slot never sees fields of
 * two keys or of two versions of one, without a lock. Slots run out after `spare` changes; then main builds a
 * new generation.
 */
export const magic = 0x50504b32;
export const headerWords = 16;
export const entryWords = 16;

export const header = { magic: 0, capacity: 1, slotsUsed: 2, slotsMax: 3, live: 4 } as const;
export const field = {
  state: 0,
  hash: 1,
  keyNumber: 5,
  ruleSet: 6,
  userSlot: 7,
  expiry: 8,
  prefix: 10,
  id: 12,
} as const;

/** Bits of an entry's state; 0 = never used. */
export const keyFlag = { live: 1, enabled: 2, quota: 4, retired: 8 } as const;

export interface IndexViews {
  words: Int32Array;
  doubles: Float64Array;
  mask: number;
}

/** Views of an index. Throws on memory that is none. */
export function viewsOf(index: SharedArrayBuffer): IndexViews {
  const words = new Int32Array(index);
  if (words[header.magic] !== magic) throw new TypeError('not a key index');
  return { words, doubles: new Float64Array(index), mask: (words[header.capacity] ?? 0) - 1 };
}

/** Memory of an index without entries, with room for so many. */
export function emptyIndex(slotsMax: number): SharedArrayBuffer {
  let capacity = 64;
  while (capacity < slotsMax * 2) capacity *= 2;
  const index = new SharedArrayBuffer((headerWords + capacity * entryWords) * 4);
  const words = new Int32Array(index);
  words[header.magic] = magic;
  words[header.capacity] = capacity;
  words[header.slotsMax] = slotsMax;
  return index;
}

/** Word offset of the entry in a slot. */
export function entryAt(slot: number): number {
  return headerWords + slot * entryWords;
}
