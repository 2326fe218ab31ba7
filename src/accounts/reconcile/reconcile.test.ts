import { join } from 'node:path';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  type Applier,
  createApplier,
  createJournalWriter,
  LATENCY_BUCKETS,
  noKey,
  type UsageRecord,
} from '../../usage/index.ts';
import { startAccounts, type TestAccounts } from '../testing/accounts.ts';

const hourMs = 3_600_000;
let accounts: TestAccounts;
let applier: Applier;
let journals = '';
let keyId = '';
let starts = 0;

beforeEach(async () => {
  accounts = await startAccounts();
  journals = join(accounts.folder, 'journal');
  accounts.journals = { folder: journals, keepMs: 24 * hourMs };
  await accounts.run('users.create', { email: 'ada@example.com' });
  ({ id: keyId } = await accounts.run('keys.create', { user: 'ada@example.com', name: 'acme' }));
  applier = createApplier({
    ...{ folder: journals, run: 'other', ledger: accounts.store, epochMs: accounts.now },
    settings: { raw: { mode: 'off', share: 0 }, keepJournalMs: 24 * hourMs },
    onDamage: () => undefined,
  });
});
afterEach(async () => {
  await applier.stop();
  await accounts.end();
});

function record(part: Partial<UsageRecord>): UsageRecord {
  const latency = new Uint32Array(LATENCY_BUCKETS);
  latency[9] = part.calls ?? 1;
  return {
    ...{
      keyId,
      network: 'mainnet',
      method: 'eth_call',
      status: 0,
      event: false,
      calls: 1,
      cost: 1,
      errors: 0,
    },
    ...{ bytesIn: 10, bytesOut: 20, latencyMicros: 1000, latency, ...part },
  };
}

/** What a worker of its own writes, a turn each. */
function write(...turns: UsageRecord[][]): void {
  const writer = createJournalWriter({
    ...{
      folder: journals,
      run: 'run1',
      slot: 0,
      start: starts++,
      holds: () => false,
      onFull: () => undefined,
    },
    ...{ epochMs: accounts.now, nowMs: () => 0 },
  });
  for (const records of turns) writer.write(records);
  writer.close();
}

const until = '2026-11-28T13:00:00Z';

test('they agree where the ledger has dropped the minutes of a time that journals still tell of', async () => {
  const retention = { minutesMs: hourMs, hoursMs: Infinity, daysMs: Infinity };
  accounts.retention = () => retention;
  accounts.at -= 23.5 * hourMs;
  write([record({ calls: 3 })]);
  accounts.at += hourMs;
  write([record({ calls: 2 })]);
  expect(await applier.flush()).toBe(true);
  accounts.at += 22.5 * hourMs + 15 * 60_000;
  // The store's own clock stands.
  await accounts.store.maintain({
    ...retention,
    minutesMs: retention.minutesMs - 15 * 60_000,
    rawMs: Infinity,
    eventsMs: Infinity,
    eventsMax: Infinity,
  });
  const result = await accounts.run('reconcile', {});
  expect(result).toMatchObject({ ok: true, from: '2026-11-27T13:00:00.000Z', ledger: { calls: 2 } });
});

test('journals and ledger agree, whatever was called', async () => {
  write(
    [record({ calls: 3, cost: 3 }), record({ keyId: noKey, method: 'eth_getLogs', cost: 10 })],
    [record({ status: 2, cost: 0 }), record({ method: 'x'.repeat(80) }), record({ event: true, calls: 5 })],
  );
  expect(await applier.flush()).toBe(true);
  const result = await accounts.run('reconcile', { to: until });
  expect(result).toMatchObject({
    ...{ ok: true, differences: [], segments: 1, frames: 2, tornBytes: 0, unreadable: [], received: null },
    ...{ from: '2026-11-27T12:00:00.000Z', to: '2026-11-28T13:00:00.000Z' },
    pending: { calls: 0, refused: 0 },
  });
  expect(result.journal).toEqual(result.ledger);
  expect(result.journal).toMatchObject({ calls: 5, refused: 1, events: 5, cost: 15 });
});

test('what waits for the ledger is pending and no difference', async () => {
  write([record({})]);
  await applier.flush();
  write([record({ calls: 7, cost: 7 })]);
  const result = await accounts.run('reconcile', { to: until });
  expect(result).toMatchObject({
    ok: true,
    journal: { calls: 8 },
    pending: { calls: 7 },
    ledger: { calls: 1 },
  });
});

test('a frame that a kill cut short is counted by its bytes', async () => {
  write([record({})]);
  appendFileSync(join(journals, `run1-0-${starts - 1}-0.journal`), Buffer.from([40, 0, 0, 0, 1, 2, 3, 4, 5]));
  await applier.flush();
  expect(await accounts.run('reconcile', { to: until })).toMatchObject({
    ...{ ok: true, tornBytes: 9 },
    journal: { calls: 1 },
  });
});

