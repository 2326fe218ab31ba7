import type { UsagePolicy } from '../config/index.ts';
import { createJournalWriter, type JournalWriter, type UsageRecord } from '../usage/index.ts';
import type { CallContext } from './context.ts';
import type { FromWorker, WorkerStart } from './messages.ts';

/** One worker's journal, as its data plane uses it; without one nothing is kept, and nothing refused. */
export interface WorkerJournal {
  /** To be called before the answers of a turn leave. */
  write(records: readonly UsageRecord[]): void;
  /** Whether calls of that policy must be refused, since their usage could not be kept. */
  unmetered(context: CallContext): boolean;
  /** Every 100 ms. */
  tick(): void;
  close(): void;
}

export function openWorkerJournal(
  { slot, start, journal }: Pick<WorkerStart, 'slot' | 'start' | 'journal'>,
  options: {
    whenFull: () => UsagePolicy['whenFull'];
    tell: (message: FromWorker) => void;
    nowMs: () => number;
    /** Told how much was lost in all. */
    lost: (calls: number) => void;
  },
): WorkerJournal {
  if (journal === null) return { write() {}, unmetered: () => false, tick() {}, close() {} };
  let writer: JournalWriter | undefined = undefined;
  // Before anything that tells of it.
  const count = (): void => {
    if (writer !== undefined) options.lost(writer.lost);
  };
  const opened = createJournalWriter({
    ...journal,
    ...{ slot, start },
    holds: () => options.whenFull() === 'refuse',
    onFull(full, reason) {
      count();
      options.tell({ type: 'journal', full, reason });
    },
    epochMs: Date.now,
    nowMs: options.nowMs,
  });
  writer = opened;
  return {
    write: opened.write,
    unmetered: ({ policy }) => opened.full && policy.snapshot.usage.whenFull === 'refuse',
    tick() {
      opened.tick();
      count();
    },
    close() {
      options.lost(opened.close());
    },
  };
}
