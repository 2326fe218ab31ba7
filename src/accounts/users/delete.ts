import { z } from 'zod';
import { announceKeys } from '../announce-keys.ts';
import { userRef } from '../input/fields.ts';
import { deletedKey } from '../keys/deleted-key.ts';
import { verb } from '../verb.ts';
import { findUser } from './find-user.ts';
import { keysOfUser } from './keys-of-user.ts';
import { userView } from './view.ts';

/** Deletes a user and, in the same transaction, their keys. Usage and invoices stay, by the id. */
export const deleteUser = verb(z.strictObject({ user: userRef }), async ({ store, now }, input) => {
  const at = now();
  const { user, keyIds } = await store.transaction(async (tables) => {
    const found = await findUser(tables, input.user);
    const keys = await keysOfUser(tables, found.id);
    for (const key of keys) await tables.keys.update(key.id, deletedKey(at));
    await tables.users.update(found.id, { deletedAt: at, updatedAt: at });
    const keyIds = keys.map(({ id }) => id);
    await announceKeys(tables, keyIds);
    return { user: { ...found, deletedAt: at, updatedAt: at }, keyIds };
  });
  return { ...userView(user), keysDeleted: keyIds.length };
});
