import type { Ledger, SegmentState } from '../usage/index.ts';
import { pieces, type TableContext } from './tables/context.ts';

/** {@link Ledger.segments} */
export function createSegments({ db }: TableContext): Ledger['segments'] {
  return async (names) => {
    const found = new Map<string, SegmentState>();
    for (const some of pieces(names, 1000)) {
      const rows = await db
        .selectFrom('journal_segments')
        .select(['name', 'offset', 'closed', 'applied_at'])
        .where('name', 'in', some)
        .execute();
      for (const { name, offset, closed, applied_at: appliedAt } of rows)
        found.set(name, { offset, closed: Boolean(closed), appliedAt });
    }
    return found;
  };
}
