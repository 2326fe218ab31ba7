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

test('what is older than its minutes or hours is summed to the whole hour or day, and the answer says so', async () => {
  const day = 86_400_000;
  const retention = { minutesMs: 7 * day, hoursMs: 90 * day, daysMs: 400 * day };
  accounts.retention = () => retention;
  const minutes = [
    ...['2026-08-20T09:10:00Z', '2026-08-20T20:10:00Z', '2026-11-20T11:30:00Z', '2026-11-20T12:30:00Z'],
    ...['2026-11-21T12:05:00Z', '2026-11-28T11:10:00Z', '2025-01-01T00:00:00Z'],
  ];
  await accounts.use(...minutes.map((minute) => ({ minute: at(minute) })));
  await accounts.store.maintain({ ...retention, rawMs: Infinity, eventsMs: Infinity, eventsMax: Infinity });
  const ask = async (from: string, to: string, by: string[] = []) => {
    const answer = await accounts.run('usage.query', { from, to, by: by as never });
    const moments = [answer.from, answer.to].map((moment) => moment.slice(0, 16));
    return [...moments, answer.totals.calls];
  };
  accounts.at += 30 * 60_000;
  expect(await ask('8d', '2026-11-29')).toEqual(['2026-11-20T12:00', '2026-11-29T00:00', 3]);
  expect(await ask('8d', '2026-11-29', ['hour'])).toEqual(['2026-11-20T12:00', '2026-11-29T00:00', 3]);
  expect(await ask('2026-11-20T11:40:00Z', '2026-11-20T12:10:00Z')).toEqual([
    ...['2026-11-20T11:00', '2026-11-20T13:00', 2],
  ]);
  expect(await ask('7d', '2026-11-29', ['minute'])).toEqual(['2026-11-21T12:30', '2026-11-29T00:00', 1]);
  expect(await ask('8d', '2026-11-29', ['minute'])).toEqual(['2026-11-21T12:30', '2026-11-29T00:00', 1]);
  expect(await ask('2026-08-20T10:30:00Z', '2026-08-20T19:00:00Z')).toEqual([
    ...['2026-08-20T00:00', '2026-08-21T00:00', 2],
  ]);
  expect(await ask('2026-11-28T11:10:00Z', '2026-11-28T11:11:00Z')).toEqual([
    ...['2026-11-28T11:10', '2026-11-28T11:11', 1],
  ]);
  expect((await ask('2024-01-01', '2026-11-29')).slice(0, 1)).toEqual(['2025-10-24T00:00']);
  await expect(ask('2024-01-01', '2024-02-01')).rejects.toThrow(/no longer kept/);
  await expect(ask('9d', '8d', ['minute'])).rejects.toThrow(/by the minute is no longer kept/);
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
