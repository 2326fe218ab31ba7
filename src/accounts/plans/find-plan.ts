import { nearestName } from '../../config/index.ts';
import type { PlanRow, Tables } from '../../store/index.ts';
import { AccountsError } from '../error.ts';

/** What users are put on where nothing else is said; it may be made, and need not be. */
export const freeTier = 'free';

/** The plan of that name. Throws `not_found` with the nearest name. */
export async function findPlan(tables: Tables, name: string): Promise<PlanRow> {
  const plan = await tables.plans.get(name);
  if (plan !== null) return plan;
  const names = (await tables.plans.list()).map((one) => one.name);
  const near = nearestName(name, names);
  const known = names.length === 0 ? 'there are none yet' : `there are ${names.slice(0, 20).join(', ')}`;
  const hint = near === undefined ? known : `did you mean ${near}?`;
  throw new AccountsError(
    'not_found',
    `There is no plan ${name} (${hint}); polymorph plans put ${name} makes it`,
  );
}

/** Refuses a tier that has no plan, but for `free`. */
export async function checkTier(tables: Tables, tier: string): Promise<void> {
  if (tier !== freeTier) await findPlan(tables, tier);
}
