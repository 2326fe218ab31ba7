/** Numbers of keys by name: a key that is replaced keeps its number, and so the slot its quota is counted in. */
export interface KeyNumbers {
  /**
   * The name's number. With `quota` one below the slots there are, so that it may be another than before; -1 where none
   * is left. Those given back are given again only when all are taken, the oldest first. Without, a fresh one above the
   * slots, so that no key takes one that it does not need.
   */
  numberOf(name: string, quota: boolean): number;
  nameOf(number: number): string | undefined;
  find(name: string): number | undefined;
  /** The key is gone. One that comes back has its number again unless another took it meanwhile. */
  release(name: string): void;
}

export function createKeyNumbers(quotaSlots: number): KeyNumbers {
  const numbers = new Map<string, number>();
  const names = new Map<number, string>();
  /** Of slots, in the order they went. */
  const gone = new Set<string>();
  let nextSlot = 0;
  let nextOther = quotaSlots;

  function give(name: string, number: number): number {
    numbers.set(name, number);
    names.set(number, name);
    return number;
  }

  function freeSlot(): number {
    if (nextSlot < quotaSlots) return nextSlot++;
    const [oldest] = gone;
    if (oldest === undefined) return -1;
    const slot = numbers.get(oldest)!;
    gone.delete(oldest);
    numbers.delete(oldest);
    return slot;
  }

  return {
    numberOf(name, quota) {
      const known = numbers.get(name);
      if (known !== undefined && (!quota || known < quotaSlots)) {
        gone.delete(name);
        return known;
      }
      if (!quota) return give(name, nextOther++);
      const slot = freeSlot();
      if (slot < 0) return -1;
      if (known !== undefined) names.delete(known);
      return give(name, slot);
    },
    nameOf: (number) => names.get(number),
    find: (name) => numbers.get(name),
    release(name) {
      const number = numbers.get(name);
      if (number === undefined) return;
      if (number < quotaSlots) gone.add(name);
      else {
        numbers.delete(name);
        names.delete(number);
      }
    },
  };
}
