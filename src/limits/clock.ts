/**
 * A clock in whole microseconds of CLOCK_MONOTONIC: the same over all threads of the host to within a few
 * microseconds, and not moved when the wall clock is. `performance.now()` is the cheap way to read it, but each
 * thread counts it from its own start, so the offset is taken once against `process.hrtime`.
 */
export function createMonotonicClock(): () => number {
  const offsetMicros = measureOffset();
  return () => Math.floor(performance.now() * 1000 + offsetMicros);
}

/** The offset measured in the least time of several tries: a thread switch in between would spoil a single one. */
function measureOffset(): number {
  let best = 0;
  let bestSpan = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 16; attempt++) {
    const before = process.hrtime.bigint();
    const now = performance.now();
    const after = process.hrtime.bigint();
    const span = Number(after - before);
    if (span >= bestSpan) continue;
    bestSpan = span;
    best = Number((before + after) / 2n) / 1000 - now * 1000;
  }
  return best;
}
