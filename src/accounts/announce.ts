import type { Store } from '../store/index.ts';
import { AccountsError } from './error.ts';

/** Beyond so many keys, reading all of them anew is less work. */
const ONE_BY_ONE_MAX = 100;

/**
 * Tells all gateways of keys whose change was committed. Throws `not_announced`: the change holds, and asking again tells
 * of it again.
 */
export async function announceKeys(store: Store, keyIds: readonly string[]): Promise<void> {
  const problem = await announceProblem(store, keyIds);
  if (problem !== null) throw new AccountsError('not_announced', problem);
}

/** The same of all keys, as after a change of a plan. */
export async function announceAll(store: Store): Promise<void> {
  const problem = await problemOf(() => store.announce('all'));
  if (problem !== null) throw new AccountsError('not_announced', problem);
}

/** As {@link announceKeys}, but the trouble comes as text: for a result that must not be lost, such as a key that is shown once. */
export function announceProblem(store: Store, keyIds: readonly string[]): Promise<string | null> {
  return problemOf(async () => {
    if (keyIds.length > ONE_BY_ONE_MAX) await store.announce('all');
    else for (const keyId of keyIds) await store.announce({ keyId });
  });
}

async function problemOf(tell: () => Promise<void>): Promise<string | null> {
  try {
    await tell();
    return null;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return `The change is stored, but the gateways could not be told of it (${reason}): they take it over when they next read the keys, or when you give the command again`;
  }
}
