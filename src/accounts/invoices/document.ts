import type { PlanTerms, UserRow } from '../../store/index.ts';
import type { Bill } from '../money/bill.ts';
import { isoTime, monthBounds } from '../input/time.ts';

/** An invoice as it is kept: complete in itself. Amounts are whole smallest units of `currency`, in digits. */
export interface InvoiceDocument {
  version: 1;
  /** `2026-11`. */
  month: string;
  /** [from, to), UTC. */
  from: string;
  to: string;
  issuedAt: string;
  /** Who sells; '' where it was not said. Lines are told apart by line breaks. */
  seller: string;
  user: { id: string; email: string; name: string };
  currency: string;
  /** As they were at the month's end. */
  plan: { name: string; monthlyFee: string; includedUnits: string; price: string; pricePer: string };
  /** Calls and events that count, their cost units, and of these those beyond the included ones. */
  calls: string;
  units: string;
  overageUnits: string;
  /** What each network's method took part in; the last may stand for many, its `method` empty. Amounts add up to `usageAmount`. */
  lines: { network: string; method: string; calls: string; units: string; amount: string }[];
  fee: string;
  usageAmount: string;
  /** `fee` + `usageAmount`. */
  total: string;
}

export interface InvoiceParts {
  month: string;
  issuedAt: number;
  seller: string;
  user: UserRow;
  plan: PlanTerms;
  bill: Bill;
}

export function invoiceDocument({
  month,
  issuedAt,
  seller,
  user,
  plan,
  bill,
}: InvoiceParts): InvoiceDocument {
  const { from, to } = monthBounds(month);
  const { charge } = bill;
  return {
    version: 1,
    month,
    from: isoTime(from),
    to: isoTime(to),
    issuedAt: isoTime(issuedAt),
    seller,
    user: { id: user.id, email: user.email, name: user.name },
    currency: plan.currency,
    plan: {
      name: plan.name,
      monthlyFee: String(plan.monthlyFee),
      includedUnits: String(plan.includedUnits),
      price: String(plan.price),
      pricePer: String(plan.pricePer),
    },
    calls: String(bill.calls),
    units: String(bill.units),
    overageUnits: String(charge.overageUnits),
    lines: bill.lines.map(({ network, method, calls, units, amount }) => ({
      ...{ network, method },
      calls: String(calls),
      units: String(units),
      amount: String(amount),
    })),
    fee: String(charge.fee),
    usageAmount: String(charge.usage),
    total: String(charge.total),
  };
}
