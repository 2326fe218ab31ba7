import type { AccountsContext } from '../context.ts';
import { AccountsError } from '../error.ts';
import { monthBounds } from '../input/time.ts';
import { journalFolders } from '../reconcile/journal-folders.ts';
import { readJournals } from '../reconcile/read-journals.ts';

/**
 * Refuses a month of which usage still waits in this machine's journals for the ledger, as after the store was away: an invoice without
 * it could never be put right. Only segments that are not applied whole are read.
 */
export async function refusePending({ store, journals }: AccountsContext, month: string): Promise<void> {
  if (journals === null) return;
  const source = journalFolders([journals.folder], journals.keepMs);
  const offsets = await store.segments(source.ids());
  const applied = new Set([...offsets].filter(([, { closed }]) => closed).map(([id]) => id));
  const { pending } = await readJournals(source, monthBounds(month), offsets, applied);
  let calls = 0;
  for (const subject of pending.subjects()) {
    const counted = pending.get(subject);
    if (subject.status !== 'exceeded') calls += counted.calls + counted.events;
  }
  if (calls > 0)
    throw new AccountsError(
      'unavailable',
      `${calls} calls of ${month} wait in the journals for the ledger: ask again in a moment, or see polymorph reconcile`,
    );
}
