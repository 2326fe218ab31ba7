import { afterEach, beforeEach, expect, test } from 'vitest';
import { startAccounts, type TestAccounts } from '../testing/accounts.ts';

let accounts: TestAccounts;
let key = { id: '', prefix: '' };
beforeEach(async () => {
  accounts = await startAccounts();
  await accounts.run('users.create', { email: 'ada@example.com' });
  key = await accounts.run('keys.create', { user: 'ada@example.com', name: 'acme' });
});
afterEach(() => accounts.end());

const at = (text: string) => Date.parse(text);

test('usage of this month by method, what was refused apart', async () => {
  const { id: keyId } = key;
  await accounts.use(
    { keyId, calls: 10, cost: 10, errors: 1 },
    { keyId, calls: 5, cost: 5, status: 1 },
    { keyId, calls: 7, cost: 0, status: 2, latency: new Uint32Array(24), errors: 0 },
    { keyId, calls: 3, cost: 30, method: 'eth_getLogs', latencyMicros: 9 },
    { keyId, calls: 100, minute: at('2026-10-31T23:59:00Z') },
  );
  const usage = await accounts.run('usage.query', {});
  expect(usage).toMatchObject({
    ...{ from: '2026-11-01T00:00:00.000Z', to: '2026-11-28T12:00:00.000Z', by: ['method'], lines: [] },
  });
  const now = await accounts.run('usage.query', { to: '2026-11-29' });
  expect(now.lines).toMatchObject([
    { method: 'eth_call', calls: 15, refused: 7, cost: 15, errors: 1, bytesIn: 300 },
    { method: 'eth_getLogs', calls: 3, refused: 0, cost: 30 },
  ]);
  expect(now.totals).toMatchObject({ calls: 18, refused: 7, cost: 45 });
  expect(now.lines[0]?.p50Micros).toBeGreaterThan(32_768);
  expect(now.lines[0]?.p99Micros).toBeLessThanOrEqual(65_536);
});

test('by several things at once, of a key or a user', async () => {
  const { id: keyId } = key;
  await accounts.use(
    { keyId, minute: at('2026-11-27T10:00:00Z'), calls: 1 },
    { keyId, minute: at('2026-11-27T11:30:00Z'), calls: 2, status: 1 },
    { keyId, minute: at('2026-11-28T11:30:00Z'), calls: 4, network: 'sepolia' },
    { minute: at('2026-11-28T11:30:00Z'), calls: 8 },
  );
  const byDay = await accounts.run('usage.query', { by: ['day', 'key', 'network'] });
  expect(byDay.lines).toMatchObject([
    { at: '2026-11-27T00:00:00.000Z', key: { name: 'acme' }, network: 'mainnet', calls: 3 },
    { at: '2026-11-28T00:00:00.000Z', key: { name: 'without a key' }, network: 'mainnet', calls: 8 },
    { at: '2026-11-28T00:00:00.000Z', key: { name: 'acme' }, network: 'sepolia', calls: 4 },
  ]);
  expect(byDay.lines[0]).not.toHaveProperty('status');
  const ofKey = { key: key.prefix, by: ['status' as const], from: '2d' };
  expect((await accounts.run('usage.query', ofKey)).lines).toMatchObject([
    { status: 'allowed', calls: 5 },
    { status: 'burst', calls: 2 },
  ]);
  const ofUser = await accounts.run('usage.query', { user: 'ada@example.com', by: [] });
  expect(ofUser.lines).toMatchObject([{ calls: 7 }]);
  expect((await accounts.run('usage.query', { key: 'none' })).totals.calls).toBe(8);
  await accounts.run('keys.delete', { key: 'acme' });
  expect((await accounts.run('usage.query', { key: keyId })).totals.calls).toBe(7);
  const part = { from: '2026-11-27T10:01:00Z', to: '2026-11-27T11:31:00Z' };
  expect((await accounts.run('usage.query', part)).totals.calls).toBe(2);
});

test('no more lines than anybody reads are given, and none of them read', async () => {
  const rows = Array.from({ length: 20_001 }, (_, nth) => ({ method: `m${nth}` }));
  await accounts.use(...rows.slice(0, 20_000));
  const all = await accounts.run('usage.query', { from: '1h', to: '2026-11-29', by: ['method', 'minute'] });
  expect(all.lines).toHaveLength(20_000);
  expect(all.totals).toMatchObject({ calls: 20_000, refused: 0 });
  await accounts.use(...rows.slice(20_000));
  await expect(accounts.run('usage.query', { from: '1h', to: '2026-11-29' })).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringMatching(/more than 20000 lines/) as string,
  });
});

test.each([
  [{ by: ['day', 'hour'] }, /^by: found \["day","hour"\], expected only one of day, hour and minute$/],
  [{ by: ['metod'] }, /^by.0: found "metod", expected method, day, hour/],
  [{ from: 'yesterday' }, /^from: found "yesterday", expected a date/],
  [{ from: '2026-02-30' }, /^from: found "2026-02-30"/],
  [{ from: '2026-11-28', to: '2026-11-27' }, /is not before to/],
])('%j is refused', async (input, message) => {
  await expect(accounts.run('usage.query', input as never)).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringMatching(message) as string,
  });
});
