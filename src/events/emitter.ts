import type { UnnumberedEvent } from './envelope.ts';
import type { EventDraft, Events, EventType } from './event.ts';
import { type Outbox, type OutboxEntry, outboxEntry } from './outbox.ts';

/** Told events on their way into the outbox. */
export interface Emitter extends Events {
  /** An event that is to be added with what caused it, in a transaction of somebody else's; null: nobody wants it. */
  prepare(draft: EventDraft): OutboxEntry | null;
  /** Resolves when all that was emitted is in the outbox, or `boundMs` have passed. */
  flush(boundMs: number): Promise<void>;
  state(): { emitted: Partial<Record<EventType, number>>; waiting: number; lost: number };
  stop(): void;
}

/** Kept in memory while the outbox cannot take them. */
const WAITING_MAX = 10_000;
const GATHER_MS = 5;
const BATCH = 500;
const RETRY_MS = 500;

export function createEmitter(parts: {
  outbox: Pick<Outbox, 'add'>;
  envelope(draft: EventDraft): UnnumberedEvent;
  /** Names of the sinks that want it; null: nobody does, and it is not kept either. */
  route(draft: EventDraft): readonly string[] | null;
  onAdded(): void;
  /** One was lost, the first since the outbox took some. */
  onLost(): void;
}): Emitter {
  const emitted: Partial<Record<EventType, number>> = {};
  let waiting: OutboxEntry[] = [];
  let lost = 0;
  let losing = false;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | undefined;
  let stopped = false;
  /** Events to be added one by one: the store refused one of them. */
  let alone = 0;

  const lose = (): void => {
    lost += 1;
    if (!losing) parts.onLost();
    losing = true;
  };

  const write = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, alone > 0 ? 1 : BATCH);
      try {
        await parts.outbox.add(batch);
      } catch (error) {
        // The store says elsewhere why it is away.
        if (!isInvalid(error)) return arm(RETRY_MS);
        // One that it never takes must not be in the way of all others.
        alone = batch.length;
        if (batch.length === 1) lose();
        else continue;
      }
      alone = Math.max(0, alone - batch.length);
      waiting = waiting.slice(batch.length);
      losing = false;
      parts.onAdded();
    }
  };
  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    writing ??= write().finally(() => {
      writing = undefined;
      if (waiting.length > 0) arm(RETRY_MS);
    });
    return writing;
  };
  function arm(waitMs: number): void {
    if (!stopped) timer ??= setTimeout(() => void flush(), waitMs);
  }

  const prepare = (draft: EventDraft): OutboxEntry | null => {
    const sinks = parts.route(draft);
    if (sinks === null) return null;
    emitted[draft.type] = (emitted[draft.type] ?? 0) + 1;
    return outboxEntry(parts.envelope(draft), draft, sinks);
  };

  return {
    prepare,
    emit(draft) {
      const entry = prepare(draft);
      if (entry === null) return;
      if (waiting.length >= WAITING_MAX) {
        lose();
        return;
      }
      waiting.push(entry);
      arm(GATHER_MS);
    },
    async flush(boundMs) {
      let bound: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        bound = setTimeout(resolve, boundMs);
      });
      await Promise.race([flush(), late]);
      clearTimeout(bound);
    },
    state: () => ({ emitted: { ...emitted }, waiting: waiting.length, lost }),
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/** By the store's own word: the values are such as it has no place for. */
function isInvalid(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'invalid';
}
