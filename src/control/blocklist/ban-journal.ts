import { setTimeout as delay } from 'node:timers/promises';
import type { EventDraft, OutboxEntry } from '../../events/index.ts';
import type { CausedEvents } from '../events/events-keeper.ts';
import type { Logger } from '../logs.ts';
import { createSingleFlight } from '../single-flight.ts';
import type { BanChange } from './bans.ts';

/** A change of bans, and its event, which goes into the outbox with it; null: nobody wants it. */
export interface ToldChange {
  change: BanChange;
  event: OutboxEntry | null;
}

/** Writes changes of bans to the store, for each whether it was made; rejects while it is away. */
export type WriteBans = (changes: ToldChange[]) => Promise<boolean[]>;

/** Changes of bans on their way to the store, and their events. */
export interface BanJournal {
  /** Takes a change; its event is told with it, in one transaction, and not where another instance made it before. */
  add(change: BanChange, event: EventDraft): void;
  /** Whether a change of this prefix is still on its way. */
  isPending(prefix: string): boolean;
  /** Whether all that was added is written, after at most `ms`. */
  written(ms: number): Promise<boolean>;
  /** The store answers again. */
  resume(): void;
  close(): void;
}

const AT_ONCE = 500;
const RETRY_MS = 1000;

/** @param pendingMax changes that wait at most while the store is away; the oldest are given up beyond */
export function createBanJournal(options: {
  write: WriteBans;
  events: Pick<CausedEvents, 'prepare' | 'added'>;
  logger: Pick<Logger, 'warn'>;
  pendingMax: number;
}): BanJournal {
  const { write, events, logger, pendingMax } = options;
  let waiting: ToldChange[] = [];
  const pending = new Map<string, number>();
  const closing = new AbortController();
  let lost = 0;
  let retry: NodeJS.Timeout | undefined;

  const prefixOf = (change: BanChange): string => (change.kind === 'put' ? change.ban.prefix : change.prefix);
  const count = (change: BanChange, by: number): void => {
    const prefix = prefixOf(change);
    const left = (pending.get(prefix) ?? 0) + by;
    if (left > 0) pending.set(prefix, left);
    else pending.delete(prefix);
  };

  const flush = createSingleFlight(async () => {
    clearTimeout(retry);
    while (waiting.length > 0 && !closing.signal.aborted) {
      const some = waiting.splice(0, AT_ONCE);
      try {
        await write(some);
        for (const { change } of some) count(change, -1);
        events.added();
      } catch {
        waiting = [...some, ...waiting];
        // That the store is away is told by itself.
        if (!closing.signal.aborted) retry = setTimeout(() => void flush(), RETRY_MS);
        return;
      }
    }
    if (lost > 0)
      logger.warn(
        { kind: 'blocklist', lost },
        'changes of bans did not reach the store: it was away for too long',
      );
    lost = 0;
  });

  return {
    add(change, event) {
      if (waiting.length >= pendingMax) {
        const oldest = waiting.splice(0, AT_ONCE);
        for (const { change: given } of oldest) count(given, -1);
        lost += oldest.length;
      }
      waiting.push({ change, event: events.prepare(event) });
      count(change, 1);
      void flush();
    },
    isPending: (prefix) => pending.has(prefix),
    async written(ms) {
      await Promise.race([flush(), delay(ms, undefined, { ref: false })]);
      return pending.size === 0;
    },
    resume: () => void flush(),
    close() {
      closing.abort();
      clearTimeout(retry);
    },
  };
}
