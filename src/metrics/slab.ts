import {
  type CounterName,
  counterNames,
  definitions,
  type LatencyName,
  latencyNames,
} from './definitions.ts';
import { histogramLength } from './histogram.ts';
import { indexed } from './indexed.ts';

/*
 * A slab: one worker's numbers, doubles in shared memory. Its worker alone writes it, without atomics, so a
 * count costs what `array[i]++` costs; whoever reads sees each number as it is or was a moment ago, since
 * aligned 64-bit stores do not tear on the platforms Node runs on. Doubles count exactly to 2^53.
 *
 *     counters | histograms
 */

const latenciesAt = counterNames.length;
const slabLength = latenciesAt + latencyNames.length * histogramLength;

/** Index in a slab by counter name; `counters.heartbeat` is 0. */
export const counters = indexed<CounterName>(counterNames);

/** Where a histogram stands in a slab: the offset that `record` takes. */
export const latencyOffsets = indexed<LatencyName>(latencyNames, latenciesAt, histogramLength);

/**
 * Memory for one worker's numbers, all 0: about 8 KB. Both sides look at it through `new
 * Float64Array(slab)`.
 */
export function createCounterSlab(): SharedArrayBuffer {
  return new SharedArrayBuffer(slabLength * Float64Array.BYTES_PER_ELEMENT);
}

/**
 * Says that the slab's worker is gone: its totals stay, what it had open is 0. Then the slab may be kept for
 * the sums, or handed to the worker that replaces it, which counts on. Call it only once the thread has
 * exited.
 */
export function clearGauges(slab: SharedArrayBuffer): void {
  const numbers = new Float64Array(slab);
  for (const name of counterNames) if (definitions[name].kind === 'gauge') numbers[counters[name]] = 0;
}
