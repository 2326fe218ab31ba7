import { setTimeout as delay } from 'node:timers/promises';
import { AccountsError } from '../../accounts/index.ts';
import type { Config } from '../../config/index.ts';
import { StoreError } from '../../store/index.ts';
import { type StorePlace, storePlaceOf } from '../store-place.ts';
import { directOperations } from './direct-operations.ts';
import { isAlive } from '../owner-alive.ts';
import type { Operations } from './operations.ts';

/** Another command holds the folder for a moment only, and a gateway that has just started soon says where its admin listener is. */
const PATIENCE_MS = 3_000;
const RETRY_MS = 50;

export interface OpenOperationsOptions {
  config: Config;
  /** Asks the gateway that holds the store, by the URL of its admin listener; `token` is one that it takes. */
  remote(url: URL, token: string): Operations;
  /** Leave the schema as it is: for `polymorph migrate`. */
  migrate?: boolean;
}

/**
 * Opens the store of a config: PostgreSQL, or a SQLite folder that nobody holds, by itself; a folder that a running gateway holds
 * by way of its admin listener. Rejects with AccountsError.
 */
export async function openOperations({
  config,
  remote,
  migrate = false,
}: OpenOperationsOptions): Promise<Operations> {
  const place = storePlaceOf(config);
  if (place === null)
    throw new AccountsError(
      'refused',
      'The config keeps no store (store: none, or server.state_dir: none), so it has no users, keys or usage',
    );
  const begun = Date.now();
  for (;;) {
    try {
      return await directOperations(place, config, { migrate });
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (error.code !== 'locked') throw unavailable(place, error);
      const { owner } = error;
      const late = Date.now() >= (isAlive(owner) ? owner.started : begun) + PATIENCE_MS;
      // One that died has left its name behind, until who holds the folder now puts its own there; one in another container looks dead.
      if (owner?.admin && (late || isAlive(owner)))
        return remote(new URL(owner.admin.url), owner.admin.token);
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
