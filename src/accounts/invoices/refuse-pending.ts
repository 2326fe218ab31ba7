import { usageStatuses } from '../../usage/index.ts';
import type { AccountsContext } from '../context.ts';
import { AccountsError } from '../error.ts';
import { monthBounds } from '../input/time.ts';
import { journalFolders } from '../reconcile/journal-folders.ts';
import { readJournals } from '../reconcile/read-journals.ts';

/**
 * Refuses a month of which usage still waits in this machine's journals for the ledger, as after the store was away, or may stand in a journal
 * that cannot be read: an invoice without it could never be put right. `despiteDamage`: of what cannot be read nothing is asked. Only
 * segments that are not applied whole are read.
 */
export async function refusePending(
  { store, journals }: AccountsContext,
  month: string,
  despiteDamage: boolean,
): Promise<void> {
  if (journals === null) return;
  const source = journalFolders([journals.folder], journals.keepMs);
  const offsets = await store.segments(source.ids());
  const applied = new Set([...offsets].filter(([, { closed }]) => closed).map(([id]) => id));
  let calls = 0;
  const { unreadable } = await readJournals(
    source,
    monthBounds(month),
    offsets,
    (record, pending) => {
      if (pending && usageStatuses[record.status] !== 'exceeded') calls += record.calls;
    },
    applied,
  );
  if (calls > 0)
    throw new AccountsError(
      'unavailable',
      `${calls} calls of ${month} wait in the journals for the ledger: ask again in a moment, or see polymorph reconcile`,
    );
  const [first] = unreadable;
  if (first !== undefined && !despiteDamage)
    throw new AccountsError(
      'refused',
      `Usage of ${month} may be missing: journal ${first.segment} cannot be read (${first.reason})` +
        `${unreadable.length > 1 ? ` and ${unreadable.length - 1} more` : ''}; see polymorph reconcile, or issue without it (--despite-damage)`,
    );
}
