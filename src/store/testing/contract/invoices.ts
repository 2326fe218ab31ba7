import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { InvoiceRow } from '../../rows.ts';
import { noon, type Subject } from '../subject.ts';

function invoice(values: Partial<InvoiceRow> = {}): Omit<InvoiceRow, 'number'> {
  return {
    userId: randomUUID(),
    month: '2026-10',
    currency: 'EUR',
    total: 9_007_199_254_740_993n,
    document: { z: 1, a: [{ text: 'Ünïts', amount: '9007199254740993' }] },
    issuedAt: noon,
    ...values,
  };
}

export function describeInvoices(subject: () => Subject): void {
  it('numbers them within the year of their issue, and gives them back as issued', async () => {
    const { invoices } = subject().store;
    const first = await invoices.issue(invoice({ issuedAt: Date.UTC(2023, 11, 31, 23, 59, 59, 999) }));
    const second = await invoices.issue(invoice({ issuedAt: Date.UTC(2024, 0, 1) }));
    const third = await invoices.issue(invoice({ issuedAt: Date.UTC(2024, 1, 29) }));
    const numbers = [first, second, third].map(({ number }) => number);
    expect(numbers).toEqual(['2023-000001', '2024-000001', '2024-000002']);
    expect(await invoices.get('2024-000002')).toEqual(third);
    expect(await invoices.find(second.userId, '2026-10')).toEqual(second);
    expect(JSON.stringify((await invoices.get(first.number))?.document), 'members in their order').toBe(
      JSON.stringify(first.document),
    );
    expect(await invoices.find(randomUUID(), '2026-10')).toBeNull();
    expect(await invoices.get('2024-000003')).toBeNull();
  });

  it('has one of a user and month, and a refused one leaves no gap', async () => {
    const { invoices } = subject().store;
    const issuedAt = Date.UTC(2021, 5, 1);
    const one = await invoices.issue(invoice({ issuedAt }));
    await expect(invoices.issue(invoice({ issuedAt, userId: one.userId }))).rejects.toMatchObject({
      code: 'conflict',
    });
    await invoices.issue(invoice({ issuedAt, userId: one.userId, month: '2026-11' }));
    expect((await invoices.issue(invoice({ issuedAt }))).number).toBe('2021-000003');
  });

  it('has no gap and none twice when many are issued at once, some rolled back', async () => {
    const { store, another } = subject();
    const stores = [store, ...(another === null ? [] : [await another()])];
    const issuedAt = Date.UTC(2020, 5, 1);
    const numbers: string[] = [];
    const attempts = Array.from({ length: 40 }, async (_, attempt) => {
      const giveUp = attempt % 4 === 0;
      try {
        await stores[attempt % stores.length]!.transaction(async ({ invoices }) => {
          const { number } = await invoices.issue(invoice({ issuedAt }));
          if (giveUp) throw new Error('given up');
          numbers.push(number);
        });
      } catch (error) {
        expect(error).toMatchObject({ message: 'given up' });
      }
    });
    await Promise.all(attempts);
    for (const other of stores.slice(1)) await other.close();
    const expected = Array.from({ length: 30 }, (_, at) => `2020-${String(at + 1).padStart(6, '0')}`);
    expect(numbers.sort()).toEqual(expected);
  });

  it('cannot be changed or deleted once issued', async () => {
    const { store, sql } = subject();
    const issued = await store.invoices.issue(invoice());
    const refused = /cannot be changed/;
    await expect(sql(`update invoices set total = 1 where number = '${issued.number}'`)).rejects.toThrow(
      refused,
    );
    await expect(sql(`delete from invoices where number = '${issued.number}'`)).rejects.toThrow(refused);
    expect(await store.invoices.get(issued.number)).toEqual(issued);
  });
}
