import { z } from 'zod';
import type { PlanRow } from '../../store/index.ts';
import { AccountsError } from '../error.ts';
import { currency, limitMethod, override, planName, quota, wholeNumber } from '../input/fields.ts';
import { changeOverrides } from '../limits/change-overrides.ts';
import { verb } from '../verb.ts';
import { planView } from './view.ts';

const amountMax = 10n ** 15n;
const amount = (what: string) => wholeNumber(0n, amountMax, `${what} in smallest units of the currency`);

const input = z.strictObject({
  name: planName,
  currency: currency.optional(),
  monthlyFee: amount('the monthly fee').optional(),
  includedUnits: wholeNumber(0n, amountMax, 'cost units').optional(),
  price: amount('a price').optional(),
  pricePer: wholeNumber(1n, amountMax, 'cost units').optional(),
  set: z.array(override).max(1000).default([]),
  unset: z.array(limitMethod).max(1000).default([]),
  /** null: none. Left out: as it is. */
  quota: quota.nullable().optional(),
  /** Of all keys of a user together, likewise. */
  userQuota: quota.nullable().optional(),
});

/**
 * Makes a plan or changes what is given of it. Limits and quotas hold at once for the keys of its users; prices hold for every
 * month that is not over yet.
 */
export const putPlan = verb(input, async ({ store, now, groups }, given) => {
  const at = now();
  const { plan, created } = await store.transaction(async (tables) => {
    const before = await tables.plans.get(given.name);
    const base = before ?? emptyPlan(given.name, at);
    checkCurrency(before, given);
    const after: PlanRow = {
      ...base,
      currency: given.currency ?? base.currency,
      monthlyFee: given.monthlyFee ?? base.monthlyFee,
      includedUnits: given.includedUnits ?? base.includedUnits,
      price: given.price ?? base.price,
      pricePer: given.pricePer ?? base.pricePer,
      limits: changeOverrides(base.limits, given, groups()),
      quota: given.quota === undefined ? base.quota : given.quota,
      userQuota: given.userQuota === undefined ? base.userQuota : given.userQuota,
      updatedAt: at,
    };
    await tables.plans.put(after);
    // Prices are no matter of the gateways, and reading all keys anew is work for them.
    if (policyOf(after) !== policyOf(base)) await tables.announce('all');
    return { plan: after, created: before === null };
  });
  return { ...planView(plan), created };
});

/** What gateways need of a plan, as one text. */
function policyOf({ limits, quota, userQuota }: PlanRow): string {
  return JSON.stringify([limits, quota, userQuota]);
}

function emptyPlan(name: string, at: number): PlanRow {
  return {
    ...{ name, currency: 'USD', monthlyFee: 0n, includedUnits: 0n, price: 0n, pricePer: 1_000_000n },
    ...{ limits: [], quota: null, userQuota: null, createdAt: at, updatedAt: at },
  };
}

/** An amount means nothing without its currency, and another thing in another. */
function checkCurrency(before: PlanRow | null, given: z.output<typeof input>): void {
  const priced = given.monthlyFee !== undefined || given.price !== undefined;
  if (before === null && priced && given.currency === undefined)
    throw new AccountsError(
      'invalid',
      `The new plan ${given.name} has a fee or price, so it needs a currency, such as USD`,
    );
  if (before === null || given.currency === undefined || given.currency === before.currency) return;
  const kept = [
    before.monthlyFee !== 0n && given.monthlyFee === undefined ? 'monthly fee' : '',
    before.price !== 0n && given.price === undefined ? 'price' : '',
  ].filter((name) => name !== '');
  if (kept.length > 0)
    throw new AccountsError(
      'invalid',
      `Plan ${given.name} is in ${before.currency}: with ${given.currency} give its ${kept.join(' and ')} too`,
    );
}
