import { AccountsError } from '../../accounts/index.ts';
import type { Config } from '../../config/index.ts';
import { repeatMs } from '../blocklist/bans.ts';
import { createListEntries } from '../blocklist/entries.ts';
import type { BlocklistInput, BlocklistOperation } from '../blocklist/inputs.ts';
import { type BlocklistResults, runBlocklistOperation } from '../blocklist/operations.ts';
import { createStoredBans } from '../blocklist/stored-bans.ts';
import { ownUrl } from '../listener-url.ts';
import { type StorePlace, storePlaceOf } from '../store-place.ts';
import { openOrAsk } from './open-or-ask.ts';
import { openPlace } from './open-place.ts';

/** What can be asked of the blocklist, wherever the bans are. */
export interface BlocklistOperations {
  /** Rejects with AccountsError. */
  run<Name extends BlocklistOperation>(
    name: Name,
    input: BlocklistInput<Name>,
  ): Promise<BlocklistResults[Name]>;
  close(): Promise<void>;
}

export interface OpenBlocklistOptions {
  config: Config;
  /** Asks a gateway by the URL of its admin listener. `token`: one that it takes; null: the operator's own, if there is one. */
  remote(url: URL, token: string | null): BlocklistOperations;
  /** Told what an operator must know of a store that was restored from a back-up. */
  onNews(message: string): void;
}

/**
 * The bans of a config. In PostgreSQL, which tells all gateways of changes; in a SQLite folder that nobody holds; else the
 * running gateway is asked: the one that holds the folder, or, without a store, the one at `admin.listen`. Rejects with
 * AccountsError.
 */
export async function openBlocklist({
  config,
  remote,
  onNews,
}: OpenBlocklistOptions): Promise<BlocklistOperations> {
  const place = storePlaceOf(config);
  if (place !== null) return openOrAsk(place, () => direct(place, config, onNews), remote);
  const { listen } = config.admin;
  if (listen === 'none' || listen.port === 0)
    throw new AccountsError(
      'refused',
      'Without a store bans are in the memory of the running gateway: name its admin listener with --admin URL',
    );
  return remote(new URL(ownUrl('http', listen)), null);
}

async function direct(
  place: StorePlace,
  config: Config,
  onNews: (message: string) => void,
): Promise<BlocklistOperations> {
  const store = await openPlace(place, { onNews });
  const { auto_ban: autoBan } = config.blocklist;
  const entries = createListEntries(config.blocklist);
  const context = {
    bans: createStoredBans({
      store,
      bansMax: config.blocklist.max_bans,
      endedSince: () => Date.now() - (autoBan?.ban_max ?? repeatMs),
      source: config.events.source,
      epochMs: Date.now,
    }),
    config: () => config,
    entries: () => entries,
    epochMs: Date.now,
  };
  return {
    run: (name, input) => runBlocklistOperation(context, name, input),
    close: () => store.close(),
  };
}
