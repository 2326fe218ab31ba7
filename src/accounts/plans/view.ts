import type { OverrideRow, PlanRow, QuotaRow } from '../../store/index.ts';
import { isoTime } from '../input/time.ts';

/** A plan as results show one. Amounts and units are digits: whole, exact at any size; amounts in smallest units. */
export interface PlanView {
  name: string;
  currency: string;
  monthlyFee: string;
  includedUnits: string;
  price: string;
  pricePer: string;
  limits: OverrideRow[];
  /** Of each key. */
  quota: QuotaRow | null;
  /** Of all keys of a user together. */
  userQuota: QuotaRow | null;
  createdAt: string;
  updatedAt: string;
}

export function planView(plan: PlanRow): PlanView {
  const { name, currency, monthlyFee, includedUnits, price, pricePer, limits, quota, userQuota } = plan;
  return {
    ...{ name, currency, limits, quota, userQuota },
    monthlyFee: String(monthlyFee),
    includedUnits: String(includedUnits),
    price: String(price),
    pricePer: String(pricePer),
    createdAt: isoTime(plan.createdAt),
    updatedAt: isoTime(plan.updatedAt),
  };
}
