/** Things to be looked at again at a time of their own, each once, however many there are. */
export interface RetryWheel<T> {
  /** Microseconds, some seconds ahead at most. Of one that is in it already the time is changed. */
  put(one: T, atMicros: number): void;
  /** Takes out those whose time has come: so many at most, the rest with the next call. */
  due(nowMicros: number, most: number): T[];
}

const SLOT_MICROS = 20_000;

export function createRetryWheel<T>(): RetryWheel<T> {
  /** Where each stands now: elsewhere it is passed by. */
  const places = new Map<T, { at: number; slot: number }>();
  const slots = new Map<number, T[]>();
  let first = Number.POSITIVE_INFINITY;

  function insert(one: T, at: number, slot: number): void {
    places.set(one, { at, slot });
    first = Math.min(first, slot);
    const some = slots.get(slot);
    if (some === undefined) slots.set(slot, [one]);
    else some.push(one);
  }

  return {
    put(one, atMicros) {
      const slot = Math.ceil(atMicros / SLOT_MICROS);
      const place = places.get(one);
      if (place === undefined || slot < place.slot) insert(one, atMicros, slot);
      else place.at = atMicros;
    },
    due(nowMicros, most) {
      const found: T[] = [];
      const last = Math.floor(nowMicros / SLOT_MICROS);
      for (; first <= last && places.size > 0; first++) {
        const some = slots.get(first) ?? [];
        while (some.length > 0) {
          if (found.length === most) return found;
          const one = some.pop()!;
          const place = places.get(one);
          if (place?.slot !== first) continue;
          if (place.at > nowMicros)
            insert(one, place.at, Math.max(Math.ceil(place.at / SLOT_MICROS), first + 1));
          else {
            places.delete(one);
            found.push(one);
          }
        }
        slots.delete(first);
      }
      if (places.size === 0) {
        first = Number.POSITIVE_INFINITY;
        // Those that were left for an earlier place: nobody would come by them again.
        slots.clear();
      }
      return found;
    },
  };
}
