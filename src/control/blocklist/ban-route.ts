import { type Ban, type BanRecord, byItself } from '../../admission/index.ts';
import type { EventDraft } from '../../events/index.ts';
import type { CausedEvents } from '../events/events-keeper.ts';
import type { Logger } from '../logs.ts';
import { beganNews, endedNews } from './ban-events.ts';
import type { BanExchange } from './ban-exchange.ts';
import type { BanJournal } from './ban-journal.ts';
import { type BanChange, rowOf } from './bans.ts';
import type { Decided } from './untold-bans.ts';

/**
 * Where a change of a ban that happens here goes: to the other instances, into the store, and out as an event. Over all instances one tells of
 * it: the one whose word counts. Where the database is all instances', that decides of ends; of beginnings, and of ends where each has a store of its
 * own or none, what they share decides.
 */
export interface BanRoute {
  /** Changes are written there from now on. `shared`: it is the store of all instances. */
  keepIn(journal: BanJournal, shared: boolean): void;
  began(ban: Ban, decided?: Decided): void;
  ended(ban: Ban, reason: 'expired' | 'lifted', by: string, endedAt: number, decided?: Decided): void;
  /** What another instance did. */
  heard(record: BanRecord): void;
  /** The store holds it to stand, and it has ended already: what made it was written after what ended it. */
  endedBefore(record: BanRecord, endedAt: number): void;
  /** A change of this prefix is on its way to the store, or may be overruled yet. */
  isPending(prefix: string): boolean;
}

export function createBanRoute(parts: {
  /** null: there is no other instance. */
  exchange: Pick<BanExchange, 'tell'> | null;
  events: Pick<CausedEvents, 'emit'>;
  logger: Pick<Logger, 'warn' | 'info'>;
}): BanRoute {
  const { exchange, events, logger } = parts;
  let store: { journal: BanJournal; shared: boolean } | null = null;
  /** How many changes of a prefix wait for the word of the others. */
  const waiting = new Map<string, number>();

  const keep = (change: BanChange, event: EventDraft | null): void => {
    if (store !== null) store.journal.add(change, event);
    else if (event !== null) events.emit(event);
  };

  function decide(
    record: BanRecord,
    how: { unlessStanding?: boolean; patient?: boolean },
    decided: Decided,
  ): void {
    if (exchange === null) return decided('ours');
    const { prefix } = record;
    waiting.set(prefix, (waiting.get(prefix) ?? 0) + 1);
    exchange.tell(record, {
      ...how,
      decided(decision) {
        const left = waiting.get(prefix)! - 1;
        if (left > 0) waiting.set(prefix, left);
        else waiting.delete(prefix);
        decided(decision);
      },
    });
  }

  return {
    keepIn(journal, shared) {
      store = { journal, shared };
    },

    began(ban, decided) {
      const { event, line } = beganNews(ban);
      // One of a simulation refuses nobody, and is not worth keeping.
      if (ban.simulated) {
        logger.warn(...line);
        if (event !== null) events.emit(event);
        return decided?.('ours');
      }
      decide(rowOf(ban), { unlessStanding: ban.by === byItself }, (decision) => {
        if (decision !== 'theirs') {
          logger.warn(...line);
          keep({ kind: 'put', ban: rowOf(ban) }, event);
        }
        decided?.(decision);
      });
    },

    ended(ban, reason, by, endedAt, decided) {
      const { event, line } = endedNews(ban, reason, by, endedAt);
      if (ban.simulated) {
        logger.info(...line);
        if (event !== null) events.emit(event);
        return decided?.('ours');
      }
      const { prefix, beganAt } = ban;
      const change: BanChange = { kind: 'end', prefix, beganAt, endedAt };
      const byStore = store?.shared === true;
      if (byStore) keep(change, event);
      // All see at once that its time is over; a person who lifts it does not wait.
      const patient = reason === 'expired' && !byStore;
      decide({ ...rowOf(ban), endedAt }, { patient }, (decision) => {
        const isOurs = decision !== 'theirs';
        if (isOurs) logger.info(...line);
        if (!byStore) keep(change, isOurs ? event : null);
        decided?.(decision);
      });
    },

    heard(record) {
      if (store?.shared === false) store.journal.add({ kind: 'put', ban: record }, null);
    },

    endedBefore({ prefix, beganAt }, endedAt) {
      store?.journal.add({ kind: 'end', prefix, beganAt, endedAt }, null);
    },

    isPending: (prefix) => waiting.has(prefix) || store?.journal.isPending(prefix) === true,
  };
}
