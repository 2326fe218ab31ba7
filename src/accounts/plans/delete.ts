import { z } from 'zod';
import { AccountsError } from '../error.ts';
import { planName } from '../input/fields.ts';
import { verb } from '../verb.ts';
import { findPlan } from './find-plan.ts';
import { planView } from './view.ts';

/** Deletes a plan that no user is on, so no key's limits change. Invoices hold their own copy of its terms. */
export const deletePlan = verb(z.strictObject({ name: planName }), async ({ store }, { name }) =>
  store.transaction(async (tables) => {
    const plan = await findPlan(tables, name);
    const users = await tables.plans.users(name);
    if (users > 0)
      throw new AccountsError(
        'refused',
        `${users} ${users === 1 ? 'user is' : 'users are'} on plan ${name}: move them first, with polymorph users update USER --tier PLAN`,
      );
    await tables.plans.delete(name);
    return planView(plan);
  }),
);
