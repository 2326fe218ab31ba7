import { z } from 'zod';
import { planName } from '../input/fields.ts';
import { verb } from '../verb.ts';
import { findPlan } from './find-plan.ts';
import { planView } from './view.ts';

/** One plan with how many users are on it. */
export const showPlan = verb(z.strictObject({ name: planName }), async ({ store }, { name }) => ({
  ...planView(await findPlan(store, name)),
  users: await store.plans.users(name),
}));
