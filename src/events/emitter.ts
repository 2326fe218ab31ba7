import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { UnnumberedEvent } from './envelope.ts';
import type { EventDraft, Events, EventType } from './event.ts';
import { isFolded } from './fold.ts';
import { type Outbox, type OutboxEntry, outboxEntry } from './outbox.ts';

/** Told events on their way into the outbox. */
export interface Emitter extends Events {
  /** An event that is to be added with what caused it, in a transaction of somebody else's; null: nobody wants it. */
  prepare(draft: EventDraft): OutboxEntry | null;
  /** Tries until all that was emitted is in the outbox, or `boundMs` have passed. */
  flush(boundMs: number): Promise<void>;
  state(): { emitted: Partial<Record<EventType, number>>; waiting: number; lost: number };
  stop(): void;
}

/** Kept in memory of each kind while the outbox cannot take them: floods, of addresses above all, push out nothing else. */
const WAITING_MAX = 10_000;
type Kind = 'addressFlood' | 'keyFlood' | 'single';
const GATHER_MS = 5;
const BATCH = 500;
const RETRY_MS = 500;
const LAST_RETRY_MS = 50;

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
  let waiting: { entry: OutboxEntry; kind: Kind }[] = [];
  const waitingOf: Record<Kind, number> = { addressFlood: 0, keyFlood: 0, single: 0 };
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
        await parts.outbox.add(batch.map(({ entry }) => entry));
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
      for (const { kind } of batch) waitingOf[kind] -= 1;
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
      const kind = kindOf(draft);
      if (waitingOf[kind] >= WAITING_MAX) {
        lose();
        return;
      }
      waitingOf[kind] += 1;
      waiting.push({ entry, kind });
      arm(GATHER_MS);
    },
    async flush(boundMs) {
      const bound = AbortSignal.timeout(boundMs);
      const late = once(bound, 'abort');
      for (;;) {
        await Promise.race([flush(), late]);
        if (waiting.length === 0 || bound.aborted) return;
        await delay(LAST_RETRY_MS);
      }
    },
    state: () => ({ emitted: { ...emitted }, waiting: waiting.length, lost }),
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

function kindOf(draft: EventDraft): Kind {
  if (!isFolded(draft)) return 'single';
  return draft.keyId === undefined ? 'addressFlood' : 'keyFlood';
}

/** By the store's own word: the values are such as it has no place for. */
function isInvalid(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'invalid';
}
