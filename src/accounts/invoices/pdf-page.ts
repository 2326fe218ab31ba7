import type { Content, TableCell, TDocumentDefinitions } from 'pdfmake/interfaces.js';
import { formatAmount, formatMoney, groupThousands } from '../money/amount.ts';
import type { InvoiceView } from './view.ts';

const ink = '#1f2937';
const faint = '#6b7280';
const accent = '#0f766e';
const rule = '#e5e7eb';

/** The page of an invoice: who, to whom, for what, how much, and how the usage came about. */
export function invoicePage(invoice: InvoiceView): TDocumentDefinitions {
  const { number, draft, issuedAt } = invoice;
  const title = draft ? `Draft of an invoice, ${invoice.month}` : `Invoice ${number}`;
  return {
    pageSize: 'A4',
    pageMargins: [56, 56, 56, 64],
    info: { title, creationDate: new Date(issuedAt), author: sellerLines(invoice)[0] ?? '' },
    ...(draft ? { watermark: { text: 'DRAFT', color: faint, opacity: 0.12, bold: true } } : {}),
    defaultStyle: { font: 'Roboto', fontSize: 9.5, color: ink, lineHeight: 1.25 },
    content: [heading(invoice), parties(invoice), items(invoice), ...breakdown(invoice)],
    footer: (page, pages) => ({
      margin: [56, 20, 56, 0],
      fontSize: 8,
      color: faint,
      columns: [{ text: title }, { text: `Page ${page} of ${pages}`, alignment: 'right' }],
    }),
  };
}

function heading(invoice: InvoiceView): Content {
  const [name = '', ...address] = sellerLines(invoice);
  return {
    columns: [
      [
        { ...given(name), fontSize: 14, bold: true },
        { text: address.join('\n'), color: faint },
      ],
      [
        {
          text: invoice.draft ? 'DRAFT' : 'INVOICE',
          fontSize: 22,
          bold: true,
          color: accent,
          alignment: 'right',
        },
        { text: invoice.number ?? 'not issued', color: faint, alignment: 'right' },
      ],
    ],
    margin: [0, 0, 0, 32],
  };
}

function parties({ user, plan, issuedAt, from, to, draft, total, currency }: InvoiceView): Content {
  const last = new Date(Date.parse(to) - 1).toISOString();
  const fact = (name: string, value: string): TableCell[] => [{ text: name, color: faint }, { text: value }];
  return {
    columns: [
      [
        { text: 'Billed to', color: faint },
        { ...given(user.name), bold: true, fontSize: 11 },
        given(user.email),
      ],
      {
        layout: 'noBorders',
        table: {
          widths: ['auto', '*'],
          body: [
            fact(draft ? 'Made on' : 'Issued', day(issuedAt)),
            fact('Period', `${day(from)} – ${day(last)} (UTC)`),
            fact('Plan', plan.name),
            [
              { text: draft ? 'Total so far' : 'Total', color: faint },
              { text: formatMoney(BigInt(total), currency), bold: true },
            ],
          ],
        },
      },
    ],
    columnGap: 24,
    margin: [0, 0, 0, 28],
  };
}

function items(invoice: InvoiceView): Content {
  const { plan, fee, usageAmount, overageUnits, units, total, currency, month } = invoice;
  const money = (amount: string) => groupThousands(formatAmount(BigInt(amount), currency));
  const rows: TableCell[][] = [
    [
      {
        stack: [
          { text: `Plan ${plan.name}, ${monthName(month)}`, bold: true },
          {
            text: `includes ${groupThousands(plan.includedUnits)} cost units; used ${groupThousands(units)}`,
            color: faint,
          },
        ],
      },
      right('1'),
      right(money(plan.monthlyFee)),
      right(money(fee)),
    ],
    [
      {
        stack: [
          { text: 'Usage beyond', bold: true },
          { text: 'cost units that the plan does not include', color: faint },
        ],
      },
      right(groupThousands(overageUnits)),
      right(`${money(plan.price)} per ${groupThousands(plan.pricePer)}`),
      right(money(usageAmount)),
    ],
  ];
  return {
    layout: lines(2),
    table: {
      headerRows: 1,
      widths: ['*', 'auto', 'auto', 80],
      body: [
        [
          head('Item'),
          head('Quantity', true),
          head(`Price (${currency})`, true),
          head(`Amount (${currency})`, true),
        ],
        ...rows,
        [
          { text: 'Total', bold: true, fontSize: 12, colSpan: 2, margin: [0, 4, 0, 4] },
          {},
          {
            text: formatMoney(BigInt(total), currency),
            ...{
              bold: true,
              fontSize: 12,
              color: accent,
              alignment: 'right',
              colSpan: 2,
              margin: [0, 4, 0, 4],
            },
          },
          {},
        ],
      ],
    },
    margin: [0, 0, 0, 28],
  };
}

