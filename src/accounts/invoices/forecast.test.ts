import { afterEach, beforeEach, expect, test } from 'vitest';
import { startAccounts, type TestAccounts } from '../testing/accounts.ts';

const user = 'ada@example.com';
let accounts: TestAccounts;
let keyId = '';
beforeEach(async () => {
  accounts = await startAccounts(Date.UTC(2026, 10, 2));
  const plan = {
    name: 'pro',
    currency: 'USD',
    monthlyFee: 4900,
    includedUnits: 1000,
    price: 50,
    pricePer: 100,
  };
  await accounts.run('plans.put', plan);
  await accounts.run('users.create', { email: user, name: 'Ada Lovelace', tier: 'pro' });
  ({ id: keyId } = await accounts.run('keys.create', { user, name: 'acme' }));
});
afterEach(() => accounts.end());

test('a third of the month gone, three times its usage, by the plan', async () => {
  await accounts.use(
    { keyId, minute: Date.UTC(2026, 9, 31), calls: 9999, cost: 9999 },
    { keyId, minute: Date.UTC(2026, 10, 1), calls: 400, cost: 400 },
    { keyId, minute: Date.UTC(2026, 10, 10), calls: 400, cost: 400 },
    { keyId, minute: Date.UTC(2026, 10, 10), calls: 400, cost: 0, status: 2 },
  );
  accounts.at = Date.UTC(2026, 10, 11);
  // 2,400 units: 1,400 beyond the included ones are 7 dollars, and the fee is 49.
  expect(await accounts.run('invoices.forecast', { user })).toEqual({
    ...{ month: '2026-11', at: '2026-11-11T00:00:00.000Z', currency: 'USD' },
    ...{ units: '800', forecastUnits: '2400', total: '5600', amount: 56 },
  });
});

test('the first hours count as a whole day', async () => {
  accounts.at = Date.UTC(2026, 10, 1, 0, 10);
  await accounts.use({ keyId, minute: Date.UTC(2026, 10, 1), calls: 100, cost: 100 });
  expect(await accounts.run('invoices.forecast', { user })).toMatchObject({
    forecastUnits: '3000',
    amount: 59,
  });
});

test('nothing used is the fee; nobody is refused', async () => {
  expect(await accounts.run('invoices.forecast', { user })).toMatchObject({ forecastUnits: '0', amount: 49 });
  await expect(accounts.run('invoices.forecast', { user: 'bob@example.com' })).rejects.toThrow(/bob@example/);
});
