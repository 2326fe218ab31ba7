import { CALLER_COLUMNS, decisions } from './columns.ts';

/*
 * The addresses that call most, by a space-saving sketch (Metwally, Agrawal, El Abbadi, 2005): a fixed number of places in shared
 * memory, written by one worker. An address without a place takes that of the least, whose weight it inherits as the most
 * calls that may have been missed of it. So of an address that has a place the true number of calls lies between what was
 * counted and that plus `missed`, and one without a place made no more than `floor`, which is at most the calls of all
 * addresses divided by the places. Memory is the same for ten addresses and a hundred million. A call of an address that has a
 * place takes some 80 ns at most; of one that must be given another's, the most where nearly all call once, 350 to 550 ns.
 *
 *     f64 floor · i32 places in use · 52 bytes unused
 *     places of: i32 version (odd: being given to another) · u8 length, text | doubles: calls' columns, missed
 */

/** Places of each worker's sketch. */
export const SKETCH_PLACES = 1024;

const HEAD_BYTES = 64;
/** An IPv6 network in full has 43 characters. */
const TEXT_BYTES = 52;
const COLUMNS = CALLER_COLUMNS + 1;
const missedAt = CALLER_COLUMNS;
const placeBytes = 8 + TEXT_BYTES + 4 + COLUMNS * 8;
const placeWords = placeBytes / 4;
const placeNumbers = placeBytes / 8;
const numbersAt = (8 + TEXT_BYTES + 4) / 8;
const headNumbers = HEAD_BYTES / 8;
const usedWord = 2;

export function createSketchMemory(places = SKETCH_PLACES): SharedArrayBuffer {
  return new SharedArrayBuffer(HEAD_BYTES + places * placeBytes);
}

function viewsOf(memory: SharedArrayBuffer) {
  return {
    places: (memory.byteLength - HEAD_BYTES) / placeBytes,
    words: new Int32Array(memory),
    bytes: new Uint8Array(memory),
    numbers: new Float64Array(memory),
  };
}

/** Index among `numbers` of a place's first double. */
function firstOf(place: number): number {
  return headNumbers + place * placeNumbers + numbersAt;
}

function textOf(bytes: Uint8Array, place: number): string {
  const at = HEAD_BYTES + place * placeBytes + 4;
  return Buffer.from(bytes.slice(at + 1, at + 1 + bytes[at]!)).toString('latin1');
}

/** The one writer's side. */
export interface SketchWriter {
  readonly numbers: Float64Array;
  /**
   * Counts one call of an address and returns the index in `numbers` of its columns. `hint`: what `place` was after the last one,
   * which spares a look-up where the address still has it.
   */
  count(address: string, hint: number): number;
  /** Of the address counted last. */
  readonly place: number;
}

