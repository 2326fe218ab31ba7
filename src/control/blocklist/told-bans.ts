import { type BanBook, type BanRecord, supersedes } from '../../admission/index.ts';
import type { BanRow } from '../../store/index.ts';
import type { BanRoute } from './ban-route.ts';
import { banOf, rowOf } from './bans.ts';
import type { StaleBans } from './stale-bans.ts';

/** Bans as this instance is told of them, and what that makes of its own book. To be shown by `publish`. */
export interface ToldBans {
  /** False: it says nothing new. */
  byStore(row: BanRow): boolean;
  /** `overruled`: in place of what was done here. What the others are to be told again: they hold to stand what has ended. */
  byOthers(rows: readonly BanRow[], overruled: boolean): BanRecord[];
}

export function createToldBans(parts: {
  book: Pick<BanBook, 'get' | 'put' | 'remove' | 'remember' | 'past'>;
  route: Pick<BanRoute, 'isPending' | 'heard' | 'endedBefore'>;
  /** Others tell of bans without the store. */
  shared: boolean;
  stale(): Pick<StaleBans, 'add'> | null;
  full(): void;
}): ToldBans {
  const { book, route, shared, stale } = parts;

  const put = (row: BanRow): void => {
    const known = book.get(row.prefix);
    if (row.endedAt === null) {
      if (known?.beganAt !== row.beganAt || known.until !== row.until || known.simulated)
        if (!book.put(banOf(row))) parts.full();
    } else {
      if (known !== undefined && known.beganAt <= row.beganAt) book.remove(row.prefix, row.endedAt, false);
      if (book.get(row.prefix) === undefined) book.remember({ ...row, endedAt: row.endedAt });
    }
  };
  /** The last that is known here of this prefix. */
  const knownOf = (row: BanRow): BanRecord | undefined => {
    const known = book.get(row.prefix);
    if (known !== undefined) return known.simulated ? undefined : rowOf(known);
    const past = book.past(row.prefix);
    return past && { ...row, ...past };
  };
  /** Where what is known here is the same, or later: that. */
  const laterThan = (row: BanRow): BanRecord | undefined => {
    const known = knownOf(row);
    return known === undefined || supersedes(row, known) ? undefined : known;
  };

  return {
    byStore(row) {
      // What is on its way there may be newer than what came from there, or be refused there: to be seen once it has arrived.
      if (route.isPending(row.prefix)) {
        stale()?.add(row.prefix);
        return false;
      }
      // Alone the store has the last word; else others may have told already of what came after it.
      const later = shared ? laterThan(row) : undefined;
      if (later !== undefined) {
        if (row.endedAt === null && later.endedAt !== null) route.endedBefore(row, later.endedAt);
        return false;
      }
      put(row);
      return true;
    },
    byOthers(rows, overruled) {
      const again: BanRecord[] = [];
      for (const row of rows) {
        const later = overruled ? undefined : laterThan(row);
        if (later !== undefined) {
          if (row.endedAt === null && later.endedAt !== null) again.push(later);
          continue;
        }
        const isNews = row.endedAt === null || book.get(row.prefix) !== undefined;
        put(row);
        if (isNews) route.heard(row);
      }
      return again;
    },
  };
}
