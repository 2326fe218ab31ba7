import type { ClaimedDelivery } from '../outbox.ts';

/** Claimed deliveries of one sink that are not under way. */
export interface Waiting {
  readonly size: number;
  room(ahead: number): { new: number; retry: number };
  add(claimed: readonly ClaimedDelivery[]): void;
  /**
   * The next, at most so many: first attempts and retries by turns. A first attempt waits for that of an earlier event of its subject,
   * unless both are in one batch.
   */
  next(max: number): ClaimedDelivery[];
  /** A first attempt of this subject has ended. */
  ended(subject: string): void;
  takeAll(): ClaimedDelivery[];
}

export function createWaiting(): Waiting {
  let firsts: ClaimedDelivery[] = [];
  let retries: ClaimedDelivery[] = [];
  /** Subjects with a first attempt under way. */
  const busy = new Set<string>();
  let retryNext = false;

  const takeFirsts = (max: number): ClaimedDelivery[] => {
    const batch: ClaimedDelivery[] = [];
    const own = new Set<string>();
    const left: ClaimedDelivery[] = [];
    for (const [index, one] of firsts.entries()) {
      if (batch.length === max) {
        left.push(...firsts.slice(index));
        break;
      }
      if (busy.has(one.subject) && !own.has(one.subject)) {
        left.push(one);
        continue;
      }
      own.add(one.subject);
      busy.add(one.subject);
      batch.push(one);
    }
    firsts = left;
    return batch;
  };

  return {
    get size() {
      return firsts.length + retries.length;
    },
    room: (ahead) => ({
      new: Math.max(0, ahead - firsts.length),
      retry: Math.max(0, ahead - retries.length),
    }),
    add(claimed) {
      for (const one of claimed) (one.attempts === 0 ? firsts : retries).push(one);
    },
    next(max) {
      retryNext = !retryNext;
      const again = (): ClaimedDelivery[] => retries.splice(0, max);
      if (retryNext) return retries.length > 0 ? again() : takeFirsts(max);
      const batch = takeFirsts(max);
      return batch.length > 0 ? batch : again();
    },
    ended: (subject) => void busy.delete(subject),
    takeAll() {
      const all = [...firsts, ...retries];
      [firsts, retries] = [[], []];
      return all;
    },
  };
}
