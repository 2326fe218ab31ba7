import { storedIdOf, userIdOf } from '../../config/index.ts';
import { configKeyId, uuidText } from '../../identity/index.ts';
import type { SharedOwner } from '../../limits/index.ts';
import { userSubject } from './messages.ts';

/** Whom the ledger sums up, and all instances share, for the owner of a quota's slot. `name`: as slots are named. */
export function ledgerSubject(name: string): { subject: string; owner: SharedOwner } {
  const user = userIdOf(name);
  if (user !== undefined) return { subject: userSubject(user), owner: `user:${user}` };
  const key = storedIdOf(name) ?? uuidText(configKeyId(name));
  return { subject: key, owner: `key:${key}` };
}
