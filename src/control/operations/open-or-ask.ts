import { setTimeout as delay } from 'node:timers/promises';
import { AccountsError } from '../../accounts/index.ts';
import { StoreError } from '../../store/index.ts';
import { isAlive } from '../owner-alive.ts';
import type { StorePlace } from '../store-place.ts';

/** Another command holds the folder for a moment only, and a gateway that has just started soon says where its admin listener is. */
const PATIENCE_MS = 3_000;
const RETRY_MS = 50;

/**
 * What `open` makes of a store that nobody holds, or `ask` of the gateway that holds it: by the URL of its admin listener, with a
 * token that it takes. Rejects with AccountsError.
 */
export async function openOrAsk<T>(
  place: StorePlace,
  open: () => Promise<T>,
  ask: (url: URL, token: string) => T,
): Promise<T> {
  const begun = Date.now();
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (error.code !== 'locked') throw unavailable(place, error);
      const { owner } = error;
      const late = Date.now() >= (isAlive(owner) ? owner.started : begun) + PATIENCE_MS;
      // One that died has left its name behind, until who holds the folder now puts its own there; one in another container looks dead.
      if (owner?.admin && (late || isAlive(owner))) return ask(new URL(owner.admin.url), owner.admin.token);
      if (late) throw held(error);
    }
    await delay(RETRY_MS);
  }
}

function unavailable({ kind }: StorePlace, error: StoreError): AccountsError {
  const name = kind === 'postgres' ? 'PostgreSQL' : 'The store';
  return new AccountsError('unavailable', `${name} cannot be used: ${error.message}`, { cause: error });
}

function held(error: StoreError): AccountsError {
  const what =
    error.owner?.role === 'command'
      ? ': ask again once it is done'
      : ', and it has no admin listener to ask: set admin.listen, or end it first';
  return new AccountsError('unavailable', `${error.message}${what}`, { cause: error });
}