test('a segment that is damaged or cannot be opened is named, and all others are compared', async () => {
  write(...Array.from({ length: 20 }, () => [record({})]));
  write([record({ calls: 5, cost: 5 })]);
  const path = join(journals, `run1-0-${starts - 2}-0.journal`);
  const bytes = readFileSync(path);
  bytes[400]! ^= 1;
  writeFileSync(path, bytes);
  mkdirSync(join(journals, 'run2-0-0-0.journal'));
  await applier.flush();
  const result = await accounts.run('reconcile', { to: until });
  expect(result).toMatchObject({ ok: false, differences: [], tornBytes: 0 });
  expect(result.journal.calls).toBeGreaterThan(5);
  expect(result.journal.calls).toBeLessThan(25);
  expect(result.unreadable).toEqual([
    {
      segment: `run1-0-${starts - 2}-0`,
      reason: expect.stringMatching(/^damaged behind byte \d+$/) as string,
    },
    { segment: 'run2-0-0-0', reason: expect.stringMatching(/^EISDIR/) as string },
  ]);
  writeFileSync(join(accounts.folder, 'no-folder'), '');
  await expect(
    accounts.run('reconcile', { to: until, journals: [join(accounts.folder, 'no-folder')] }),
  ).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('no-folder') as string });
});

test('a ledger that was changed by hand is found out, by key and method', async () => {
  write([record({ calls: 3 })]);
  await applier.flush();
  await accounts.use({ keyId, calls: 1, cost: 1, bytesIn: 0, bytesOut: 0, latencyMicros: 0 });
  const result = await accounts.run('reconcile', { to: until });
  expect(result.ok).toBe(false);
  expect(result.differences).toMatchObject([
    {
      key: expect.stringMatching(/^acme \(/) as string,
      method: 'eth_call',
      count: 'calls',
      journal: 3,
      ledger: 4,
    },
    {
      count: 'cost',
      journal: 1,
      ledger: 2,
      cause: expect.stringMatching(/^the ledger has more than/) as string,
    },
  ]);
  await accounts.use({ method: 'eth_forged' });
  const forged = (await accounts.run('reconcile', { to: until })).differences.filter(
    ({ method }) => method === 'eth_forged',
  );
  expect(forged[0]).toMatchObject({
    journal: 0,
    ledger: 1,
    cause: expect.stringMatching(/^no journal here has it/) as string,
  });
});

test('an offset that ran ahead of its rows is found out', async () => {
  write([record({ calls: 3 })]);
  await accounts.store.apply({
    ...{ segment: `run1-0-${starts - 1}-0`, from: 0, to: 1_000_000, closed: true, rows: [], raw: [] },
    lastUsed: new Map(),
  });
  expect((await accounts.run('reconcile', { to: until })).differences[0]).toMatchObject({
    ...{ count: 'calls', journal: 3, pending: 0, ledger: 0 },
    cause: expect.stringMatching(/^the ledger lacks/) as string,
  });
});

test('answers received ≤ journals ≤ calls sent', async () => {
  write([record({ calls: 3 }), record({ network: 'sepolia', calls: 2 }), record({ status: 2, calls: 9 })]);
  await applier.flush();
  const count = (calls: number) => [{ key: 'acme', method: 'eth_call', calls }];
  expect(await accounts.run('reconcile', { received: count(4), sent: count(6) })).toMatchObject({
    ...{ ok: true, received: 4, sent: 6, journal: { calls: 5 } },
  });
  const more = await accounts.run('reconcile', { received: count(6), sent: count(4) });
  expect(more.ok).toBe(false);
  expect(more.outsideDifferences).toMatchObject([
    { against: 'received', method: 'eth_call', calls: 6, journal: 5 },
    { against: 'sent', method: 'eth_call', calls: 4, journal: 5 },
  ]);
  expect((await accounts.run('reconcile', { sent: [] })).ok).toBe(false);
});

test('a segment of a newer program is named; no journals at all are in order', async () => {
  expect(await accounts.run('reconcile', {})).toMatchObject({ ok: true, segments: 0 });
  write([record({})]);
  const bytes = Buffer.alloc(200);
  bytes.write('PPUSAGE\n');
  bytes.writeUInt32LE(9, 8);
  writeFileSync(join(journals, 'run2-0-0-0.journal'), bytes);
  const { ok, unreadable } = await accounts.run('reconcile', { to: until });
  expect({ ok, unreadable }).toMatchObject({ ok: false, unreadable: [{ segment: 'run2-0-0-0' }] });
});

test('only a time of whole minutes is compared, and one that was left out is not', async () => {
  write([record({})]);
  await applier.flush();
  accounts.at += hourMs;
  write([record({ calls: 5, cost: 5 })]);
  await applier.flush();
  expect(await accounts.run('reconcile', { from: '30m', to: '2026-11-28T14:00:00Z' })).toMatchObject({
    ...{ ok: true, journal: { calls: 5 }, ledger: { calls: 5 } },
  });
  // This minute is not over: it is left out where nothing else is asked for.
  expect(await accounts.run('reconcile', {})).toMatchObject({ ok: true, journal: { calls: 1 } });
});
