import type { AccountsContext } from '../context.ts';
import { findStoreKey } from './find-key.ts';
import { type KeyView, keyView } from './view.ts';

/** Announces it also where nothing changed: who asks again does so because a gateway may have missed it. */
export async function setEnabled(
  { store, now }: AccountsContext,
  ref: string,
  enabled: boolean,
): Promise<KeyView> {
  const key = await store.transaction(async (tables) => {
    const found = await findStoreKey(tables, ref);
    if (found.enabled !== enabled) await tables.keys.update(found.id, { enabled });
    await tables.announce({ keyId: found.id });
    return { ...found, enabled };
  });
  return keyView(store, key, now());
}
