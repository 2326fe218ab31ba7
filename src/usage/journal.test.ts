import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { decodeHeader, SEGMENT_BYTES } from './journal-format.ts';
import { noKey } from './record.ts';
import {
  framesIn,
  keyA,
  newFolder,
  oneCall,
  openJournal,
  recordsIn,
  removeFolders,
  segmentOf,
  testCall,
  turnOf,
} from './testing/journals.ts';

afterEach(removeFolders);

const turns = fc.array(fc.array(testCall, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 8 });
describe('a journal', () => {
  it('gives back what was written, a frame a turn', () => {
    fc.assert(
      fc.property(turns, (all) => {
        const written = all.map(turnOf);
        expect(framesIn(segmentOf(written)).map(({ records }) => records)).toEqual(written);
      }),
      { numRuns: 60 },
    );
  });

  it('is for its owner only, says whose it is, and holds no key of a caller', () => {
    const folder = join(newFolder(), 'state', 'journal');
    const journal = openJournal({ folder, run: 'abc9', slot: 3, start: 2, epochMs: () => 1_700_000_000_123 });
    journal.write(oneCall);
    expect(readdirSync(folder)).toEqual(['abc9-3-2-0.journal']);
    const path = join(folder, 'abc9-3-2-0.journal');
    expect([statSync(folder).mode & 0o777, statSync(path).mode & 0o777]).toEqual([0o700, 0o600]);
    const bytes = readFileSync(path);
    expect(decodeHeader(bytes)).toMatchObject({
      run: 'abc9',
      slot: 3,
      start: 2,
      number: 0,
      created: 1_700_000_000_123,
    });
    expect(framesIn(bytes)[0]!.epochMs).toBe(1_700_000_000_123);
    expect(bytes.length).toBe(256 * 1024);
  });

  it('goes on in another segment once one has 16 MiB, each of which can be read by itself', () => {
    const folder = newFolder();
    const journal = openJournal({ folder });
    let calls = 0;
    const many = Array.from({ length: 400 }, (_, k) =>
      turnOf([(usage) => usage.add(keyA, 'mainnet', `method_${k}_${'x'.repeat(100)}`, 0, 1, false, k, k, k)]),
    ).flat();
    for (let turn = 0; turn < 3600; turn++) {
      journal.write(many);
      calls += many.length;
    }
    journal.close();
    const files = readdirSync(folder);
    expect(files.length).toBeGreaterThanOrEqual(2);
    for (const file of files) expect(statSync(join(folder, file)).size).toBeLessThanOrEqual(SEGMENT_BYTES);
    const records = recordsIn(folder);
    expect(records.length).toBe(calls);
    expect(records.reduce((sum, each) => sum + each.calls, 0)).toBe(calls);
    expect(journal.lost).toBe(0);
  });

  it('splits a turn that is too large for one frame, and one that needs more room than there is ahead', () => {
    const folder = newFolder();
    const journal = openJournal({ folder });
    const large = Array.from({ length: 5000 }, (_, k) =>
      turnOf([
        (usage) => usage.add(keyA, 'mainnet', `${k}`.padStart(250, 'x'), 0, 1, false, k, k, 2 ** (k % 31)),
      ]),
    ).flat();
    journal.write(large);
    const records = recordsIn(folder);
    expect(records).toEqual(large);
    expect(journal.full).toBe(false);
  });

  it('begins another segment before one defines more than memory should hold', () => {
    const folder = newFolder();
    const journal = openJournal({ folder });
    for (let turn = 0; turn < 700; turn++)
      journal.write(
        turnOf(
          Array.from(
            { length: 100 },
            (_, k) => (usage) => usage.refuse(noKey, 'mainnet', `made_up_${turn}_${k}`, 1, 1),
          ),
        ),
      );
    expect(readdirSync(folder).length).toBe(2);
    expect(recordsIn(folder).length).toBe(70_000);
  });
});
