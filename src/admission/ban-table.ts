import { type Address, type Cidr, maskAddress } from '../identity/index.ts';
import { createHash64 } from '../limits/index.ts';

/*
 * Prefixes that are banned, or allowed whatever bans them, in memory that all threads share: written by main alone, read by workers without a lock.
 *
 *     head: generation, slots, seed (4), additions | how many bans have so many bits: 33 of IPv4, 129 of IPv6 | the same of those that are
 *     allowed | slots, 8 words each: the network's four words, its kind, family and bits, until when (seconds), two spare
 *
 * Open addressing by a seeded hash of (kind, family, bits, network), since callers choose their addresses. A look-up asks once for each
 * number of bits that is in use, the most specific first. The generation moves after a change is whole: whoever keeps what a
 * look-up said together with the generation read before it, and asks again once that has moved, is wrong for the moment of the
 * change only.
 */

const generationAt = 0;
const slotsAt = 1;
const seedAt = 2;
const additionsAt = 6;
const counts4At = 7;
const countsWords = 33 + 129;
const headWords = counts4At + 2 * countsWords;
const slotWords = 8;
const metaAt = 4;
const untilAt = 5;

/** What a look-up found. */
export interface BanFound {
  readonly bits: number;
  /** Epoch seconds, rounded up; 0: until it is lifted. */
  readonly untilSeconds: number;
}

export interface BanReader {
  /** Moves with each change. One load: what a call pays. */
  generation(): number;
  /** Moves with changes by which more is refused than before: a network that was not in the table. */
  additions(): number;
  /** The most specific ban that holds the address: 0.1 to 0.3 µs for each number of bits in use. */
  find(address: Address): BanFound | undefined;
  /** Whether a network that holds it is allowed, whatever bans it. */
  allows(address: Address): boolean;
}

export interface BanWriter {
  /** Puts the network in, or changes until when. False: there is no room. */
  put(network: Cidr, untilSeconds: number, allowed?: boolean): boolean;
  remove(network: Cidr, allowed?: boolean): void;
  /** Shows the changes since the last time: to be called after each, or after many. */
  publish(): void;
}

/** @param entriesMax bans at most; 32 to 64 bytes are set aside for each, and used as there are bans */
export function createBanMemory(entriesMax: number, seed: Uint32Array): SharedArrayBuffer {
  const slots = 2 ** Math.ceil(Math.log2(entriesMax * 2));
  const memory = new SharedArrayBuffer((headWords + slots * slotWords) * 4);
  const words = new Uint32Array(memory);
  words[slotsAt] = slots;
  words.set(seed.subarray(0, 4), seedAt);
  return memory;
}

/** The table as both sides see it. */
function openTable(memory: SharedArrayBuffer) {
  const words = new Uint32Array(memory);
  const slots = words[slotsAt]!;
  const hash = createHash64(words.slice(seedAt, seedAt + 4));
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer);
  const hashed = new Uint32Array(2);

  /** Of kind, family and bits; never 0, which is an empty slot. */
  const metaOf = (family: 4 | 6, bits: number, allowed: boolean): number =>
    (allowed ? 1 << 16 : 0) | (family << 8) | bits;
  /** Where it stands how many of a kind and family have no bits; those with one come after it. */
  const countsAt = (family: 4 | 6, allowed: boolean): number =>
    counts4At + (allowed ? countsWords : 0) + (family === 4 ? 0 : 33);
  const homeOf = (w0: number, w1: number, w2: number, w3: number, meta: number): number => {
    view.setUint32(0, w0);
    view.setUint32(4, w1);
    view.setUint32(8, w2);
    view.setUint32(12, w3);
    view.setUint32(16, meta);
    hash(bytes, 0, 20, hashed);
    return hashed[0]! & (slots - 1);
  };
  const placeOf = (slot: number): number => headWords + slot * slotWords;

  /** The entry's slot, or -1 - the empty one that it would take. */
  function seek({ w0, w1, w2, w3 }: Address, meta: number): number {
    // At most half of the slots are taken; the bound is for a reader who meets a change.
    for (let slot = homeOf(w0, w1, w2, w3, meta), looks = 0; looks < slots; looks += 1) {
      const at = placeOf(slot);
      const found = words[at + metaAt]!;
      if (found === 0) return -1 - slot;
      if (
        found === meta &&
        words[at] === w0 &&
        words[at + 1] === w1 &&
        words[at + 2] === w2 &&
        words[at + 3] === w3
      )
        return slot;
      slot = (slot + 1) & (slots - 1);
    }
    return -1;
  }

  return { words, slots, metaOf, countsAt, homeOf, placeOf, seek };
}

