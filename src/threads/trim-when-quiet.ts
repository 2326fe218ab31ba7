import { trimHeap } from './trim-heap.ts';

/**
 * Trims this thread's heap after the first time of `quietMs` in which nothing was done, as `done` counts it: of a start and of each call it
 * would take a part, and a thread that always has work needs its heap as it is.
 */
export function trimWhenQuiet(done: () => number, quietMs: number, trim: () => void = trimHeap): void {
  let before = done();
  const look = setInterval(() => {
    const now = done();
    if (now === before) {
      clearInterval(look);
      trim();
    }
    before = now;
  }, quietMs);
  look.unref();
}
