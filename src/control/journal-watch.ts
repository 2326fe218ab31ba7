import type { UsagePolicy } from '../config/index.ts';
import type { Logger } from './logs.ts';

/** Says loudly, once for all workers, that usage cannot be written, and once that it can again. */
export interface JournalWatch {
  said(slot: number, full: boolean, reason: string): void;
  /** That worker has died: what it said holds no more. Whether there is room again the one in its place will know. */
  gone(slot: number): void;
  /** Why usage cannot be written now, and what that means for calls; null: it can. */
  problem(): string | null;
}

export function createJournalWatch(
  logger: Pick<Logger, 'error' | 'warn'>,
  {
    whenFull,
    lost,
  }: {
    whenFull: () => UsagePolicy['whenFull'];
    /** Calls and events of which no journal has anything, of all workers since the start. */
    lost: () => number;
  },
): JournalWatch {
  /** Workers whose journal is, and why. */
  const full = new Map<number, string>();
  let lostBefore = 0;

  function over(slot: number, event: string, text: string): void {
    if (!full.delete(slot) || full.size > 0) return;
    const calls = lost() - lostBefore;
    logger.warn(
      { kind: 'usage', event, lost: calls },
      `${text}${calls === 0 ? '' : `: usage of ${calls} calls and events is lost`}`,
    );
  }

  return {
    said(slot, isFull, reason) {
      if (!isFull) return over(slot, 'journal.writable', 'usage is written to the journals again');
      if (full.size === 0) lostBefore = lost();
      if (full.set(slot, reason).size > 1) return;
      logger.error(
        { kind: 'usage', event: 'journal.full', worker: slot, reason },
        `usage cannot be written to the journals: ${meanings[whenFull()]}`,
      );
    },
    gone: (slot) => over(slot, 'journal.gone', 'the last worker that could not write usage has ended'),
    problem() {
      const [reason] = full.values();
      return reason === undefined
        ? null
        : `usage cannot be written to the journals (${reason}): ${meanings[whenFull()]}`;
    },
  };
}

const meanings: Record<UsagePolicy['whenFull'], string> = {
  refuse: 'all calls are refused until there is room (usage.when_full: refuse)',
  serve_unmetered: 'calls are answered and their usage is lost (usage.when_full: serve_unmetered)',
};
