import { existsSync, readFileSync, renameSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { call, callsIn, HOUR, setup, START } from './testing/appliers.ts';
import { newFolder, openJournal, removeFolders } from './testing/journals.ts';
import { createReferenceLedger } from './testing/reference-ledger.ts';

afterEach(removeFolders);

const turns = Array.from({ length: 1000 }, (_, k) => call(`method_${k}`));

/** A segment of a process that is gone, with a turn for each call; `hurt` changes its bytes. */
function leave(folder: string, slot: number, calls: number, hurt: (bytes: Buffer) => void): string {
  const journal = openJournal({ folder, run: 'before', slot });
  for (let k = 0; k < calls; k++) journal.write(turns[k % turns.length]!);
  journal.close();
  const path = join(folder, `before-${slot}-0-0.journal`);
  const bytes = readFileSync(path);
  hurt(bytes);
  writeFileSync(path, bytes);
  utimesSync(path, START / 1000, START / 1000);
  return path;
}

const flip = (at: number) => (bytes: Buffer) => {
  bytes[at]! ^= 1;
};

describe('damage', () => {
  it('is a journal shorter than what the ledger has of it: what is left is not counted again', async () => {
    const folder = newFolder();
    const ledger = createReferenceLedger();
    const journal = openJournal({ folder });
    for (let k = 0; k < 3; k++) journal.write(call());
    const before = setup({ folder, ledger });
    expect(await before.applier.flush()).toBe(true);
    await before.applier.stop();
    const { offset } = ledger.states.get('run-0-0-0')!;
    truncateSync(join(folder, 'run-0-0-0.journal'), offset - 1);
    const { applier, damage } = setup({ folder, ledger, run: 'later' });
    expect(await applier.flush()).toBe(true);
    expect(damage).toMatchObject([{ segment: 'run-0-0-0', what: 'shorter than what was applied' }]);
    expect(damage[0]!.at + damage[0]!.bytes).toBe(offset);
    expect(callsIn(ledger.rows.values())).toBe(3);
    await applier.stop();
  });

  it('is told of, however little there is behind it, and again by each process that comes after', async () => {
    const folder = newFolder();
    const ledger = createReferenceLedger();
    let now = START;
    const small = leave(folder, 0, 1500, flip(400));
    const large = leave(folder, 1, 10_000, flip(150_000));
    const garbage = join(folder, 'before-2-0-0.journal');
    writeFileSync(garbage, Buffer.alloc(5000, 7));
    // A worker that died while it opened its journal.
    writeFileSync(join(folder, 'before-3-0-0.journal'), Buffer.alloc(300));
    const sound = leave(folder, 4, 3, () => undefined);
    for (let start = 0; start < 3; start++) {
      const { applier, damage } = setup({ folder, ledger, run: `run${start}`, epochMs: () => now });
      for (let pass = 0; pass < 3; pass++) {
        expect(await applier.flush()).toBe(true);
        now += 100 * HOUR;
      }
      expect(damage).toMatchObject([
        { segment: 'before-0-0-0', what: 'damaged frames' },
        { segment: 'before-1-0-0', what: 'damaged frames' },
        { segment: 'before-2-0-0', what: 'no header', at: 0, bytes: 5000 },
      ]);
      expect(damage[0]!.at).toBeLessThan(400);
      expect(damage[0]!.bytes).toBeLessThan(64 * 1024);
      expect(damage[1]!.at).toBeGreaterThan(149_000);
      expect(applier.state().damage).toEqual(damage);
      await applier.stop();
    }
    expect([small, large, garbage, sound].map((path) => existsSync(path))).toEqual([true, true, true, false]);
    expect(ledger.states.get('before-0-0-0')).toMatchObject({ closed: false });
    expect(callsIn(ledger.rows.values())).toBeGreaterThan(1000);
  });

  it('is made good by the next process where a good copy was put in its place', async () => {
    const folder = newFolder();
    const { ledger, applier } = setup({ folder });
    let good = Buffer.alloc(0);
    const path = leave(folder, 0, 100, (bytes) => {
      good = Buffer.from(bytes);
      bytes[400]! ^= 1;
    });
    await applier.flush();
    expect(callsIn(ledger.rows.values())).toBeLessThan(100);
    writeFileSync(path, good);
    const next = setup({ folder, ledger, run: 'next' });
    await next.applier.flush();
    expect(next.damage).toEqual([]);
    expect(callsIn(ledger.rows.values())).toBe(100);
    expect(ledger.states.get('before-0-0-0')).toMatchObject({ closed: true });
  });

  it('is over once its segment was taken away', async () => {
    const { folder, applier } = setup();
    const path = leave(folder, 0, 100, flip(400));
    await applier.flush();
    expect(applier.state().damage).toHaveLength(1);
    renameSync(path, `${path}.aside`);
    await applier.flush();
    expect(applier.state().damage).toEqual([]);
  });

  it('is not what a kill leaves: a frame that was cut short is the end', async () => {
    const { folder, applier, damage, ledger } = setup();
    const ends: number[] = [];
    for (const [slot, cut] of [1, 2, 10, 30].entries())
      leave(folder, slot, 2, (bytes) => {
        let end = bytes.length;
        while (bytes[end - 1] === 0) end--;
        ends.push(end);
        bytes.fill(0, end - cut);
      });
    await applier.flush();
    expect([callsIn(ledger.rows.values()), damage]).toEqual([4, []]);
    expect([...ledger.states.values()].every(({ closed }) => closed)).toBe(true);
    expect(new Set(ends).size).toBe(1);
  });
});
