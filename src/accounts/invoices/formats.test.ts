import { expect, test } from 'vitest';
import { billMonth } from '../money/bill.ts';
import { invoiceCsv } from './csv.ts';
import { invoiceDocument } from './document.ts';
import { invoicePdf } from './pdf.ts';
import { invoicePage } from './pdf-page.ts';
import type { InvoiceView } from './view.ts';

const terms = {
  ...{ currency: 'USD', monthlyFee: 4900n, includedUnits: 1000n, price: 50n, pricePer: 100n },
};
const plan = { name: 'pro', ...terms, limits: [], quota: null, userQuota: null, createdAt: 0, updatedAt: 0 };
const user = {
  ...{ id: '1', email: 'ada@example.com', name: 'Ada, "Countess"', tier: 'pro', quota: null },
  ...{ createdAt: 0, updatedAt: 0, deletedAt: null },
};

function invoice(methods: readonly string[]): InvoiceView {
  const usage = methods.map((method) => ({ network: 'mainnet', method, calls: 500n, units: 600n }));
  const document = invoiceDocument({
    ...{ month: '2026-11', issuedAt: Date.UTC(2026, 11, 1, 0, 5), seller: 'Nodes Ltd\n1 Chain Street' },
    ...{ user, plan, bill: billMonth(terms, usage, 100) },
  });
  return { number: '2026-000001', draft: false, ...document };
}

test('as CSV it has a row for each line, and no formulas', () => {
  expect(
    invoiceCsv(invoice(['eth_call', '=1+1'])),
  ).toBe(`number,month,user,item,network,method,calls,units,amount,currency
2026-000001,2026-11,ada@example.com,fee,,pro,,,49.00,USD
2026-000001,2026-11,ada@example.com,usage,mainnet,"'=1+1",500,600,0.50,USD
2026-000001,2026-11,ada@example.com,usage,mainnet,eth_call,500,600,0.50,USD
2026-000001,2026-11,ada@example.com,total,,,1000,1200,50.00,USD
`);
});

const latin = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
const pages = (pdf: string) => pdf.match(/\/Type \/Page\b(?!s)/g)?.length;

test('as PDF it is one page with its fonts inside, and links to nothing', async () => {
  const pdf = latin(await invoicePdf(invoice(['eth_call', 'eth_getLogs', 'http://evil.example/'])));
  expect(pdf).toMatch(/^%PDF-1\.\d/);
  expect(pdf.trimEnd()).toMatch(/%%EOF$/);
  expect(pages(pdf)).toBe(1);
  expect(pdf.match(/\/FontFile2 /g)).toHaveLength(2);
  expect(pdf).not.toMatch(/\/URI|\/JavaScript|\/Launch/);
});

test('a hundred long names take further pages', async () => {
  const methods = Array.from({ length: 100 }, (_, index) => `${'m'.repeat(90)}${index}`);
  expect(pages(latin(await invoicePdf(invoice(methods))))).toBeGreaterThan(2);
});

test('a draft says so, and what stands on a page is what was billed', () => {
  const page = JSON.stringify(
    invoicePage({ ...invoice(['eth_call', 'eth\u202e_call\n']), number: null, draft: true }),
  );
  for (const text of [
    '"DRAFT"',
    'not issued',
    'Nodes Ltd',
    '1 Chain Street',
    'Ada, \\"Countess\\"',
    '50.00 USD',
  ])
    expect(page).toContain(text);
  expect(page).toContain('eth\ufffd_call\ufffd');
  expect(page).toContain('2026-11-01 – 2026-11-30 (UTC)');
});
