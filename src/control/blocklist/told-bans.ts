import { type BanBook, supersedes } from '../../admission/index.ts';
import type { BanRow } from '../../store/index.ts';
import type { BanRoute } from './ban-route.ts';
import { banOf, rowOf } from './bans.ts';
import type { StaleBans } from './stale-bans.ts';

/** Bans as this instance is told of them, and what that makes of its own book. To be shown by `publish`. */
export interface ToldBans {
  /** False: it says nothing new. */
  byStore(row: BanRow): boolean;
  /** `overruled`: in place of what was done here. */
  byOthers(rows: readonly BanRow[], overruled: boolean): void;
}

export function createToldBans(parts: {
  book: Pick<BanBook, 'get' | 'put' | 'remove' | 'remember'>;
  route: Pick<BanRoute, 'isPending' | 'heard'>;
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
      if (book.get(row.prefix) === undefined) book.remember(row.prefix, row.times, row.endedAt);
    }
  };
  /** What is known here is the same, or later. */
  const isOld = (row: BanRow): boolean => {
    const known = book.get(row.prefix);
    return known !== undefined && !known.simulated && !supersedes(row, rowOf(known));
  };

  return {
    byStore(row) {
      // What is on its way there may be newer than what came from there, or be refused there: to be seen once it has arrived.
      if (route.isPending(row.prefix)) {
        stale()?.add(row.prefix);
        return false;
      }
      // Alone the store has the last word; else others may have told already of what came after it.
      if (shared && isOld(row)) return false;
      put(row);
      return true;
    },
    byOthers(rows, overruled) {
      for (const row of rows) {
        if (!overruled && isOld(row)) continue;
        const isNews = row.endedAt === null || book.get(row.prefix) !== undefined;
        put(row);
        if (isNews) route.heard(row);
      }
    },
  };
}
