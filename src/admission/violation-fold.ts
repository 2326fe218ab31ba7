/** Violations of one beat by address, as main is told of them. */
export interface Violations {
  /** Addresses, or IPv6 networks, as text. */
  addresses: string[];
  /** What each one's violations weigh together. */
  weights: number[];
}

/** A worker's violations between two beats. Bounded: of a beat's addresses beyond `addressesMax` only those known already are counted. */
export interface ViolationFold {
  add(address: string, weight: number): void;
  /** What came since the last time; null: nothing. */
  take(): Violations | null;
}

export function createViolationFold(addressesMax: number): ViolationFold {
  const sums = new Map<string, number>();
  return {
    add(address, weight) {
      const sum = sums.get(address);
      if (sum !== undefined) sums.set(address, sum + weight);
      else if (sums.size < addressesMax) sums.set(address, weight);
    },
    take() {
      if (sums.size === 0) return null;
      const violations = { addresses: [...sums.keys()], weights: [...sums.values()] };
      sums.clear();
      return violations;
    },
  };
}
