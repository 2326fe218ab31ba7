import { randomBytes } from 'node:crypto';
import { type AccountsContext, AccountsError, runOperation } from '../../accounts/index.ts';
import type { Config } from '../../config/index.ts';
import type { Store } from '../../store/index.ts';
import { createApplier } from '../../usage/index.ts';
import { journalFolderOf, type StorePlace } from '../store-place.ts';
import { openPlace } from './open-place.ts';
import type { Operations } from './operations.ts';

/** Opens the store in this process. Rejects with StoreError; `asItIs`: only for the schema's own operations, which is left so. */
export async function directOperations(
  place: StorePlace,
  config: Config,
  { asItIs, onNews }: { asItIs: boolean; onNews(message: string): void },
): Promise<Operations> {
  const store = await openPlace(place, { asItIs, onNews });
  const folder = journalFolderOf(config);
  try {
    if (!asItIs && place.kind === 'sqlite' && folder !== null) await catchUp(store, folder, config);
  } catch (error) {
    await store.close();
    throw error;
  }
  const context: AccountsContext = {
    store,
    now: Date.now,
    random: randomBytes,
    // A server is other gateways' too.
    sinks: () => (place.kind === 'sqlite' ? config.events.sinks.map(({ name }) => name) : null),
    groups: () => Object.keys(config.methods.groups),
    retention: () => ({
      minutesMs: config.usage.keep_minutes,
      hoursMs: config.usage.keep_hours,
      daysMs: config.usage.keep_days,
    }),
    journals: folder === null ? null : { folder, keepMs: config.usage.keep_journal },
  };
  return {
    run: (name, input) => runOperation(context, name, input) as never,
    close: () => store.close(),
  };
}

/**
 * Brings what a gateway that died left in its journals into the ledger: we hold its folder, so nobody else does. Usage that is shown
 * and invoiced is whole then.
 */
async function catchUp(store: Store, folder: string, { usage }: Config): Promise<void> {
  const applier = createApplier({
    folder,
    run: `command${randomBytes(8).toString('hex')}`,
    ledger: store,
    settings: {
      raw: { mode: usage.raw_logs, share: usage.raw_sample },
      keepJournalMs: usage.keep_journal,
    },
    epochMs: Date.now,
    onDamage: () => undefined,
  });
  const whole = await applier.flush();
  const { lastError } = applier.state();
  await applier.stop();
  if (!whole)
    throw new AccountsError(
      'unavailable',
      `The usage journals in ${folder} could not be applied: ${lastError}`,
    );
}
