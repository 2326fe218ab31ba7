import type { DeliveryOutcome, Outbox } from '../outbox.ts';
import { writeAllBut } from '../refusal.ts';
import { problemLine } from './problem-line.ts';
import type { DeliveryLog } from './sink-slot.ts';

/**
 * Outcomes on their way into the outbox, in batches. None is lost while the store is away: they wait. One that the store does not take
 * holds none of the others up.
 */
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
  log: Pick<DeliveryLog, 'error'>;
  /** The outbox has these; what it refused is not among them. */
  onSettled(outcomes: readonly DeliveryOutcome[]): void;
}): Settler {
  const { outbox, by, epochMs, log } = parts;
  let outcomes: DeliveryOutcome[] = [];
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | undefined;
  let stopped = false;

  /** It stays claimed, so that it is not sent again and again; a restart sends it once more. */
  const giveUp = ({ sink, number, state }: DeliveryOutcome, error: unknown): void => {
    const why = problemLine(error instanceof Error ? error.message : String(error));
    const fields = { kind: 'events', sink, sequence: number, state };
    log.error(fields, `what became of a delivery to sink ${sink} could not be kept: ${why}`);
  };

  const write = async (): Promise<void> => {
    while (outcomes.length > 0) {
      const batch = outcomes.slice(0, BATCH);
      const refused = new Set<DeliveryOutcome>();
      try {
        await writeAllBut(
          batch,
          (some) => outbox.settle(some, by, epochMs()),
          (one, error) => {
            refused.add(one);
            giveUp(one, error);
          },
        );
      } catch {
        // The store says elsewhere why it is away.
        return arm(RETRY_MS);
      }
      outcomes = outcomes.slice(batch.length);
      parts.onSettled(batch.filter((one) => !refused.has(one)));
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
