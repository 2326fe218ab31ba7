/**
 * What workers write of each upstream, in shared memory. Two kinds: words that all workers change by atomic
 * operations, and cells of one worker each, which the others only read.
 */

/** 64-bit words of one upstream that all workers change; two 32-bit counts make the last. */
const sharedWords = 8;
export const sharedAt = {
  breaker: 0,
  /** Budget: when the bucket would be full again, in nanoseconds. */
  full: 1,
  /** From here 64-bit floats. */
  pausedUntilMs: 2,
  pauseMs: 3,
  learnedRate: 4,
  learnedAtMs: 5,
} as const;
/** 32-bit counts of one upstream, from the seventh word on. */
const countsAt = 6 * 2;
export const BREAKER_COUNTS = 3;

/** 32-bit integers of one upstream in one worker: its calls in flight, then the buckets of its window. */
const cellIntegers = 32;
const windowAt = 8;
/** Buckets of a sliding window, and the integers of each: its number, calls that went well, calls that failed. */
export const WINDOW_BUCKETS = 8;
export const BUCKET_INTEGERS = 3;

export function sharedBytes(upstreams: number): number {
  return upstreams * sharedWords * 8;
}

export function cellBytes(upstreams: number, workers: number): number {
  return workers * upstreams * cellIntegers * 4;
}

/** The words of one upstream, seen in three ways. */
export interface SharedWords {
  readonly words: BigInt64Array;
  readonly numbers: Float64Array;
  /** How often its breaker opened, began trials, closed. */
  readonly counts: Int32Array;
}

export function sharedWordsOf(memory: SharedArrayBuffer, slot: number): SharedWords {
  const from = slot * sharedWords * 8;
  return {
    words: new BigInt64Array(memory, from, sharedWords),
    numbers: new Float64Array(memory, from, sharedWords),
    counts: new Int32Array(memory, from + countsAt * 4, BREAKER_COUNTS),
  };
}

/** Where the cells of one upstream lie in the memory of all: in 32-bit integers. */
export interface CellPlaces {
  readonly cells: Int32Array;
  readonly workers: number;
  /** From one worker's cells to the next one's. */
  readonly stride: number;
  /** Of the first worker: calls in flight, and the first bucket. */
  readonly inFlight: number;
  readonly window: number;
}

export function cellPlacesOf(memory: SharedArrayBuffer, upstreams: number, slot: number): CellPlaces {
  const cells = new Int32Array(memory);
  const stride = upstreams * cellIntegers;
  const first = slot * cellIntegers;
  return { cells, workers: cells.length / stride, stride, inFlight: first, window: first + windowAt };
}

/** What a worker that ended had in flight is in flight no more; its window counts no more. */
export function clearWorkerCells(memory: SharedArrayBuffer, upstreams: number, worker: number): void {
  const stride = upstreams * cellIntegers;
  new Int32Array(memory).fill(0, worker * stride, (worker + 1) * stride);
}

/** For the next upstream of the slot. Calls in flight stay: those of the last one still come to their end. */
export function clearSlotCells(
  shared: SharedArrayBuffer,
  cells: SharedArrayBuffer,
  upstreams: number,
  slot: number,
): void {
  new BigInt64Array(shared).fill(0n, slot * sharedWords, (slot + 1) * sharedWords);
  const places = cellPlacesOf(cells, upstreams, slot);
  for (let worker = 0; worker < places.workers; worker++) {
    const from = places.window + worker * places.stride;
    places.cells.fill(0, from, from + WINDOW_BUCKETS * BUCKET_INTEGERS);
  }
}
