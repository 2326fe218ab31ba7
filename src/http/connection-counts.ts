/** Counters a worker has for addresses. */
const BUCKETS = 1 << 14;
const ROW = 1 + BUCKETS;

/** Open client connections over all workers, in memory that they share. */
export interface ConnectionCounts {
  /** Connections of all workers. */
  total(): number;
  /**
   * Connections of all workers from one place, never too few. Places share counters by chance of a seeded hash, each
   * two of them, of which the lesser is the answer: it is too high only where both are shared.
   */
  of(place: Place): number;
  enter(place: Place | undefined): void;
  leave(place: Place | undefined): void;
}

/** Where connections come from, as {@link placeOf} hashed it. */
export interface Place {
  readonly one: number;
  readonly other: number;
}

/** Seeded 64-bit hash into `out[0]` and `out[1]`. */
export type PlaceHash = (bytes: Uint8Array, from: number, to: number, out: Uint32Array) => void;

const words = new Uint32Array(2);

export function placeOf(bytes: Uint8Array, hash: PlaceHash): Place {
  hash(bytes, 0, bytes.length, words);
  return { one: 1 + (words[0]! & (BUCKETS - 1)), other: 1 + (words[1]! & (BUCKETS - 1)) };
}

/** 64 KiB a worker: each writes its own row, all read all of them. */
export function createConnectionMemory(workers: number): SharedArrayBuffer {
  return new SharedArrayBuffer(workers * ROW * Int32Array.BYTES_PER_ELEMENT);
}

/** Forgets the connections of a worker that is gone. To be called before another has its slot. */
export function clearConnections(memory: SharedArrayBuffer, slot: number): void {
  rowOf(memory, slot).fill(0);
}

/** Without atomics: two workers that accept at the same moment may both take the last place. */
export function createConnectionCounts(memory: SharedArrayBuffer, slot: number): ConnectionCounts {
  const all = new Int32Array(memory);
  const own = rowOf(memory, slot);
  const sum = (column: number): number => {
    let connections = 0;
    for (let at = column; at < all.length; at += ROW) connections += all[at]!;
    return connections;
  };
  const add = (place: Place | undefined, change: 1 | -1): void => {
    own[0]! += change;
    if (place === undefined) return;
    own[place.one]! += change;
    if (place.other !== place.one) own[place.other]! += change;
  };
  return {
    total: () => sum(0),
    of: ({ one, other }) => Math.min(sum(one), sum(other)),
    enter: (place) => add(place, 1),
    leave: (place) => add(place, -1),
  };
}

function rowOf(memory: SharedArrayBuffer, slot: number): Int32Array {
  return new Int32Array(memory, slot * ROW * Int32Array.BYTES_PER_ELEMENT, ROW);
}
