import { z } from 'zod';
import { userRef } from '../input/fields.ts';
import { keyViews } from '../keys/view.ts';
import { planView } from '../plans/view.ts';
import { verb } from '../verb.ts';
import { findAnyUser } from './find-user.ts';
import { keysOfUser } from './keys-of-user.ts';
import { userView } from './view.ts';

/** A user with plan and keys; deleted ones by id. */
export const showUser = verb(z.strictObject({ user: userRef }), async ({ store, now }, input) => {
  const user = await findAnyUser(store, input.user);
  const plan = await store.plans.get(user.tier);
  const keys = await keyViews(store, await keysOfUser(store, user.id), now());
  return { ...userView(user), plan: plan === null ? null : planView(plan), keys };
});
