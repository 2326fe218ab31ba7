import { layout } from '../memory.ts';
import type { LeaseMemory } from '../memory.ts';

const { awaySinceAt, awayWord, instancesWord } = layout;

/** What all threads of one instance know of the others. */
export interface LeaseState {
  /** Redis answers nobody: leases are not waited for, each instance goes on with its share. Read at each call. */
  readonly away: boolean;
  /** Monotonic microseconds; means nothing while it is not away. */
  readonly awaySince: number;
  /** Instances that share the buckets, this one included: at least 1. */
  readonly instances: number;
}

export function openLeaseState({ state }: LeaseMemory): LeaseState {
  const words = new Int32Array(state);
  const numbers = new Float64Array(state);
  return {
    get away() {
      return words[awayWord] !== 0;
    },
    get awaySince() {
      return numbers[awaySinceAt]!;
    },
    get instances() {
      return words[instancesWord]!;
    },
  };
}

/** Main alone. Workers go by their shares from then on, until `here`. */
export function setAway({ state }: LeaseMemory, sinceMicros: number): void {
  new Float64Array(state)[awaySinceAt] = sinceMicros;
  Atomics.store(new Int32Array(state), awayWord, 1);
}

/** Main alone: leases are asked for again. */
export function setHere({ state }: LeaseMemory): void {
  Atomics.store(new Int32Array(state), awayWord, 0);
}
