import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createJournalWriter, type UsageRecord } from '../../usage/index.ts';
import { ledgerRow, startAccounts } from '../testing/accounts.ts';
import { compareLedger } from './compare-ledger.ts';
import { createFindings } from './findings.ts';
import { journalFolders } from './journal-folders.ts';
import { compareSubjects } from './tally.ts';

const at = Date.UTC(2026, 10, 28, 12);

test('subjects are in the order of their bytes', () => {
  const text = fc
    .array(fc.constantFrom('a', 'Z', 'ü', '\ue000', '\uffff', '\u{1f9ee}', '\u{10000}'), { maxLength: 3 })
    .map((letters) => letters.join(''));
  const subject = fc.record({ keyId: fc.constantFrom('a', 'b'), network: text, method: text, status: text });
  const bytes = ({ keyId, network, method, status }: { [name: string]: string }) =>
    [keyId, network, method, status].map((name) => Buffer.from(name!));
  fc.assert(
    fc.property(subject, subject, (a, b) => {
      const [ofA, ofB] = [bytes(a), bytes(b)];
      const expected = ofA.map((one, k) => Buffer.compare(one, ofB[k]!)).find((order) => order !== 0) ?? 0;
      expect(Math.sign(compareSubjects(a, b))).toBe(expected);
    }),
  );
});

test('however it is cut into pieces, the same is found', async () => {
  const accounts = await startAccounts(at);
  const folder = join(accounts.folder, 'journal');
  mkdirSync(folder);
  const writer = createJournalWriter({
    ...{ folder, run: 'run1', slot: 0, start: 0, holds: () => false, onFull: () => undefined },
    ...{ epochMs: () => at, nowMs: () => 0 },
  });
  const record = (k: number, method: string): UsageRecord =>
    ledgerRow({ keyId: keyOf(k), method, calls: k + 1, status: k % 3 === 0 ? 2 : 0 }, at);
  const keyOf = (k: number) => `${String(k).padStart(8, '0')}-0000-4000-8000-00000000000a`;
  const methods = ['', 'a', 'Z', '\ue000', '\u{1f9ee}', 'ü', 'm'.repeat(80)];
  const all = Array.from({ length: 12 }, (_, k) => methods.map((method) => record(k, method))).flat();
  // Some only on one side, and some with more calls on the other.
  const written = all.filter((_, k) => k % 11 !== 5);
  const applied = all.filter((_, k) => k % 7 !== 3);
  for (const one of written) writer.write([one]);
  writer.close();
  await accounts.use(
    ...applied.map((one, k) => ({ ...one, minute: at, calls: one.calls + (k % 13 === 0 ? 1 : 0) })),
  );
  // The ledger knows nothing of the segment: it is marked as taken in.
  const id = 'run1-0-0-0';
  const states = new Map([[id, { offset: 1e9, closed: true, appliedAt: at }]]);
  const store = { usage: accounts.store.usage, segments: async () => states };
  const sent = all.slice(0, 50).map(({ keyId, method, calls }) => ({ keyId, method, calls }));
  const received = all.slice(10).map(({ keyId, method, calls }) => ({ keyId, method, calls: calls - 1 }));
  const findings = async (lines: number, subjects: number) => {
    const { found, add } = createFindings({ received, sent });
    let pieces = 0;
    const take = (piece: Parameters<typeof add>[0]) => {
      pieces += 1;
      expect([...piece.entries].length).toBeLessThanOrEqual(subjects);
      add(piece);
    };
    const source = journalFolders([folder], 1e9);
    await compareLedger(store, source, { from: at, to: at + 60_000 }, take, { lines, subjects });
    const sorted = (list: readonly object[]) => list.map((one) => JSON.stringify(one)).toSorted();
    const { differences, outsideDifferences } = found;
    return {
      pieces,
      found: {
        ...found,
        differences: sorted(differences),
        outsideDifferences: sorted(outsideDifferences),
      },
    };
  };
  const whole = await findings(1000, 2000);
  expect(whole.pieces).toBe(1);
  expect(whole.found.differenceCount).toBeGreaterThan(20);
  expect(whole.found.outsideDifferenceCount).toBeGreaterThan(20);
  for (const [lines, subjects] of [
    [1, 2],
    [3, 7],
    [10, 11],
    [1000, 5],
  ] as const) {
    const inPieces = await findings(Math.min(lines, subjects - 1), subjects);
    expect(inPieces.pieces).toBeGreaterThan(5);
    expect(inPieces.found).toEqual(whole.found);
  }
  await accounts.end();
});

test('of very many differences the first are told, within the memory of the store’s thread', async () => {
  const accounts = await startAccounts(at);
  const folder = join(accounts.folder, 'store');
  await accounts.store.close();
  const groups = 60_000;
  const database = new Database(join(folder, 'polymorph.db'));
  const buckets = Array.from({ length: 24 }, (_, bucket) => `latency_${bucket}`);
  // Whole hours are read from the hours alone.
  database.exec(`with recursive n(i) as (select 0 union all select i + 1 from n where i < ${groups - 1})
    insert into usage_hours (at, api_key_id, network, method, status, kind, calls, cost, errors, bytes_in, bytes_out,
      latency_micros, ${buckets.join()})
    select ${at - 2 * 3_600_000}, printf('00000000-0000-4000-8000-%012x', i / 5), 'mainnet', 'eth_method' || (i % 5),
      'allowed', 'call', 1, 1, 0, 10, 10, 100, ${buckets.map((_, bucket) => (bucket === 5 ? 1 : 0)).join()} from n`);
  database.close();
  const source = `
    const { parentPort, workerData } = require('node:worker_threads');
    (async () => {
      const { openStore } = await import(workerData.store);
      const { runOperation } = await import(workerData.accounts);
      const store = await openStore({ kind: 'sqlite', folder: workerData.folder });
      const forever = () => ({ minutesMs: Infinity, hoursMs: Infinity, daysMs: Infinity });
      const context = { store, now: () => workerData.at, random: () => new Uint8Array(16), groups: () => [], sinks: () => null,
        retention: forever, journals: { folder: workerData.folder + '/journal', keepMs: 86_400_000 } };
      const input = { from: workerData.from, to: workerData.to };
      parentPort.postMessage(await runOperation(context, 'reconcile', input));
      await store.close();
    })();`;
  const thread = new Worker(source, {
    eval: true,
    workerData: {
      ...{ folder, at, from: '2026-11-28T10:00:00Z', to: '2026-11-28T11:00:00Z' },
      store: new URL('../../store/index.ts', import.meta.url).href,
      accounts: new URL('../index.ts', import.meta.url).href,
    },
    // Less than half of what the store's thread has.
    resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 },
  });
  const result = await new Promise<Record<string, unknown>>((resolve, reject) => {
    thread.once('message', resolve);
    thread.once('error', reject);
  });
  expect(result).toMatchObject({
    ...{ ok: false, ledger: { calls: groups }, journal: { calls: 0 } },
    // Calls, cost, bytes in and out, and time.
    differenceCount: 5 * groups,
  });
  expect(result.differences).toHaveLength(1000);
  await thread.terminate();
  await accounts.end();
}, 60_000);
