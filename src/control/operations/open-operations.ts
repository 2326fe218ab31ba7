import { setTimeout as delay } from 'node:timers/promises';
import { AccountsError } from '../../accounts/index.ts';
import type { Config } from '../../config/index.ts';
import { StoreError } from '../../store/index.ts';
import { type StorePlace, storePlaceOf } from '../store-place.ts';
import { directOperations } from './direct-operations.ts';
import type { Operations } from './operations.ts';

/** Another command holds the folder for a moment only, and a gateway that has just started soon says where its admin listener is. */
const PATIENCE_MS = 3_000;
const RETRY_MS = 50;

export interface OpenOperationsOptions {
  config: Config;
  /** Asks the gateway that holds the store, by the URL of its admin listener. */
  remote(url: URL): Operations;
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
  for (;;) {
    try {
      return await directOperations(place, config, { migrate });
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (error.code !== 'locked') throw unavailable(place, error);
      const url = error.owner?.adminUrl ?? null;
      if (url !== null) return remote(new URL(url));
      if (Date.now() >= (error.owner?.started ?? 0) + PATIENCE_MS) throw held(error);
    }
    await delay(RETRY_MS);
  }
}

function unavailable({ kind }: StorePlace, error: StoreError): AccountsError {
  const name = kind === 'postgres' ? 'PostgreSQL' : 'The store';
  return new AccountsError('unavailable', `${name} cannot be used: ${error.message}`, { cause: error });
}

function held(error: StoreError): AccountsError {
  return new AccountsError(
    'unavailable',
    `${error.message}, and it has no admin listener to ask: set admin.listen, or end it first`,
    { cause: error },
  );
}
