import { z } from 'zod';
import { keyRef } from '../input/fields.ts';
import { verb } from '../verb.ts';
import { deletedKey } from './deleted-key.ts';
import { findStoreKey } from './find-key.ts';
import { keyView } from './view.ts';

/** Deletes a key for good. Its usage stays. */
export const deleteKey = verb(z.strictObject({ key: keyRef }), async ({ store, now }, input) => {
  const at = now();
  const key = await store.transaction(async (tables) => {
    const found = await findStoreKey(tables, input.key);
    await tables.keys.update(found.id, deletedKey(at));
    await tables.announce({ keyId: found.id });
    return { ...found, ...deletedKey(at) };
  });
  return keyView(store, key, at);
});
