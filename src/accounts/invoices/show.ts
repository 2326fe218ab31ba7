import { z } from 'zod';
import { AccountsError } from '../error.ts';
import { verb } from '../verb.ts';
import { type InvoiceView, invoiceView } from './view.ts';

const numberExpected = { error: 'expected an invoice’s number such as 2026-000001' };
const input = z.strictObject({ number: z.string(numberExpected).regex(/^\d{4}-\d{6,}$/, numberExpected) });

/** An invoice that was issued, as it was. */
export const showInvoice = verb(input, async ({ store }, { number }): Promise<InvoiceView> => {
  const invoice = await store.invoices.get(number);
  if (invoice === null) throw new AccountsError('not_found', `There is no invoice ${number}`);
  return invoiceView(invoice);
});
