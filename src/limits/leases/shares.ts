import { layout } from '../memory.ts';
import type { LimitsMemory } from '../memory.ts';
import type { BucketShape } from '../buckets/token-bucket.ts';

const {
  burstUnitsAt,
  highestAt,
  instancesWord,
  maxUnitsAt,
  rankWord,
  refillUnitsAt,
  ruleNumbers,
  shareMaxAt,
  shareNumbers,
  shareRefillAt,
  tickMicrosAt,
  tokenUnitsAt,
} = layout;

/** One of several instances, in an order that all agree on. */
export interface Place {
  /** 1 … some hundred. */
  instances: number;
  /** 0 … `instances - 1`. */
  rank: number;
}

/**
 * What one instance has of a bucket while Redis is away: the capacity in whole tokens, divided so that all together have
 * no more than it, but each at least one; and its part of the rate.
 */
export function shareOf(
  shape: BucketShape,
  { instances, rank }: Place,
): { maxUnits: number; refillUnits: number } {
  const tokens = Math.floor(shape.maxUnits / shape.tokenUnits);
  const mine = Math.floor(tokens / instances) + (rank < tokens % instances ? 1 : 0);
  return {
    maxUnits: Math.max(1, mine) * shape.tokenUnits,
    refillUnits: shape.refillUnits / instances,
  };
}

/** Writes the share of a version that was just added; nothing where no instance shares. Main alone. */
export function createShareWriter(memory: LimitsMemory): (index: number, shape: BucketShape) => void {
  if (memory.leases === null) return () => undefined;
  const shares = new Float64Array(memory.leases.rules);
  const state = new Int32Array(memory.leases.state);
  return (index, shape) => {
    const place = { instances: state[instancesWord]!, rank: state[rankWord]! };
    const { maxUnits, refillUnits } = shareOf(shape, place);
    shares[index * shareNumbers + shareMaxAt] = maxUnits;
    shares[index * shareNumbers + shareRefillAt] = refillUnits;
  };
}

/** Instances came or went: all rules' shares anew, some 20 ns each. A take meanwhile sees the one or the other. Main alone. */
export function setPlace(memory: LimitsMemory, { instances, rank }: Place): void {
  if (memory.leases === null) return;
  const state = new Int32Array(memory.leases.state);
  if (state[instancesWord] === instances && state[rankWord] === rank) return;
  state[rankWord] = rank;
  Atomics.store(state, instancesWord, instances);
  const write = createShareWriter(memory);
  const words = new Int32Array(memory.rules);
  const numbers = new Float64Array(memory.rules);
  for (let index = 1; index <= words[highestAt]!; index++) {
    const number = index * ruleNumbers;
    write(index, {
      maxUnits: numbers[number + maxUnitsAt]!,
      refillUnits: numbers[number + refillUnitsAt]!,
      tokenUnits: numbers[number + tokenUnitsAt]!,
      tickMicros: numbers[number + tickMicrosAt]!,
      burstUnits: numbers[number + burstUnitsAt]!,
    });
  }
}
