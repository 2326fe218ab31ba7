/**
 * By how much longer than the work took a backlog rests after each batch: callers have the processor meanwhile, and what is put off is in
 * the journals. Two fifths of a processor are some 90,000 records a second.
 */
const REST_SHARE = 1.5;
const REST_MAX_MS = 500;

/** Spreads the work of a backlog over time, unless somebody waits for its end. */
export interface ApplierPace {
  /** To be awaited after work of so many milliseconds. */
  rest(tookMs: number): Promise<void>;
  /** No rests until `work` has settled; one under way is cut short. */
  hurry<T>(work: () => Promise<T>): Promise<T>;
}

export function createApplierPace(): ApplierPace {
  let hurried = 0;
  let wake = (): void => undefined;

  return {
    async rest(tookMs) {
      if (hurried > 0) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(tookMs * REST_SHARE, REST_MAX_MS));
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    },
    async hurry(work) {
      hurried++;
      wake();
      try {
        return await work();
      } finally {
        hurried--;
      }
    },
  };
}