/** Where it came from, so that nobody has to ask. */
function breakdown({ lines: used, currency, calls, units, usageAmount }: InvoiceView): Content[] {
  if (used.length === 0) return [{ text: 'Nothing was called in this month.', color: faint }];
  const money = (amount: string) => groupThousands(formatAmount(BigInt(amount), currency));
  const rows = used.map(({ network, method, calls: count, units: cost, amount }): TableCell[] => [
    method === '' ? { text: 'all other methods', italics: true } : given(method),
    { ...given(network), color: faint },
    right(groupThousands(count)),
    right(groupThousands(cost)),
    right(money(amount)),
  ]);
  return [
    { text: 'Usage', bold: true, fontSize: 11, margin: [0, 0, 0, 4] },
    {
      text: 'What each method took part in. What the plan includes is shared among all, in proportion to their cost units.',
      ...{ color: faint, margin: [0, 0, 0, 8] },
    },
    {
      layout: lines(1),
      fontSize: 8.5,
      table: {
        headerRows: 1,
        dontBreakRows: true,
        widths: ['*', 'auto', 'auto', 'auto', 80],
        body: [
          [
            head('Method'),
            head('Network'),
            head('Calls', true),
            head('Cost units', true),
            head(`Amount (${currency})`, true),
          ],
          ...rows,
          [
            { text: 'Together', bold: true },
            {},
            { ...right(groupThousands(calls)), bold: true },
            { ...right(groupThousands(units)), bold: true },
            { ...right(money(usageAmount)), bold: true },
          ],
        ],
      },
    },
  ];
}

function right(text: string) {
  return { text, alignment: 'right', noWrap: true } as const;
}

function head(text: string, toTheRight = false): TableCell {
  return { text, color: faint, fontSize: 8.5, ...(toTheRight ? { alignment: 'right', noWrap: true } : {}) };
}

/** Thin lines under rows, a strong one under the heading and over the last row. */
function lines(strength: number) {
  return {
    hLineWidth: (row: number, { table }: { table: { body: unknown[] } }) => {
      if (row === 0 || row === table.body.length) return 0;
      return row === 1 || row === table.body.length - 1 ? strength / 2 : 0.5;
    },
    vLineWidth: () => 0,
    hLineColor: (row: number, { table }: { table: { body: unknown[] } }) =>
      row === 1 || row === table.body.length - 1 ? ink : rule,
    paddingLeft: (column: number) => (column === 0 ? 0 : 8),
    paddingRight: (column: number, { table }: { table: { widths?: unknown } }) =>
      Array.isArray(table.widths) && column === table.widths.length - 1 ? 0 : 8,
    paddingTop: () => 3 + strength,
    paddingBottom: () => 2 + strength,
  };
}

function sellerLines({ seller }: InvoiceView): string[] {
  return seller
    .split('\n')
    .map(plain)
    .filter((line) => line !== '');
}

/** What others have named: without what cannot be printed, and a long word breaks anywhere rather than push what is beside it off the page. */
function given(text: string) {
  const printable = plain(text);
  return /\S{24}/.test(printable)
    ? ({ text: printable, wordBreak: 'break-all' } as const)
    : { text: printable };
}

function plain(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '\ufffd');
}

function day(time: string): string {
  return time.slice(0, 10);
}

const months = 'January February March April May June July August September October November December'.split(
  ' ',
);

function monthName(month: string): string {
  const [year = '', number = ''] = month.split('-');
  return `${months[Number(number) - 1] ?? number} ${year}`;
}
