import { AccountsError } from '../../accounts/index.ts';
import type { Config } from '../../config/index.ts';
import { storePlaceOf } from '../store-place.ts';
import { directOperations } from './direct-operations.ts';
import { openOrAsk } from './open-or-ask.ts';
import type { Operations } from './operations.ts';

export interface OpenOperationsOptions {
  config: Config;
  /** Asks the gateway that holds the store, by the URL of its admin listener; `token` is one that it takes. */
  remote(url: URL, token: string): Operations;
  /** Told what an operator must know of a store that was restored from a back-up. */
  onNews(message: string): void;
  /** Leave the schema as it is: for `polymorph migrate`. */
  asItIs?: boolean;
}

/**
 * Opens the store of a config: PostgreSQL, or a SQLite folder that nobody holds, by itself; a folder that a running gateway holds
 * by way of its admin listener. Rejects with AccountsError.
 */
export async function openOperations({
  config,
  remote,
  onNews,
  asItIs = false,
}: OpenOperationsOptions): Promise<Operations> {
  const place = storePlaceOf(config);
  if (place === null)
    throw new AccountsError(
      'refused',
      'The config keeps no store (store: none, or server.state_dir: none), so it has no users, keys, usage or events',
    );
  return openOrAsk(place, () => directOperations(place, config, { asItIs, onNews }), remote);
}
