import { z } from 'zod';
import { userRef } from '../input/fields.ts';
import { isoTime, monthBounds } from '../input/time.ts';
import { chargeFor } from '../money/charge.ts';
import { currencyDigits } from '../money/currency.ts';
import { findPlan } from '../plans/find-plan.ts';
import { findAnyUser } from '../users/find-user.ts';
import { verb } from '../verb.ts';
import { monthUsage } from './month-usage.ts';

const input = z.strictObject({ user: userRef });

/** A month that has just begun says little: its first day counts as whole. */
const LEAST_MS = 86_400_000;

/** What a user will owe for this month if it goes on so. */
export interface ForecastView {
  month: string;
  /** Until when usage was looked at. */
  at: string;
  currency: string;
  /** Cost units so far, and by the end of the month. */
  units: string;
  forecastUnits: string;
  /** Fee and usage by then, smallest units of the currency; `amount` in whole ones: 5002 cents are 50.02. */
  total: string;
  amount: number;
}

/** This month’s usage in the ledger, drawn out to the month’s end in a straight line, by the plan that the user is on now. */
export const forecastInvoice = verb(input, async ({ store, now }, { user: ref }): Promise<ForecastView> => {
  const at = now();
  const month = isoTime(at).slice(0, 7);
  const { from, to } = monthBounds(month);
  const user = await findAnyUser(store, ref);
  const plan = await findPlan(store, user.tier);
  const usage = await monthUsage(store, user.id, month);
  const units = usage.reduce((sum, line) => sum + line.units, 0n);
  const passedMs = BigInt(Math.min(Math.max(at - from, LEAST_MS), to - from));
  const forecastUnits = (units * BigInt(to - from)) / passedMs;
  const { total } = chargeFor(plan, forecastUnits);
  const amount = Number(total) / 10 ** currencyDigits(plan.currency);
  return {
    ...{ month, at: isoTime(at), currency: plan.currency, units: String(units) },
    ...{ forecastUnits: String(forecastUnits), total: String(total), amount },
  };
});
