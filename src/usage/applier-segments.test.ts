import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createReferenceLedger } from './testing/reference-ledger.ts';
import { call, callsIn, HOUR, setup, START } from './testing/appliers.ts';
import { newFolder, openJournal, removeFolders } from './testing/journals.ts';

afterEach(removeFolders);

describe('segments', () => {
  it('closes a segment once no frame can come: another worker, a later segment with frames, another run', async () => {
    const { folder, ledger, applier } = setup();
    const closed = () =>
      [...ledger.states]
        .filter(([, state]) => state.closed)
        .map(([id]) => id)
        .sort();
    const first = openJournal({ folder, slot: 0 });
    openJournal({ folder, slot: 1 }).write(call());
    openJournal({ folder, run: 'before', slot: 7 }).write(call());
    first.write(call());
    await applier.flush();
    expect(closed()).toEqual(['before-7-0-0']);
    // Held ready, and not begun.
    writeFileSync(join(folder, 'run-0-0-1.journal'), Buffer.alloc(4096));
    await applier.flush();
    expect(closed()).toEqual(['before-7-0-0']);
    openJournal({ folder, slot: 0, start: 1 });
    await applier.flush();
    expect(closed()).toEqual(['before-7-0-0', 'run-0-0-0']);
  });

  it('says so where the ledger neither takes a batch nor has it, and goes on once it does', async () => {
    const ledger = createReferenceLedger();
    let takes = false;
    const { folder, applier } = setup({
      ledger: { segments: ledger.segments, apply: async (batch) => takes && ledger.apply(batch) },
    });
    openJournal({ folder }).write(call());
    expect(await applier.flush()).toBe(false);
    expect(applier.state().lastError).toContain('the ledger does not take run-0-0-0 from 0');
    takes = true;
    expect(await applier.flush()).toBe(true);
    expect(callsIn(ledger.rows.values())).toBe(1);
  });

  it('applies all others where one cannot be opened, says which, and applies that one once it can', async () => {
    const { folder, ledger, applier } = setup();
    const [own, next] = [openJournal({ folder }), openJournal({ folder, slot: 1 })];
    const path = join(folder, 'before-0-0-0.journal');
    openJournal({ folder, run: 'before' }).write(call());
    renameSync(path, `${path}.aside`);
    mkdirSync(path);
    for (let k = 0; k < 2; k++) {
      for (const journal of [own, next]) journal.write(call());
      expect(await applier.flush()).toBe(false);
      expect(callsIn(ledger.rows.values())).toBe(2 * k + 2);
      expect(applier.state()).toMatchObject({
        failures: k + 1,
        behindSinceMs: START,
        lastError: expect.stringContaining(path),
      });
    }
    rmdirSync(path);
    renameSync(`${path}.aside`, path);
    expect(await applier.flush()).toBe(true);
    expect(callsIn(ledger.rows.values())).toBe(5);
    expect(applier.state()).toMatchObject({ behindSinceMs: null });
  });

  it('deletes segments that are applied and old, and no other', async () => {
    let now = START;
    const { folder, ledger, applier } = setup({ epochMs: () => now });
    const old = openJournal({ folder, run: 'before' });
    old.write(call());
    openJournal({ folder }).write(call());
    const touch = (file: string, at: number): void => utimesSync(join(folder, file), at / 1000, at / 1000);
    for (const file of readdirSync(folder)) touch(file, START);
    await applier.flush();
    now = START + HOUR - 1;
    await applier.flush();
    expect(readdirSync(folder).length).toBe(2);
    now = START + HOUR + 10_000;
    ledger.mood = () => 'away';
    await applier.flush();
    ledger.mood = () => 'well';
    await applier.flush();
    expect(readdirSync(folder)).toEqual(['run-0-0-0.journal']);
    expect(callsIn(ledger.rows.values())).toBe(2);
  });

  it('keeps a journal from when all of it was applied, however late that was, also for the next process', async () => {
    let now = START;
    const { folder, ledger, applier } = setup({ epochMs: () => now });
    ledger.epochMs = () => now;
    openJournal({ folder, run: 'before' }).write(call());
    for (const file of readdirSync(folder)) utimesSync(join(folder, file), START / 1000, START / 1000);
    ledger.mood = () => 'away';
    await applier.flush();
    now = START + 30 * HOUR;
    ledger.mood = () => 'well';
    await applier.flush();
    const next = setup({ folder, ledger, epochMs: () => now });
    for (const [at, kept] of [
      [30.9, true],
      [31.1, false],
    ] as const) {
      now = START + at * HOUR;
      for (const each of [applier, next.applier]) await each.flush();
      expect(existsSync(join(folder, 'before-0-0-0.journal')), `after ${at} hours`).toBe(kept);
    }
    expect(callsIn(ledger.rows.values())).toBe(1);
  });

  it('takes up again a segment whose process was thought dead and was not', async () => {
    let now = START;
    const { folder, ledger, applier } = setup({ epochMs: () => now });
    const other = openJournal({ folder, run: 'other' });
    other.write(call());
    const path = join(folder, 'other-0-0-0.journal');
    utimesSync(path, START / 1000, START / 1000);
    await applier.flush();
    now += 20_000;
    await applier.flush();
    other.write(call());
    utimesSync(path, now / 1000, now / 1000);
    now += 20_000;
    await applier.flush();
    await applier.flush();
    expect(callsIn(ledger.rows.values())).toBe(2);
  });

  it('goes on with its own journals where somebody closed them meanwhile', async () => {
    const folder = newFolder();
    const { ledger, applier } = setup({ folder });
    const [begun, left] = [openJournal({ folder }), openJournal({ folder, slot: 1 })];
    for (const journal of [begun, left]) journal.write(call());
    await applier.flush();
    await applier.stop();
    // A command on the folder, while the thread of a gateway's applier is away.
    const command = setup({ folder, ledger, run: 'command' }).applier;
    await command.flush();
    await command.stop();
    expect([...ledger.states.values()].map(({ closed }) => closed)).toEqual([true, true]);
    for (const journal of [begun, left]) journal.write(call());
    left.close();
    openJournal({ folder, slot: 1, start: 1 }).write(call());
    const next = setup({ folder, ledger }).applier;
    for (let k = 1; k <= 3; k++) {
      begun.write(call());
      expect(await next.flush()).toBe(true);
      expect(callsIn(ledger.rows.values())).toBe(5 + k);
    }
    expect(ledger.states.get('run-0-0-0')).toMatchObject({ closed: false });
    expect(ledger.states.get('run-1-0-0')).toMatchObject({ closed: true });
    await next.stop();
  });

  it('is whole after one flush where another applied a part meanwhile', async () => {
    const { folder, ledger, applier } = setup();
    const journal = openJournal({ folder });
    journal.write(call());
    await applier.flush();
    journal.write(call());
    await setup({ folder, ledger, run: 'command' }).applier.flush();
    journal.write(call());
    expect(await applier.flush()).toBe(true);
    expect(callsIn(ledger.rows.values())).toBe(3);
  });

  it('goes on where a journal was closed by another while it was at it', async () => {
    const { folder, ledger, applier } = setup();
    const journal = openJournal({ folder });
    for (let k = 1; k <= 3; k++) {
      journal.write(call());
      expect(await applier.flush()).toBe(true);
      expect(callsIn(ledger.rows.values())).toBe(k);
      for (const state of ledger.states.values()) state.closed = true;
    }
  });

  it('takes a segment for closed that the ledger closed without an answer', async () => {
    const { folder, ledger, applier } = setup();
    openJournal({ folder, run: 'before' }).write(call());
    let batches = 0;
    ledger.mood = () => (++batches === 3 ? 'lost' : 'well');
    // In two batches, the second of which only closes it.
    const own = setup({ folder, ledger, run: 'before' }).applier;
    expect(await own.flush()).toBe(true);
    expect(ledger.states.get('before-0-0-0')).toMatchObject({ closed: false });
    batches = 1;
    expect(await applier.flush()).toBe(false);
    expect(ledger.states.get('before-0-0-0')).toMatchObject({ closed: true });
    expect(await applier.flush()).toBe(true);
    expect(applier.state()).toMatchObject({ behindSinceMs: null, lagBytes: 0 });
    expect(callsIn(ledger.rows.values())).toBe(1);
  });

  it('applies a segment that was copied from elsewhere under a name of its own only', async () => {
    const { folder, applier, ledger } = setup();
    openJournal({ folder, run: 'before' }).write(call());
    copyFileSync(join(folder, 'before-0-0-0.journal'), join(folder, 'before-0-0-0.journal.bak'));
    await applier.flush();
    expect(callsIn(ledger.rows.values())).toBe(1);
  });
});
