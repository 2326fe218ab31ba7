/** Users, keys, plans, usage and invoices: one verb a file, each `(context, input)`. */
export type { AccountsContext } from './context.ts';
export { AccountsError, type AccountsErrorCode } from './error.ts';
export { isTimeText, isoTime, pastTimeOf } from './input/time.ts';
export { invoiceCsv } from './invoices/csv.ts';
export { invoicePdf } from './invoices/pdf.ts';
export type { InvoiceView } from './invoices/view.ts';
export { formatMoney, parseAmount } from './money/amount.ts';
export {
  type OperationInput,
  type OperationName,
  type OperationResult,
  runOperation,
} from './run-operation.ts';
