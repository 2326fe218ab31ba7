/** A window is cut into so many: what is older than it never counts, what is younger than 7/8 of it always does. */
const slotsEach = 8;
/** Of how many neighbours the one with the least weight makes room for a new address. */
const neighbours = 8;

/** Weights in a sliding window, by address. */
export interface WindowSums {
  /** Adds and gives the sum in the window that ends now. `nowMs` must not fall. */
  add(address: string, weight: number, nowMs: number): number;
  forget(address: string): void;
}

/**
 * Memory is set aside for `capacity` addresses, 100 bytes and its text for each, and never grows. Where all places are taken a
 * new address takes that of the least of eight in turn: who has violated much is not pushed out by a million who have done so
 * once.
 */
export function createWindowSums(capacity: number, windowMs: number): WindowSums {
  const slotMs = windowMs / slotsEach;
  const weights = new Float64Array(capacity * slotsEach);
  const lastSlots = new Float64Array(capacity);
  const addresses: (string | null)[] = new Array<string | null>(capacity).fill(null);
  const places = new Map<string, number>();
  const free: number[] = [];
  let fresh = 0;
  let hand = 0;

  /** Empties what has left the window. */
  function advance(place: number, slot: number): void {
    const passed = Math.min(slotsEach, slot - lastSlots[place]!);
    for (let back = 0; back < passed; back += 1) weights[place * slotsEach + ((slot - back) % slotsEach)] = 0;
    lastSlots[place] = slot;
  }

  function sum(place: number): number {
    let total = 0;
    for (let i = place * slotsEach; i < (place + 1) * slotsEach; i += 1) total += weights[i]!;
    return total;
  }

  function least(slot: number): number {
    let [best, bestSum] = [-1, Number.POSITIVE_INFINITY];
    for (let looks = 0; looks < neighbours; looks += 1) {
      hand = (hand + 1) % capacity;
      advance(hand, slot);
      const total = sum(hand);
      if (total < bestSum) [best, bestSum] = [hand, total];
    }
    return best;
  }

  function placeFor(address: string, slot: number): number {
    const place = free.pop() ?? (fresh < capacity ? fresh++ : least(slot));
    const before = addresses[place];
    if (before !== null && before !== undefined) places.delete(before);
    weights.fill(0, place * slotsEach, (place + 1) * slotsEach);
    lastSlots[place] = slot;
    addresses[place] = address;
    places.set(address, place);
    return place;
  }

  return {
    add(address, weight, nowMs) {
      const slot = Math.floor(nowMs / slotMs);
      const place = places.get(address) ?? placeFor(address, slot);
      advance(place, slot);
      weights[place * slotsEach + (slot % slotsEach)]! += weight;
      return sum(place);
    },
    forget(address) {
      const place = places.get(address);
      if (place === undefined) return;
      places.delete(address);
      addresses[place] = null;
      free.push(place);
    },
  };
}
