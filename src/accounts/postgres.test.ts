import { hash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PostgresServer, startPostgres } from '../store/testing/postgres.ts';
import type { OperationName } from './run-operation.ts';
import { startAccounts, type TestAccounts } from './testing/accounts.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.stop());

const start = Date.UTC(2026, 10, 30, 23);
const byText = (a = '', b = '') => (a < b ? -1 : 1);

/** Bytes that nobody expects, and the same for each store. */
function steadyRandom(): (size: number) => Uint8Array {
  let count = 0;
  return (size) => hash('sha512', `random ${count++}`, 'buffer').subarray(0, size);
}

const limit = { method: 'eth_call', requests: 5, periodMs: 60_000, burstSize: 2 };
const user = 'ada@example.com';
const month = '2026-11';

/** What is asked, in its order; some of it is refused. */
const questions: readonly [name: OperationName, input: unknown][] = [
  [
    'plans.put',
    {
      name: 'pro',
      currency: 'KWD',
      monthlyFee: '900000000000001',
      includedUnits: 10,
      price: 1005,
      pricePer: 7,
    },
  ],
  ['plans.put', { name: 'pro', set: [limit, { ...limit, method: 'group:read' }] }],
  ['plans.put', { name: 'pro', quota: { unit: 'cost', limit: 9, period: 'day' } }],
  ['users.create', { email: user, name: 'Ada Löveläce ✓', tier: 'pro' }],
  ['users.create', { email: 'ADA@example.com' }],
  ['users.create', { email: 'bob@example.com' }],
  ['users.update', { user: 'bob@example.com', email: user }],
  ['keys.create', { user, name: 'acme', overrides: [limit], expires: '2027-01-01' }],
  ['keys.create', { user, name: 'other' }],
  ['keys.create', { user: 'bob@example.com', name: 'acme' }],
  ['keys.show', { key: 'acme' }],
  ['keys.rotate', { key: 'other', grace: '7d' }],
  [
    'keys.limits',
    {
      key: 'other',
      set: [limit, { ...limit, method: '*' }],
      quota: { unit: 'requests', limit: 5, period: 'month' },
    },
  ],
  ['keys.limits', { key: 'other', unset: ['eth_call'], quota: null }],
  ['keys.disable', { key: 'other' }],
  ['keys.list', {}],
  ['keys.list', { limit: 1 }],
  ['users.show', { user }],
  ['plans.delete', { name: 'pro' }],
  ['plans.list', {}],
];
const after: typeof questions = [
  ['usage.query', { by: ['key', 'method', 'network', 'status'], from: '2026-11-01' }],
  ['usage.query', { by: ['hour'], from: '2026-11-30T22:30:00Z' }],
  ['usage.query', { user, by: [], from: '2026-11-01' }],
  ['invoices.issue', { user, month }],
  ['invoices.issue', { user, month, draft: true }],
  ['invoices.show', { number: '2026-000001' }],
  ['users.delete', { user }],
  ['users.show', { user }],
  ['keys.list', {}],
];

async function ask(accounts: TestAccounts, all: typeof questions): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (const [name, input] of all) {
    const answer = await accounts
      .run(name, input as never)
      .catch(({ code, message }: Error & { code: string }) => ({
        refused: code,
        message,
      }));
    answers.push([name, answer]);
  }
  return answers;
}

async function play(url?: string): Promise<unknown[]> {
  const accounts = await startAccounts(start, url);
  accounts.random = steadyRandom();
  try {
    const before = await ask(accounts, questions);
    const [acme] = await accounts.store.keys.find('other');
    const keyId = acme?.id ?? '';
    await accounts.use(
      { keyId, calls: 3, cost: 30 },
      { keyId, calls: 2, cost: 0, status: 2 },
      { keyId, minute: start - 3_600_000, calls: 5, cost: 5, method: '✓'.repeat(60), network: 'sepolia' },
      { keyId, calls: 4, cost: 4, event: true, latency: new Uint32Array(0) },
      { calls: 9 },
    );
    accounts.at += 2 * 3_600_000;
    const later = await ask(accounts, after);
    return [...before, ...later, accounts.changes];
  } finally {
    await accounts.end();
  }
}

test('the same questions get the same answers on both stores', async () => {
  const [sqlite, postgres] = [await play(), await play(await server.createDatabase())];
  // Notices of PostgreSQL come by a connection of their own, when they come.
  expect(postgres.slice(0, -1)).toEqual(sqlite.slice(0, -1));
  const refusals = sqlite.filter((one) => JSON.stringify(one).includes('"refused":"'));
  expect(refusals).toHaveLength(5);
  const invoice = JSON.stringify(sqlite.find((one) => Array.isArray(one) && one[0] === 'invoices.issue'));
  expect(invoice).toContain('"number":"2026-000001"');
});

test('asked by two instances at once, an invoice is one', async () => {
  const url = await server.createDatabase();
  const one = await startAccounts(Date.UTC(2026, 10, 2), url);
  const other = await startAccounts(Date.UTC(2026, 11, 2), url);
  try {
    await one.run('plans.put', { name: 'pro' });
    const users = ['a@example.com', 'b@example.com', 'c@example.com'];
    for (const email of users) await one.run('users.create', { email, tier: 'pro' });
    one.at = other.at;
    const asked = users.flatMap((email) =>
      [one, other, one, other].map((accounts) => accounts.run('invoices.issue', { user: email, month })),
    );
    const numbers = (await Promise.all(asked)).map(({ number, user: { email } }) => `${email} ${number}`);
    expect(new Set(numbers).size).toBe(3);
    const all = numbers.map((text) => text.split(' ')[1]);
    expect([...new Set(all)].toSorted(byText)).toEqual(['2026-000001', '2026-000002', '2026-000003']);
  } finally {
    await one.end();
    await other.end();
  }
});

test('a key that one instance changed is heard of by the other', async () => {
  const url = await server.createDatabase();
  const one = await startAccounts(start, url);
  const other = await startAccounts(start, url);
  try {
    // It listens from then on; what was changed before is in that.
    await expect.poll(() => other.changes, { timeout: 5000 }).toContain('all');
    await one.run('users.create', { email: user });
    const { id } = await one.run('keys.create', { user, name: 'acme' });
    await expect.poll(() => other.changes, { timeout: 5000 }).toContainEqual({ keyId: id });
    expect((await other.store.policyKey(id))?.enabled).toBe(true);
  } finally {
    await one.end();
    await other.end();
  }
});
