import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createApplier, createJournalWriter } from '../../usage/index.ts';
import { ledgerRow, startAccounts, type TestAccounts } from '../testing/accounts.ts';

let accounts: TestAccounts;
let keyId = '';
const user = 'ada@example.com';
const plan = {
  ...{ name: 'pro', currency: 'USD', monthlyFee: 4900, includedUnits: 1000 },
  ...{ price: 50, pricePer: 100 },
};
beforeEach(async () => {
  accounts = await startAccounts(Date.UTC(2026, 10, 2));
  await accounts.run('plans.put', plan);
  await accounts.run('users.create', { email: user, name: 'Ada Lovelace', tier: 'pro' });
  ({ id: keyId } = await accounts.run('keys.create', { user, name: 'acme' }));
  accounts.at = Date.UTC(2026, 11, 1, 0, 5);
});
afterEach(() => accounts.end());

const minute = Date.UTC(2026, 10, 30, 23, 59);

test('an invoice has the month’s usage by the plan, and adds up', async () => {
  await accounts.use(
    { keyId, minute: Date.UTC(2026, 9, 31, 23, 59), calls: 9999 },
    { keyId, minute: Date.UTC(2026, 10, 1), calls: 500, cost: 500 },
    { keyId, minute, calls: 600, cost: 600, status: 1 },
    { keyId, minute, calls: 900, cost: 0, status: 2 },
    { keyId, minute, calls: 10, cost: 101, method: 'eth_getLogs' },
    { keyId, minute, calls: 3, cost: 3, method: 'eth_call', event: true, latency: new Uint32Array(0) },
    { keyId, minute: Date.UTC(2026, 11, 1), calls: 7777 },
    { minute, calls: 5555 },
  );
  const seller = 'Nodes Ltd\n1 Chain Street';
  const invoice = await accounts.run('invoices.issue', { user, month: '2026-11', seller });
  expect(invoice).toEqual({
    ...{ number: '2026-000001', draft: false, version: 1, month: '2026-11', seller, currency: 'USD' },
    ...{ from: '2026-11-01T00:00:00.000Z', to: '2026-12-01T00:00:00.000Z' },
    issuedAt: '2026-12-01T00:05:00.000Z',
    user: { id: expect.any(String) as string, email: user, name: 'Ada Lovelace' },
    plan: { name: 'pro', monthlyFee: '4900', includedUnits: '1000', price: '50', pricePer: '100' },
    ...{ calls: '1113', units: '1204', overageUnits: '204' },
    lines: [
      { network: 'mainnet', method: 'eth_call', calls: '1103', units: '1103', amount: '93' },
      { network: 'mainnet', method: 'eth_getLogs', calls: '10', units: '101', amount: '9' },
    ],
    ...{ fee: '4900', usageAmount: '102', total: '5002' },
  });
});

