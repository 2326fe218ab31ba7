import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Applier, createApplier } from './applier.ts';
import type { JournalWriter } from './journal-writer.ts';
import type { LedgerRow } from './ledger.ts';
import type { UsageRecord } from './record.ts';
import { call, callsIn, HOUR, setup, START } from './testing/appliers.ts';
import { keyA, keyB, newFolder, openJournal, removeFolders, testCall, turnOf } from './testing/journals.ts';
import { createReferenceLedger, type ReferenceLedger } from './testing/reference-ledger.ts';

afterEach(removeFolders);

/** What is counted, by all that rows are told apart by but the minute. */
function sums(rows: Iterable<UsageRecord>): Map<string, number[]> {
  const all = new Map<string, number[]>();
  for (const row of rows) {
    const { keyId, network, method, status, event, calls, cost, errors, bytesIn, bytesOut } = row;
    const counts = [calls, cost, errors, bytesIn, bytesOut, row.latencyMicros, ...row.latency];
    const key = [keyId, network, method, status, event].join('|');
    const before = all.get(key);
    all.set(key, before === undefined ? counts : counts.map((count, k) => count + before[k]!));
  }
  return all;
}

describe('the applier', () => {
  it('adds up by minute what workers wrote, and goes on where it was', async () => {
    const { folder, ledger, applier } = setup();
    let now = START;
    const journal = openJournal({ folder, epochMs: () => now });
    journal.write(call());
    journal.write(call());
    now += 60_000;
    journal.write(call());
    expect(await applier.flush()).toBe(true);
    const minute = Math.floor(START / 60_000) * 60_000;
    expect([...ledger.rows.values()].map((row) => [row.minute, row.calls, row.cost, row.bytesOut])).toEqual([
      [minute, 2, 6, 400],
      [minute + 60_000, 1, 3, 200],
    ]);
    expect(ledger.lastUsed).toEqual(new Map([[keyA, now]]));
    journal.write(call());
    await applier.flush();
    await applier.flush();
    expect(callsIn(ledger.rows.values())).toBe(4);
    expect(ledger.applied).toBe(2);
    expect(applier.state()).toMatchObject({ lagBytes: 0, behindSinceMs: null, failures: 0 });
  });

  it('ends each pass, and has its turn with every worker, though more is written during each transaction', async () => {
    const folder = newFolder();
    const [busy, other] = [openJournal({ folder }), openJournal({ folder, slot: 1 })];
    const ledger = createReferenceLedger();
    let written = 1;
    const { applier } = setup({
      folder,
      ledger: {
        segments: ledger.segments,
        apply(batch) {
          if (written < 1000) busy.write(call());
          written += 1;
          return ledger.apply(batch);
        },
      },
    });
    busy.write(call());
    other.write(call('eth_getLogs', keyB));
    expect(await applier.flush()).toBe(true);
    expect(written).toBe(3);
    expect(callsIn([...ledger.rows.values()].filter(({ keyId }) => keyId === keyB))).toBe(1);
    expect(applier.state()).toMatchObject({ behindSinceMs: null });
  });

  it('counts each call once, whatever is written, applied, killed, lost and read again, in any order', async () => {
    const step = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          do: fc.constant('write'),
          slot: fc.nat(1),
          calls: fc.array(testCall, { minLength: 1, maxLength: 6 }),
        }),
      },
      {
        weight: 4,
        arbitrary: fc.record({
          do: fc.constantFrom('apply', 'kill worker', 'kill process', 'kill applier', 'command', 'restore'),
          slot: fc.nat(1),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constantFrom('away', 'lose answers', 'well'), slot: fc.nat(1) }),
      },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        const { folder, ledger } = setup();
        let runs = 0;
        let mood: ReturnType<ReferenceLedger['mood']> = 'well';
        ledger.mood = () => mood;
        const written: UsageRecord[] = [];
        const starts = [0, 0];
        const open = (slot: number): JournalWriter =>
          openJournal({
            folder,
            run: `run${runs}`,
            slot,
            start: starts[slot]!++,
            epochMs: () => START + written.length * 7000,
          });
        const apply = (run = `run${runs}`): Applier =>
          createApplier({
            folder,
            run,
            ledger,
            settings: { raw: { mode: 'off', share: 0 }, keepJournalMs: HOUR },
            epochMs: () => START,
            onDamage: (each) => expect.fail(JSON.stringify(each)),
          });
        let journals = [open(0), open(1)];
        let applier = apply();
        let backup: { rows: Map<string, LedgerRow>; states: ReferenceLedger['states'] } | undefined;
        for (const each of steps) {
          if ('calls' in each) {
            const records = turnOf(each.calls);
            journals[each.slot]!.write(records);
            written.push(...records);
          } else if (each.do === 'apply') {
            await applier.flush();
            // A copy of the ledger of now, that is put back later: the journals make up for what it lacks.
            backup ??= { rows: structuredClone(ledger.rows), states: structuredClone(ledger.states) };
          } else if (each.do === 'kill worker') journals[each.slot] = open(each.slot);
          else if (each.do === 'kill applier') applier = apply();
          // It takes all journals for those of processes that are gone, and closes them.
          else if (each.do === 'command') await apply('command').flush();
          else if (each.do === 'kill process') {
            runs++;
            starts.fill(0);
            journals = [open(0), open(1)];
            applier = apply();
          } else if (each.do === 'restore' && backup !== undefined) {
            for (const [of, from] of [
              [ledger.rows, backup.rows],
              [ledger.states, backup.states],
            ] as const) {
              of.clear();
              for (const [key, value] of structuredClone(from) as Map<string, never>) of.set(key, value);
            }
            runs++;
            starts.fill(0);
            journals = [open(0), open(1)];
            applier = apply();
          } else if (each.do === 'away') mood = 'away';
          else if (each.do === 'lose answers') mood = 'lost';
          else if (each.do === 'well') mood = 'well';
        }
        mood = 'well';
        expect(await applier.flush()).toBe(true);
        expect(sums(ledger.rows.values())).toEqual(sums(written));
        await apply().flush();
        expect(sums(ledger.rows.values())).toEqual(sums(written));
      }),
      { numRuns: 150 },
    );
  });

  it('says so where two apply the same journals: each piece goes in once', async () => {
    const { folder, ledger, applier } = setup();
    const other = setup({ folder, ledger }).applier;
    const journal = openJournal({ folder });
    for (let k = 0; k < 50; k++) {
      journal.write(call());
      await Promise.all([applier.flush(), other.flush()]);
    }
    expect(callsIn(ledger.rows.values())).toBe(50);
  });

  it('applies with what was refused before what was written since, in one flush', async () => {
    const { folder, ledger, applier } = setup();
    const journal = openJournal({ folder });
    await applier.flush();
    journal.write(call());
    ledger.mood = () => 'away';
    expect(await applier.flush()).toBe(false);
    journal.write(call());
    ledger.mood = () => 'well';
    expect(await applier.flush()).toBe(true);
    expect(callsIn(ledger.rows.values())).toBe(2);
  });

  it('says once why nothing gets into the ledger, and once that it does again', async () => {
    const said: (string | null)[] = [];
    const { folder, ledger, applier } = setup({ onRefusal: (reason) => said.push(reason) });
    openJournal({ folder }).write(call());
    for (const mood of ['well', 'away', 'away', 'well', 'well', 'away'] as const) {
      ledger.mood = () => mood;
      openJournal({ folder, run: 'before', slot: ledger.applied + said.length }).write(call());
      await applier.flush();
    }
    expect(said).toEqual(['ledger away', null, 'ledger away']);
  });

  it('asks a ledger that refuses once a pass, however many segments there are', async () => {
    const { folder, ledger, applier } = setup();
    const journals = Array.from({ length: 5 }, (_, slot) => openJournal({ folder, slot }));
    await applier.flush();
    for (const journal of journals) journal.write(call());
    let asked = 0;
    ledger.mood = () => {
      asked++;
      return 'away';
    };
    expect(await applier.flush()).toBe(false);
    expect(asked).toBe(1);
  });

  it('waits for a ledger that is away, ever more rarely, says how far it is behind, and catches up', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    try {
      const { folder, ledger, applier } = setup();
      const journal = openJournal({ folder });
      journal.write(call());
      let tries = 0;
      let away = true;
      ledger.mood = () => {
        tries++;
        return away ? 'away' : 'well';
      };
      applier.start(100, 100);
      const wait = async (ms: number): Promise<void> => {
        for (let at = 0; at < ms; at += 100) {
          vi.advanceTimersByTime(100);
          await new Promise((resolve) => setImmediate(resolve));
        }
      };
      await wait(60_000);
      expect(tries).toBeGreaterThan(8);
      expect(tries).toBeLessThan(20);
      const behind = applier.state();
      expect(behind).toMatchObject({ behindSinceMs: START, failures: tries, lastError: 'ledger away' });
      away = false;
      await wait(11_000);
      await applier.stop();
      expect(callsIn(ledger.rows.values())).toBe(1);
      expect(applier.state()).toMatchObject({ behindSinceMs: null, lagBytes: 0 });
    } finally {
      vi.useRealTimers();
    }
  });

  it('knows how many bytes it is behind', async () => {
    const { folder, ledger, applier } = setup();
    const journal = openJournal({ folder });
    journal.write(call());
    await applier.flush();
    ledger.mood = () => 'away';
    for (let k = 0; k < 100; k++) journal.write(call());
    expect(await applier.flush()).toBe(false);
    const { lagBytes } = applier.state();
    expect(lagBytes).toBeGreaterThan(100 * 20);
    expect(lagBytes).toBeLessThan(100 * 60);
    ledger.mood = () => 'well';
    expect(await applier.flush()).toBe(true);
    expect([applier.state().lagBytes, callsIn(ledger.rows.values())]).toEqual([0, 101]);
  });
});

