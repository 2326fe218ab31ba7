import type { Tables } from '../../store/index.ts';
import { AccountsError } from '../error.ts';

/** Refuses an e-mail that a user has who is not deleted, `except` the one of that id. */
export async function refuseTakenEmail(tables: Tables, email: string, except?: string): Promise<void> {
  const user = await tables.users.find(email);
  if (user === null || user.id === except) return;
  throw new AccountsError('conflict', `There is a user ${user.email} already (${user.id})`);
}
