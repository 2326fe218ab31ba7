import type { UsagePolicy } from '../config/index.ts';
import type { Logger } from './logs.ts';

/** Says loudly, once for all workers, that usage cannot be written, and once that it can again. */
export interface JournalWatch {
  said(slot: number, full: boolean, reason: string): void;
  /** That worker has died: what it said holds no more. */
  gone(slot: number): void;
}

export function createJournalWatch(
  logger: Pick<Logger, 'error' | 'warn'>,
  whenFull: () => UsagePolicy['whenFull'],
): JournalWatch {
  const full = new Set<number>();

  function over(slot: number): void {
    if (full.delete(slot) && full.size === 0)
      logger.warn({ kind: 'usage', event: 'journal.writable' }, 'usage is written to the journals again');
  }

  return {
    said(slot, isFull, reason) {
      if (!isFull) return over(slot);
      if (full.add(slot).size > 1) return;
      const meaning =
        whenFull() === 'refuse'
          ? 'all calls are refused until there is room (usage.when_full: refuse)'
          : 'calls are answered and their usage is lost (usage.when_full: serve_unmetered)';
      logger.error(
        { kind: 'usage', event: 'journal.full', worker: slot, reason },
        `usage cannot be written to the journals: ${meaning}`,
      );
    },
    gone: over,
  };
}
