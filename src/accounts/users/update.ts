import { z } from 'zod';
import { announceKeys } from '../announce-keys.ts';
import { AccountsError } from '../error.ts';
import { email, personName, planName, quota, userRef } from '../input/fields.ts';
import { checkTier } from '../plans/find-plan.ts';
import { verb } from '../verb.ts';
import { findUser } from './find-user.ts';
import { keysOfUser } from './keys-of-user.ts';
import { refuseTakenEmail } from './taken-email.ts';
import { userView } from './view.ts';

const input = z.strictObject({
  user: userRef,
  email: email.optional(),
  name: personName.optional(),
  tier: planName.optional(),
  /** Of all their keys together; null: the plan's. Left out: as it is. */
  quota: quota.nullable().optional(),
});

/** Changes what is given of a user. Another tier or quota holds for their keys at once. */
export const updateUser = verb(input, async (context, { user: ref, ...change }) => {
  if (Object.values(change).every((value) => value === undefined))
    throw new AccountsError('invalid', 'Nothing to change was given: name email, name, tier or quota');
  const user = await context.store.transaction(async (tables) => {
    const before = await findUser(tables, ref);
    if (change.tier !== undefined) await checkTier(tables, change.tier);
    if (change.email !== undefined) await refuseTakenEmail(tables, change.email, before.id);
    const after = {
      ...before,
      email: change.email ?? before.email,
      name: change.name ?? before.name,
      tier: change.tier ?? before.tier,
      quota: change.quota === undefined ? before.quota : change.quota,
      updatedAt: context.now(),
    };
    const { email: address, name, tier, quota: wanted, updatedAt } = after;
    await tables.users.update(before.id, { email: address, name, tier, quota: wanted, updatedAt });
    const asBefore = change.tier === undefined && change.quota === undefined;
    const keys = asBefore ? [] : await keysOfUser(tables, before.id);
    await announceKeys(
      tables,
      keys.map(({ id }) => id),
    );
    return after;
  });
  return userView(user);
});