describe('raw calls', () => {
  async function rawOf(mode: 'off' | 'sampled' | 'all', share: number, folder: string) {
    const { applier, ledger } = setup({ folder, settings: { raw: { mode, share }, keepJournalMs: HOUR } });
    await applier.flush();
    return ledger.raw;
  }

  it('are kept from the next pass on as the settings say then', async () => {
    const folder = newFolder();
    const journal = openJournal({ folder });
    const { applier, ledger } = setup({ folder });
    journal.write(call());
    await applier.flush();
    expect(ledger.raw).toEqual([]);
    applier.configure({ raw: { mode: 'all', share: 0 }, keepJournalMs: HOUR });
    journal.write(call());
    await applier.flush();
    expect(ledger.raw.map(({ count }) => count)).toEqual([1]);
    journal.close();
  });

  it('are kept as configured: none, all, or a share that is the same however often it is read', async () => {
    const folder = newFolder();
    const journal = openJournal({ folder });
    for (let k = 0; k < 4000; k++)
      journal.write(
        turnOf([
          ...Array.from(
            { length: 1 + (k % 5) },
            () => (usage: Parameters<Parameters<typeof turnOf>[0][0]>[0]) =>
              usage.add(keyB, 'mainnet', 'eth_call', k % 2, 1, false, 1, 1, 1),
          ),
          (usage) => usage.addEvent(keyB, 'mainnet', 1, 1),
          (usage) => usage.refuse(keyA, 'mainnet', 'eth_call', 1, 1),
        ]),
      );
    const count = (raw: { count: number }[]): number => raw.reduce((sum, each) => sum + each.count, 0);
    expect(await rawOf('off', 1, folder)).toEqual([]);
    expect(count(await rawOf('all', 0, folder))).toBe(4000 * 3 + 4000);
    const sampled = await rawOf('sampled', 0.1, folder);
    expect(count(sampled)).toBeGreaterThan(1600 * 0.9);
    expect(count(sampled)).toBeLessThan(1600 * 1.1);
    expect(await rawOf('sampled', 0.1, folder)).toEqual(sampled);
  });
});
