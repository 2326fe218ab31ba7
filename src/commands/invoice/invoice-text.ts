import { formatMoney, type InvoiceView } from '../../accounts/index.ts';
import { columns, facts, grouped, utc } from '../store/columns.ts';

/** An invoice for a terminal. */
export function invoiceText(invoice: InvoiceView): string {
  const { currency, plan, lines, user } = invoice;
  const money = (amount: string) => formatMoney(BigInt(amount), currency);
  const head = facts([
    ['invoice', invoice.number ?? 'draft, not issued'],
    ['seller', invoice.seller.split('\n').join(', ')],
    ['user', `${user.name} <${user.email}>`],
    ['month', `${invoice.month} (UTC)`],
    [invoice.draft ? 'made' : 'issued', `${utc(invoice.issuedAt)} UTC`],
    ['plan', plan.name],
  ]);
  const cell = (title: string) => ({ title, right: true });
  const price = `${money(plan.price)} per ${grouped(plan.pricePer)}`;
  const items = columns(
    [{ title: 'item' }, cell('quantity'), cell('price'), cell('amount')],
    [
      [
        `plan ${plan.name}, includes ${grouped(plan.includedUnits)} units`,
        '1',
        money(plan.monthlyFee),
        money(invoice.fee),
      ],
      ['units beyond', grouped(invoice.overageUnits), price, money(invoice.usageAmount)],
      ['total', '', '', money(invoice.total)],
    ],
  );
  const rows = lines.map(({ network, method, calls, units, amount }) => [
    method === '' ? 'all other methods' : method,
    network,
    grouped(calls),
    grouped(units),
    money(amount),
  ]);
  const usage = columns(
    [{ title: 'method' }, { title: 'network' }, cell('calls'), cell('units'), cell('amount')],
    [...rows, ['together', '', grouped(invoice.calls), grouped(invoice.units), money(invoice.usageAmount)]],
  );
  return `${head}\n${items}\n${usage}`;
}
