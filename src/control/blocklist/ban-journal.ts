import { setTimeout as delay } from 'node:timers/promises';
import { type EventDraft, type OutboxEntry, writeAllBut } from '../../events/index.ts';
import type { CausedEvents } from '../events/events-keeper.ts';
import type { Logger } from '../logs.ts';
import { createSingleFlight } from '../single-flight.ts';
import type { BanChange } from './bans.ts';

/** A change of bans, and its event, which goes into the outbox with it; null: nobody wants it. */
export interface ToldChange {
  change: BanChange;
  event: OutboxEntry | null;
}

/**
 * Writes changes of bans to the store, all or none, and says of each whether it was made; rejects while it is away (see `writeAllBut`), or where
 * it does not take them.
 */
export type WriteBans = (changes: ToldChange[]) => Promise<boolean[]>;

/** Changes of bans on their way to the store, and their events. */
export interface BanJournal {
  /**
   * Takes a change; its event is told with it, in one transaction, and not where another instance made it before. null: it is told of elsewhere.
   */
  add(change: BanChange, event: EventDraft | null): void;
  /** Whether a change of this prefix is still on its way. */
  isPending(prefix: string): boolean;
  /** Whether all that was added is written, after at most `ms`. */
  written(ms: number): Promise<boolean>;
  /** Changes that were given up. */
  readonly lost: number;
  /** The store answers again. */
  resume(): void;
  /** Tries to write what waits for at most `ms`; what is lost then is logged. */
  close(ms: number): Promise<void>;
  stop(): void;
}

const awayTooLong = 'it was away for too long';
const AT_ONCE = 500;
const RETRY_MS = 1000;
/** While it ends there is less time for patience. */
const CLOSING_RETRY_MS = 100;
/** Of losses that go on, one line in so long. */
const LOST_TOLD_MS = 10_000;

/** @param pendingMax changes that wait at most while the store is away; the oldest are given up beyond */
export function createBanJournal(options: {
  write: WriteBans;
  events: Pick<CausedEvents, 'prepare' | 'added'>;
  logger: Pick<Logger, 'error'>;
  /** Milliseconds of a clock that never goes back. */
  elapsedMs(): number;
  pendingMax: number;
}): BanJournal {
  const { write, events, logger, pendingMax, elapsedMs } = options;
  let waiting: ToldChange[] = [];
  const pending = new Map<string, number>();
  const ended = new AbortController();
  let lost = 0;
  let untold = 0;
  let toldAt = Number.NEGATIVE_INFINITY;
  /** Taken from `waiting`, and not written yet. */
  let writing: ToldChange[] = [];
  let closes = false;
  let retry: NodeJS.Timeout | undefined;

  const prefixOf = (change: BanChange): string => (change.kind === 'put' ? change.ban.prefix : change.prefix);
  const count = (change: BanChange, by: number): void => {
    const prefix = prefixOf(change);
    const left = (pending.get(prefix) ?? 0) + by;
    if (left > 0) pending.set(prefix, left);
    else pending.delete(prefix);
  };

  const giveUp = (changes: readonly ToldChange[]): void => {
    for (const { change } of changes) count(change, -1);
    lost += changes.length;
    untold += changes.length;
  };
  /** At once, and not for each of thousands. */
  const sayLost = (why: string, whenever = false): void => {
    if (untold === 0 || (!whenever && elapsedMs() - toldAt < LOST_TOLD_MS)) return;
    toldAt = elapsedMs();
    logger.error({ kind: 'blocklist', lost: untold }, `changes of bans did not reach the store: ${why}`);
    untold = 0;
  };

  const taken = (some: readonly ToldChange[]): void => {
    writing = writing.slice(some.length);
    for (const { change } of some) count(change, -1);
  };
  /** Rejects where the store is away, with what is not written still waiting. */
  const writeAll = (batch: readonly ToldChange[]): Promise<void> =>
    writeAllBut(
      batch,
      async (some) => {
        await write([...some]);
        taken(some);
        events.added();
      },
      (one, error) => {
        writing = writing.slice(1);
        giveUp([one]);
        sayLost(`it refuses one: ${error instanceof Error ? error.message : String(error)}`, true);
      },
    );

  const flush = createSingleFlight(async () => {
    clearTimeout(retry);
    while (waiting.length > 0 && !ended.signal.aborted) {
      writing = waiting.splice(0, AT_ONCE);
      try {
        await writeAll(writing);
      } catch {
        waiting = [...writing, ...waiting];
        // That the store is away is told by itself.
        if (!ended.signal.aborted)
          retry = setTimeout(() => void flush(), closes ? CLOSING_RETRY_MS : RETRY_MS);
        return;
      } finally {
        writing = [];
      }
    }
    sayLost(awayTooLong, true);
  });
  const stop = (): void => {
    ended.abort();
    clearTimeout(retry);
  };

  return {
    add(change, event) {
      if (waiting.length >= pendingMax) {
        giveUp(waiting.splice(0, AT_ONCE));
        sayLost(awayTooLong);
      }
      waiting.push({ change, event: event && events.prepare(event) });
      count(change, 1);
      void flush();
    },
    isPending: (prefix) => pending.has(prefix),
    async written(ms) {
      await Promise.race([flush(), delay(ms, undefined, { ref: false })]);
      return pending.size === 0;
    },
    get lost() {
      return lost;
    },
    resume: () => void flush(),
    async close(ms) {
      closes = true;
      const until = elapsedMs() + ms;
      const all = async (): Promise<void> => {
        while (pending.size > 0 && elapsedMs() < until && !ended.signal.aborted) {
          await flush();
          if (pending.size > 0) await delay(CLOSING_RETRY_MS);
        }
      };
      const late = new AbortController();
      await Promise.race([all(), delay(ms, undefined, { signal: late.signal }).catch(() => undefined)]);
      late.abort();
      stop();
      // One that is being written may well arrive: its event is told by the outbox then.
      giveUp([...writing, ...waiting]);
      waiting = [];
      sayLost('it was away as the gateway ended', true);
    },
    stop,
  };
}
