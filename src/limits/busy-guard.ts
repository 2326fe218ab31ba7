import { LimitsBusyError } from './shard-locks.ts';

/** Runs `work`; `otherwise` where a worker that died holds its lock, of which main hears in another turn. */
export type BusyGuard = <T, O>(work: () => T, otherwise: O) => T | O;

/** In a turn in which one found its lock held nothing more is tried: each would block main for a quarter of a second. */
export function createBusyGuard(): BusyGuard {
  let isBusy = false;
  return (work, otherwise) => {
    if (isBusy) return otherwise;
    try {
      return work();
    } catch (error) {
      if (!(error instanceof LimitsBusyError)) throw error;
      isBusy = true;
      setImmediate(() => {
        isBusy = false;
      });
      return otherwise;
    }
  };
}
