import type { InvoiceRow } from '../../store/index.ts';
import type { InvoiceDocument } from './document.ts';

/** An invoice, or what it would be (`draft`, without a number). */
export interface InvoiceView extends InvoiceDocument {
  number: string | null;
  draft: boolean;
}

export function invoiceView({ number, document }: InvoiceRow): InvoiceView {
  return { number, draft: false, ...(document as InvoiceDocument) };
}

export function draftView(document: InvoiceDocument): InvoiceView {
  return { number: null, draft: true, ...document };
}
