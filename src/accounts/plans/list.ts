import { z } from 'zod';
import { verb } from '../verb.ts';
import { planView } from './view.ts';

/** All plans with how many users are on them. */
export const listPlans = verb(z.strictObject({}), async ({ store }) => {
  const plans = [];
  for (const plan of await store.plans.list())
    plans.push({ ...planView(plan), users: await store.plans.users(plan.name) });
  return { plans };
});
