import { AccountsError } from '../../accounts/index.ts';
import type { OperationsPort } from '../../admin/index.ts';
import type { Config } from '../../config/index.ts';
import type { Bans } from './bans.ts';
import { createListEntries, type ListEntries } from './entries.ts';
import { isBlocklistOperation, runBlocklistOperation } from './operations.ts';

/** What the admin listener is asked: of the blocklist here, of all else the store. */
export function createOperationsPort(options: {
  store: Pick<OperationsPort, 'run'> | null;
  bans: Bans;
  config(): Config;
  epochMs(): number;
}): OperationsPort {
  const { store, bans, config, epochMs } = options;
  let known: { of: Config['blocklist']; entries: ListEntries } | undefined;
  const entries = (): ListEntries => {
    const { blocklist } = config();
    if (known?.of !== blocklist) known = { of: blocklist, entries: createListEntries(blocklist) };
    return known.entries;
  };
  const context = { bans, config, entries, epochMs };
  return {
    run: async (name, input, peer) => {
      if (isBlocklistOperation(name)) return runBlocklistOperation(context, name, input, peer);
      if (store === null)
        throw new AccountsError(
          'refused',
          'This gateway keeps no store (store: none), so it has no users, keys, usage or events',
        );
      return store.run(name, input, peer);
    },
  };
}