describe('once issued', () => {
  test('it is the same for ever, whatever changes', async () => {
    await accounts.use({ keyId, minute, calls: 2000 });
    const invoice = await accounts.run('invoices.issue', { user, month: '2026-11' });
    await accounts.use({ keyId, minute, calls: 2000 });
    await accounts.run('plans.put', { name: 'pro', price: 1 });
    accounts.at += 86_400_000;
    await accounts.run('users.update', { user, name: 'Somebody Else' });
    for (const draft of [false, true])
      expect(
        await accounts.run('invoices.issue', { user, month: '2026-11', seller: 'Other', draft }),
      ).toEqual(invoice);
    const { id } = await accounts.run('users.delete', { user });
    expect(await accounts.run('invoices.issue', { user: id, month: '2026-11' })).toEqual(invoice);
    expect(await accounts.run('invoices.show', { number: '2026-000001' })).toEqual(invoice);
    await expect(accounts.run('invoices.show', { number: '2026-000002' })).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  test('asked for many times at once, it is one', async () => {
    const all = await Promise.all(
      Array.from({ length: 8 }, () => accounts.run('invoices.issue', { user, month: '2026-11' })),
    );
    expect(new Set(all.map(({ number }) => number))).toEqual(new Set(['2026-000001']));
    accounts.at -= 86_400_000;
    await accounts.run('users.create', { email: 'bob@example.com', tier: 'pro' });
    accounts.at += 86_400_000;
    const next = await accounts.run('invoices.issue', { user: 'bob@example.com', month: '2026-11' });
    expect(next.number).toBe('2026-000002');
  });
});

test('a month that is not over, or was just, has only a draft', async () => {
  accounts.at -= 1;
  await expect(accounts.run('invoices.issue', { user, month: '2026-11' })).rejects.toMatchObject({
    code: 'refused',
    message: '2026-11 can be issued from 2026-12-01 00:05 UTC: until then ask for a draft (--draft)',
  });
  await accounts.use({ keyId, minute, calls: 1100 });
  const draft = await accounts.run('invoices.issue', { user, month: '2026-11', draft: true });
  expect(draft).toMatchObject({ number: null, draft: true, total: '4950' });
  accounts.at += 1;
  expect((await accounts.run('invoices.issue', { user, month: '2026-11' })).number).toBe('2026-000001');
});

test.each([
  ['a leap day', '2028-02', [Date.UTC(2028, 1, 29, 23, 59)], [Date.UTC(2028, 2, 1)]],
  ['a year’s end', '2027-12', [Date.UTC(2027, 11, 31, 23, 59)], [Date.UTC(2028, 0, 1)]],
  [
    'a month with a change of clocks elsewhere',
    '2027-03',
    [Date.UTC(2027, 2, 28, 1, 30)],
    [Date.UTC(2027, 3, 1)],
  ],
])('%s belongs to its month', async (_, month, inside, outside) => {
  accounts.at = Date.UTC(2028, 5, 1);
  await accounts.use(...[...inside, ...outside].map((at) => ({ keyId, minute: at, calls: 1 })));
  expect(await accounts.run('invoices.issue', { user, month })).toMatchObject({
    calls: String(inside.length),
  });
});

test('thousands of invented methods make a hundred lines that add up', async () => {
  const rows = Array.from({ length: 500 }, (_, index) => ({
    keyId,
    minute,
    method: `m${index}`,
    calls: 10 + index,
  }));
  await accounts.use(...rows);
  const { lines, usageAmount, calls } = await accounts.run('invoices.issue', { user, month: '2026-11' });
  expect(lines).toHaveLength(100);
  expect(lines.at(-1)).toMatchObject({ method: '' });
  expect(lines.reduce((sum, { amount }) => sum + BigInt(amount), 0n)).toBe(BigInt(usageAmount));
  expect(calls).toBe(String(rows.reduce((sum, row) => sum + row.calls, 0)));
});

test('a month of which usage may be gone is refused, and what was issued is there for ever', async () => {
  await accounts.use({ keyId, minute, calls: 7 });
  const from = Date.UTC(2026, 10, 1);
  accounts.retention = () => ({ minutesMs: Infinity, hoursMs: Infinity, daysMs: accounts.at - from - 1 });
  for (const draft of [true, false])
    await expect(accounts.run('invoices.issue', { user, month: '2026-11', draft })).rejects.toMatchObject({
      ...{ code: 'refused', message: expect.stringMatching(/^Usage is kept from 2026-11-01 on/) as string },
    });
  accounts.retention = () => ({ minutesMs: Infinity, hoursMs: Infinity, daysMs: accounts.at - from });
  const issued = await accounts.run('invoices.issue', { user, month: '2026-11' });
  expect(issued).toMatchObject({ calls: '7' });
  accounts.retention = () => ({ minutesMs: Infinity, hoursMs: Infinity, daysMs: 0 });
  expect(await accounts.run('invoices.issue', { user, month: '2026-11' })).toEqual(issued);
});

test('a month without the user is refused, unless it has usage all the same', async () => {
  const issue = (month: string, who = user) => accounts.run('invoices.issue', { user: who, month });
  for (const draft of [true, false])
    await expect(accounts.run('invoices.issue', { user, month: '2026-10', draft })).rejects.toMatchObject({
      ...{ code: 'refused', message: `There is nothing to invoice: ${user} was made on 2026-11-02` },
    });
  await accounts.use({ keyId, minute: Date.UTC(2026, 9, 31, 23, 59), calls: 7 });
  expect(await issue('2026-10')).toMatchObject({ calls: '7', number: '2026-000001' });
  const { id } = await accounts.run('users.delete', { user });
  accounts.at = Date.UTC(2027, 2, 1);
  expect(await issue('2026-12', id)).toMatchObject({ calls: '0', total: '4900' });
  await expect(issue('2027-01', id)).rejects.toMatchObject({
    ...{ code: 'refused', message: expect.stringMatching(/was deleted on 2026-12-01$/) as string },
  });
  expect(await issue('2026-11', id), 'numbers go on').toMatchObject({ number: '2027-000002' });
});

describe('the plan is that of the month’s end', () => {
  const [end, later] = [Date.UTC(2026, 11, 1), Date.UTC(2026, 11, 20)];
  const issue = async (month = '2026-11') => {
    accounts.at = Math.max(accounts.at, later);
    const { plan, total, currency } = await accounts.run('invoices.issue', { user, month });
    return [plan.name, plan.price, total, currency];
  };
  beforeEach(() => accounts.use({ keyId, minute, calls: 2000, cost: 2000 }));

  test('whatever it became or cost afterwards, and though it was deleted', async () => {
    accounts.at = end;
    await accounts.run('plans.put', { name: 'pro', price: 99, monthlyFee: 1 });
    await accounts.run('plans.put', { name: 'max', currency: 'EUR', monthlyFee: 90_000 });
    await accounts.run('users.update', { user, tier: 'max' });
    await accounts.run('plans.delete', { name: 'pro' });
    expect(await issue()).toEqual(['pro', '50', '5400', 'USD']);
    accounts.at = Date.UTC(2027, 0, 2);
    expect(await issue('2026-12')).toEqual(['max', '0', '90000', 'EUR']);
  });

  test('with a change in its last millisecond the new one, for the whole month', async () => {
    accounts.at = end - 1;
    await accounts.run('plans.put', { name: 'max', currency: 'USD', monthlyFee: 9, price: 1 });
    await accounts.run('users.update', { user, tier: 'max' });
    await accounts.run('plans.put', { name: 'max', price: 3, pricePer: 100 });
    expect(await issue()).toEqual(['max', '3', '69', 'USD']);
  });

  test('or its first terms, where it was made only later', async () => {
    accounts.at = end - 5;
    await accounts.run('users.create', { email: 'bob@example.com' });
    accounts.at = later;
    await accounts.run('plans.put', { name: 'free', currency: 'USD', monthlyFee: 7 });
    await accounts.run('plans.put', { name: 'free', monthlyFee: 8 });
    accounts.at = later + 1;
    await accounts.run('plans.put', { name: 'free', monthlyFee: 9 });
    const invoice = await accounts.run('invoices.issue', { user: 'bob@example.com', month: '2026-11' });
    expect(invoice).toMatchObject({ plan: { name: 'free' }, total: '8' });
  });
});

test('a tier without a plan, an odd month and a long seller are refused', async () => {
  await accounts.run('users.create', { email: 'bob@example.com' });
  const bob = { user: 'bob@example.com', month: '2026-11' };
  await expect(accounts.run('invoices.issue', bob)).rejects.toMatchObject({
    code: 'not_found',
    message: 'There is no plan free (there are pro); polymorph plans put free makes it',
  });
  for (const month of ['2026-13', '2026-1', '26-01', '2026-11-01'])
    await expect(accounts.run('invoices.issue', { user, month })).rejects.toMatchObject({ code: 'invalid' });
});

test('past a journal that cannot be read only who says so issues', async () => {
  const folder = join(accounts.folder, 'journal');
  accounts.journals = { folder, keepMs: 86_400_000 };
  const issue = (despiteDamage: boolean) =>
    accounts.run('invoices.issue', { user, month: '2026-11', despiteDamage });
  const writer = createJournalWriter({
    ...{ folder, run: 'run1', slot: 0, start: 0, holds: () => false, onFull: () => undefined },
    ...{ epochMs: () => minute, nowMs: () => 0 },
  });
  for (let k = 0; k < 20; k++) writer.write([ledgerRow({ keyId, calls: 1 }, minute)]);
  writer.close();
  const path = join(folder, 'run1-0-0-0.journal');
  const bytes = readFileSync(path);
  bytes[400]! ^= 1;
  writeFileSync(path, bytes);
  const apply = async () => {
    const applier = createApplier({
      ...{ folder, run: 'other', ledger: accounts.store, epochMs: accounts.now },
      settings: { raw: { mode: 'off', share: 0 }, keepJournalMs: 86_400_000 },
      onDamage: () => undefined,
    });
    await applier.flush();
    await applier.stop();
  };
  await expect(issue(true), 'what can be read waits').rejects.toMatchObject({ code: 'unavailable' });
  await apply();
  await expect(issue(false)).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringMatching(
      /^Usage of 2026-11 may be missing: journal run1-0-0-0 cannot be read \(damaged behind byte \d+\);/,
    ) as string,
  });
  mkdirSync(join(folder, 'run2-0-0-0.journal'));
  await expect(issue(false)).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringMatching(/and 1 more; see polymorph reconcile/) as string,
  });
  const invoice = await issue(true);
  expect(Number(invoice.calls)).toBeGreaterThan(0);
  expect(Number(invoice.calls)).toBeLessThan(20);
  expect(await issue(false), 'issued is issued').toEqual(invoice);
});

test('a month of which calls wait in the journals is issued once they are in the ledger', async () => {
  const folder = join(accounts.folder, 'journal');
  accounts.journals = { folder, keepMs: 86_400_000 };
  const writer = createJournalWriter({
    ...{ folder, run: 'run1', slot: 0, start: 0, holds: () => false, onFull: () => undefined },
    ...{ epochMs: () => minute, nowMs: () => 0 },
  });
  writer.write([ledgerRow({ keyId, calls: 7, cost: 1100 }, minute)]);
  writer.close();
  await expect(accounts.run('invoices.issue', { user, month: '2026-11' })).rejects.toMatchObject({
    ...{ code: 'unavailable', message: expect.stringMatching(/^7 calls of 2026-11 wait/) as string },
  });
  const applier = createApplier({
    ...{ folder, run: 'other', ledger: accounts.store, epochMs: accounts.now, onDamage: () => undefined },
    settings: { raw: { mode: 'off', share: 0 }, keepJournalMs: 86_400_000 },
  });
  await applier.flush();
  await applier.stop();
  expect(await accounts.run('invoices.issue', { user, month: '2026-11' })).toMatchObject({
    calls: '7',
    total: '4950',
  });
});
