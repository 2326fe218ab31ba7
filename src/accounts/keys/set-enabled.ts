import type { AccountsContext } from '../context.ts';
import { findStoreKey } from './find-key.ts';
import { type KeyView, keyView } from './view.ts';

/** Announces it also where nothing changed: who asks again does so because a gateway may have missed it. */
export async function setEnabled(
  { store, now }: AccountsContext,
  ref: string,
  change: { enabled: boolean; expiresAt?: number | null },
): Promise<KeyView> {
  const key = await store.transaction(async (tables) => {
    const found = await findStoreKey(tables, ref);
    await tables.keys.update(found.id, change);
    await tables.announce({ keyId: found.id });
    return { ...found, ...change };
  });
  return keyView(store, key, now());
}
