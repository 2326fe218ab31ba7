import { z } from 'zod';
import type { UserRow } from '../../store/index.ts';
import { email, personName, planName, quota } from '../input/fields.ts';
import { newId } from '../new-id.ts';
import { checkTier, freeTier } from '../plans/find-plan.ts';
import { verb } from '../verb.ts';
import { refuseTakenEmail } from './taken-email.ts';
import { userView } from './view.ts';

const input = z.strictObject({
  email,
  name: personName.optional(),
  tier: planName.default(freeTier),
  /** Of all their keys together; null: the plan's. */
  quota: quota.nullable().default(null),
});

/** Makes a user. Without a name it has that before the @ of its e-mail. */
export const createUser = verb(input, async ({ store, now, random }, { email: address, name, ...given }) => {
  const at = now();
  const user: UserRow = {
    id: newId(random),
    email: address,
    name: name ?? address.slice(0, address.lastIndexOf('@')),
    ...given,
    createdAt: at,
    updatedAt: at,
    deletedAt: null,
  };
  await store.transaction(async (tables) => {
    await checkTier(tables, given.tier);
    await refuseTakenEmail(tables, address);
    await tables.users.insert(user);
  });
  return userView(user);
});