export function createSketchWriter(memory: SharedArrayBuffer): SketchWriter {
  const { places, words, bytes, numbers } = viewsOf(memory);
  const placeOf = new Map<string, number>();
  const texts: string[] = [];
  /** Counted and missed calls: what a place is kept by. */
  const weights = new Float64Array(places);
  let used = 0;
  /** No weight is lower; the search for one that is not higher goes round. */
  let floor = numbers[0]!;
  let hand = 0;
  let place = 0;

  function wordOf(at: number): number {
    return (HEAD_BYTES >> 2) + at * placeWords;
  }

  function clear(at: number): void {
    numbers.fill(0, firstOf(at), firstOf(at) + COLUMNS);
  }

  /** Of the worker that was here before; a place that it was about to give away is nobody's. */
  for (let at = 0; at < words[usedWord]!; at++) {
    used = at + 1;
    if ((words[wordOf(at)]! & 1) === 1) {
      bytes[HEAD_BYTES + at * placeBytes + 4] = 0;
      clear(at);
      words[wordOf(at)]!++;
    }
    const text = textOf(bytes, at);
    texts.push(text);
    if (text !== '') placeOf.set(text, at);
    const first = firstOf(at);
    weights[at] = numbers[first + missedAt]!;
    for (let column = 0; column < decisions.length; column++) weights[at]! += numbers[first + column]!;
  }

  /** Weights only grow, so one at the floor is a least one; the floor rises once a round found none. */
  function least(): number {
    for (;;) {
      let lowest = Number.POSITIVE_INFINITY;
      for (let step = 0; step < places; step++) {
        hand = hand + 1 === places ? 0 : hand + 1;
        const weight = weights[hand]!;
        if (weight <= floor) return hand;
        if (weight < lowest) lowest = weight;
      }
      floor = lowest;
    }
  }

  function give(at: number, address: string, missed: number): void {
    const word = wordOf(at);
    Atomics.add(words, word, 1);
    clear(at);
    numbers[firstOf(at) + missedAt] = missed;
    const begin = HEAD_BYTES + at * placeBytes + 4;
    const length = Math.min(address.length, TEXT_BYTES - 1);
    bytes[begin] = length;
    for (let i = 0; i < length; i++) bytes[begin + 1 + i] = address.charCodeAt(i);
    Atomics.add(words, word, 1);
    texts[at] = address;
    weights[at] = missed;
    placeOf.set(address, at);
  }

  function find(address: string): number {
    const known = placeOf.get(address);
    if (known !== undefined) return known;
    if (used < places) {
      const at = used++;
      give(at, address, 0);
      Atomics.store(words, usedWord, used);
      return at;
    }
    const at = least();
    placeOf.delete(texts[at]!);
    numbers[0] = floor;
    // A place cleared after a worker's death weighs less than the floor.
    give(at, address, Math.max(floor, weights[at]!));
    return at;
  }

  return {
    numbers,
    get place() {
      return place;
    },
    count(address, hint) {
      place = hint >= 0 && texts[hint] === address ? hint : find(address);
      weights[place]!++;
      return firstOf(place);
    },
  };
}

/** An address as several sketches know it together. */
export interface SketchedAddress {
  address: string;
  /** By `callerAt` and `callAt`: at least so many. */
  numbers: Float64Array;
  /** Calls that may have been missed, at most. */
  missed: number;
}

/** Places in use of all sketches: an address that several workers know is counted once for each. */
export function placesInUse(memories: readonly SharedArrayBuffer[]): number {
  return memories.reduce((sum, memory) => sum + Atomics.load(new Int32Array(memory), usedWord), 0);
}

/** What the sketches of all workers say. `floor`: an address that is in none made at most so many calls. */
export function readSketches(memories: readonly SharedArrayBuffer[]): {
  addresses: SketchedAddress[];
  floor: number;
} {
  const found = new Map<string, SketchedAddress & { floors: number }>();
  let floor = 0;
  for (const memory of memories) {
    const { words, bytes, numbers } = viewsOf(memory);
    // It rises meanwhile at most, and then holds all the more.
    const end = Atomics.load(words, usedWord);
    for (let at = 0; at < end; at++) {
      const word = (HEAD_BYTES >> 2) + at * placeWords;
      const version = Atomics.load(words, word);
      if ((version & 1) === 1) continue;
      const address = textOf(bytes, at);
      const own = numbers.slice(firstOf(at), firstOf(at) + COLUMNS);
      if (Atomics.load(words, word) !== version || address === '') continue;
      let entry = found.get(address);
      if (entry === undefined) {
        entry = { address, numbers: new Float64Array(CALLER_COLUMNS), missed: 0, floors: 0 };
        found.set(address, entry);
      }
      merge(entry.numbers, own);
      entry.missed += own[missedAt]!;
      entry.floors += numbers[0]!;
    }
    floor += numbers[0]!;
  }
  // A worker whose sketch does not have it may have seen as many of its calls as its floor says.
  const addresses = [...found.values()].map(({ floors, missed, ...entry }) => ({
    ...entry,
    missed: missed + Math.max(0, floor - floors),
  }));
  return { addresses, floor };
}

/** All are sums but the last, which is the latest time. */
function merge(sums: Float64Array, own: Float64Array): void {
  const last = CALLER_COLUMNS - 1;
  for (let column = 0; column < last; column++) sums[column]! += own[column]!;
  sums[last] = Math.max(sums[last]!, own[last]!);
}
