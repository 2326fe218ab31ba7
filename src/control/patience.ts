import { LimitsBusyError } from '../limits/index.ts';

const triesMax = 8;

/**
 * Runs work on the shared buckets that may meet a lock whose holder just died. Each try comes in another turn of the
 * event loop, in which main hears of the death and frees the lock. Throws LimitsBusyError after eight tries.
 */
export async function patiently<T>(work: () => T): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof LimitsBusyError) || tries === triesMax) throw error;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
