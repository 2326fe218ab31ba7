import { AccountsError } from '../../accounts/index.ts';
import type { Store } from '../../store/index.ts';

/** Rejects with AccountsError where a server's schema is not this program's: it is others' too, and migrated by nobody in passing. */
export async function refuseOtherSchema(store: Pick<Store, 'migrationStatus'>): Promise<void> {
  const { pending, newer } = await store.migrationStatus();
  if (newer)
    throw new AccountsError('unavailable', 'The database’s schema is of a newer polymorph: run that one');
  if (pending.length > 0)
    throw new AccountsError(
      'unavailable',
      `The database’s schema is ${pending.length} ${pending.length === 1 ? 'migration' : 'migrations'} behind: run polymorph migrate`,
    );
}
