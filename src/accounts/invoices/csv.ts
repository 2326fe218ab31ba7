import Papa from 'papaparse';
import { formatAmount } from '../money/amount.ts';
import type { InvoiceView } from './view.ts';

/** Columns of an invoice as CSV, by RFC 4180. */
const fields = [
  'number',
  'month',
  'user',
  'item',
  'network',
  'method',
  'calls',
  'units',
  'amount',
  'currency',
];

/**
 * An invoice as CSV: a row for the fee, one for each line of usage, and the total last. Amounts are in the currency (`49.00`). Cells that
 * a spreadsheet would take for a formula begin with `'`: callers choose the names of methods.
 */
export function invoiceCsv(invoice: InvoiceView): string {
  const { number, month, user, currency, plan, lines, calls, units, fee, total } = invoice;
  const money = (amount: string) => formatAmount(BigInt(amount), currency);
  const row = (item: string, cells: Partial<Record<string, string>>) => ({
    ...{
      number: number ?? 'draft',
      month,
      user: user.email,
      item,
      network: '',
      method: '',
      calls: '',
      units: '',
    },
    ...{ currency, ...cells },
  });
  const rows = [
    row('fee', { method: plan.name, amount: money(fee) }),
    ...lines.map(({ amount, ...line }) => row('usage', { ...line, amount: money(amount) })),
    row('total', { calls, units, amount: money(total) }),
  ];
  return `${Papa.unparse({ fields, data: rows }, { newline: '\n', escapeFormulae: true })}\n`;
}
