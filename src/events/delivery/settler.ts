import type { DeliveryOutcome, Outbox } from '../outbox.ts';

/** Outcomes on their way into the outbox, in batches. None is lost while the store is away: they wait. */
export interface Settler {
  add(outcome: DeliveryOutcome): void;
  /** Resolves when all that was added is noted, or at the first failure. */
  flush(): Promise<void>;
  readonly size: number;
  stop(): void;
}

const GATHER_MS = 10;
const BATCH = 500;
const RETRY_MS = 500;

export function createSettler(parts: {
  outbox: Pick<Outbox, 'settle'>;
  by: string;
  epochMs(): number;
  onSettled(): void;
}): Settler {
  let outcomes: DeliveryOutcome[] = [];
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | undefined;
  let stopped = false;

  const write = async (): Promise<void> => {
    while (outcomes.length > 0) {
      const batch = outcomes.slice(0, BATCH);
      try {
        await parts.outbox.settle(batch, parts.by, parts.epochMs());
      } catch {
        // The store says elsewhere why it is away.
        return arm(RETRY_MS);
      }
      outcomes = outcomes.slice(batch.length);
      parts.onSettled();
    }
  };
  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    writing ??= write().finally(() => {
      writing = undefined;
      if (outcomes.length > 0) arm(GATHER_MS);
    });
    return writing;
  };
  function arm(waitMs: number): void {
    if (!stopped) timer ??= setTimeout(() => void flush(), waitMs);
  }

  return {
    add(outcome) {
      outcomes.push(outcome);
      arm(GATHER_MS);
    },
    flush,
    get size() {
      return outcomes.length;
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
