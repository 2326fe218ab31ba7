import { getHeapStatistics } from 'node:v8';
import { createLoopWatch, threadAt } from '../../metrics/index.ts';

/** Ticks of a window: some five seconds, and two are looked at. */
const WINDOW_TICKS = 50;

/** How a worker's thread does, for whoever reads its memory. */
export function createThreadFigures(
  memory: SharedArrayBuffer,
  options: { intervalMs: number; nowMs: () => number },
): { tick(): void } {
  const numbers = new Float64Array(memory);
  const watch = createLoopWatch({ ...options, windowTicks: WINDOW_TICKS });
  let ticks = 0;
  return {
    tick() {
      watch.tick();
      numbers[threadAt.lagMicros] = watch.lagMicros;
      numbers[threadAt.maxLagMicros] = watch.maxLagMicros;
      // Takes some microseconds.
      if (ticks++ % WINDOW_TICKS === 0) numbers[threadAt.heapBytes] = getHeapStatistics().used_heap_size;
    },
  };
}
