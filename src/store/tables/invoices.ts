import { sql } from 'kysely';
import type { InvoiceRow } from '../rows.ts';
import type { Tables } from '../store.ts';
import { atomically, type TableContext } from './context.ts';

/** Queries of `invoices`. What was issued can only be read: triggers refuse the rest. */
export function createInvoices({ db, dialect }: TableContext): Tables['invoices'] {
  const invoices = () =>
    db
      .selectFrom('invoices')
      .select(['number', 'user_id', 'month', 'currency', 'document', 'issued_at'])
      .select(sql<string>`cast(total as text)`.as('total'));

  return {
    issue: (invoice) =>
      atomically(db, async (db) => {
        const year = new Date(invoice.issuedAt).getUTCFullYear();
        // The year's row stays locked until the transaction ends, and goes back with it: no number is left out.
        const { last } = await db
          .insertInto('invoice_numbers')
          .values({ year, last: 1 })
          .onConflict((already) =>
            already.column('year').doUpdateSet({ last: sql<number>`invoice_numbers.last + 1` }),
          )
          .returning('last')
          .executeTakeFirstOrThrow();
        const number = `${String(year).padStart(4, '0')}-${String(last).padStart(6, '0')}`;
        await db
          .insertInto('invoices')
          .values({
            number,
            user_id: invoice.userId,
            month: invoice.month,
            currency: invoice.currency,
            total: invoice.total,
            document: JSON.stringify(invoice.document),
            issued_at: dialect.time(invoice.issuedAt),
          })
          .execute();
        return { number, ...invoice };
      }),

    async find(userId, month) {
      const row = await invoices()
        .where('user_id', '=', userId)
        .where('month', '=', month)
        .executeTakeFirst();
      return row === undefined ? null : invoiceOf(row);
    },

    async get(number) {
      const row = await invoices().where('number', '=', number).executeTakeFirst();
      return row === undefined ? null : invoiceOf(row);
    },
  };
}

interface Columns {
  number: string;
  user_id: string;
  month: string;
  currency: string;
  total: string;
  document: string;
  issued_at: number;
}

function invoiceOf(row: Columns): InvoiceRow {
  return {
    number: row.number,
    userId: row.user_id,
    month: row.month,
    currency: row.currency,
    total: BigInt(row.total),
    document: JSON.parse(row.document) as unknown,
    issuedAt: row.issued_at,
  };
}
