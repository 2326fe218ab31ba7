import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { invoicePage } from './pdf-page.ts';
import type { InvoiceView } from './view.ts';

/**
 * An invoice as PDF, A4, with its font embedded. The same invoice gives the same text; an issued one bears its number and the day it was
 * issued on, a draft says that it is one. Takes some 300 ms.
 */
export async function invoicePdf(invoice: InvoiceView): Promise<Uint8Array> {
  const { default: pdfmake } = await import('pdfmake');
  const folder = join(
    dirname(createRequire(import.meta.url).resolve('pdfmake/package.json')),
    'fonts',
    'Roboto',
  );
  const font = (style: string) => join(folder, `Roboto-${style}.ttf`);
  pdfmake.setFonts({
    Roboto: {
      normal: font('Regular'),
      bold: font('Medium'),
      italics: font('Italic'),
      bolditalics: font('MediumItalic'),
    },
  });
  // Nothing that stands in an invoice may make it read a file or fetch an address.
  pdfmake.setLocalAccessPolicy((path) => path.startsWith(folder));
  pdfmake.setUrlAccessPolicy(() => false);
  return pdfmake.createPdf(invoicePage(invoice)).getBuffer();
}
