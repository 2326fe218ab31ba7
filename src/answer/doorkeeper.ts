/**
 * Remembers what was asked for lately, so that where room is short an answer that was asked for once takes nobody's place
 * (the doorkeeper of TinyLFU, Einziger, Friedman and Manes 2017). It may forget early, since of two hashes that meet in a
 * place the later stays, and it never takes one for another.
 */
export interface Doorkeeper {
  /** Was the hash, of 30 bits, shown within about `span` others? From now on it was. */
  knows(hash: number): boolean;
  /** How many others it may remember beside; where it grows twofold all is forgotten. */
  widen(span: number): void;
}

const PLACES_MIN = 64;

export function createDoorkeeper(): Doorkeeper {
  let places = new Int32Array(PLACES_MIN).fill(-1);
  return {
    knows(hash) {
      const place = hash & (places.length - 1);
      if (places[place] === hash) return true;
      places[place] = hash;
      return false;
    },
    widen(span) {
      let length = PLACES_MIN;
      while (length < span) length *= 2;
      if (length > places.length) places = new Int32Array(length).fill(-1);
    },
  };
}