export function openBans(memory: SharedArrayBuffer): BanReader {
  const { words, metaOf, countsAt, placeOf, seek } = openTable(memory);
  const signed = new Int32Array(memory, 0, additionsAt + 1);

  function find(address: Address, allowed: boolean): BanFound | undefined {
    const { family } = address;
    const counts = countsAt(family, allowed);
    for (let bits = family === 4 ? 32 : 128; bits >= 0; bits -= 1) {
      if (words[counts + bits] === 0) continue;
      const slot = seek(maskAddress(address, bits), metaOf(family, bits, allowed));
      if (slot >= 0) return { bits, untilSeconds: words[placeOf(slot) + untilAt]! };
    }
    return undefined;
  }

  return {
    generation: () => Atomics.load(signed, generationAt),
    additions: () => Atomics.load(signed, additionsAt),
    find: (address) => find(address, false),
    allows: (address) => find(address, true) !== undefined,
  };
}

/** For one thread only. */
export function openBanWriter(memory: SharedArrayBuffer, entriesMax: number): BanWriter {
  const { words, slots, metaOf, countsAt, homeOf, placeOf, seek } = openTable(memory);
  const signed = new Int32Array(memory, 0, additionsAt + 1);
  let entries = 0;
  let hasAdded = false;

  /** Fills the hole with an entry after it that may stand there, and so on, so that no look-up ends early. */
  function close(hole: number): void {
    for (let slot = (hole + 1) & (slots - 1); ; slot = (slot + 1) & (slots - 1)) {
      const at = placeOf(slot);
      if (words[at + metaAt] === 0) break;
      const [w0 = 0, w1 = 0, w2 = 0, w3 = 0, meta = 0] = words.subarray(at, at + slotWords);
      const home = homeOf(w0, w1, w2, w3, meta);
      if (((slot - home) & (slots - 1)) < ((slot - hole) & (slots - 1))) continue;
      // There twice for a moment rather than not at all.
      words.copyWithin(placeOf(hole), at, at + slotWords);
      hole = slot;
    }
    words[placeOf(hole) + metaAt] = 0;
  }

  return {
    put({ address, bits }, untilSeconds, allowed = false) {
      const meta = metaOf(address.family, bits, allowed);
      const found = seek(address, meta);
      if (found >= 0) {
        words[placeOf(found) + untilAt] = untilSeconds;
        return true;
      }
      if (entries >= entriesMax) return false;
      const at = placeOf(-1 - found);
      words.set([address.w0, address.w1, address.w2, address.w3], at);
      words[at + untilAt] = untilSeconds;
      words[at + metaAt] = meta;
      words[countsAt(address.family, allowed) + bits]! += 1;
      entries += 1;
      hasAdded = true;
      return true;
    },
    remove({ address, bits }, allowed = false) {
      const slot = seek(address, metaOf(address.family, bits, allowed));
      if (slot < 0) return;
      close(slot);
      words[countsAt(address.family, allowed) + bits]! -= 1;
      entries -= 1;
    },
    publish() {
      Atomics.add(signed, generationAt, 1);
      if (hasAdded) Atomics.add(signed, additionsAt, 1);
      hasAdded = false;
    },
  };
}
