import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { decodeHeader, HEADER_BYTES, SEGMENT_BYTES } from './journal-format.ts';
import { createJournalReader, TORN_BYTES_MAX } from './journal-reader.ts';
import { type JournalFiles, journalFiles } from './journal-segment.ts';
import { noKey } from './record.ts';
import {
  bytesSource,
  framesOf,
  keyA,
  newFolder,
  openJournal,
  recordsIn,
  removeFolders,
  testCall,
  turnOf,
} from './testing/journals.ts';

afterEach(removeFolders);

const turns = fc.array(fc.array(testCall, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 8 });
const oneCall = turnOf([(usage) => usage.add(keyA, 'mainnet', 'eth_call', 0, 1, false, 100, 200, 1500)]);

/** A segment of these turns, in memory. */
function segmentOf(records: ReturnType<typeof turnOf>[]): Buffer {
  const folder = newFolder();
  const journal = openJournal({ folder });
  for (const turn of records) journal.write(turn);
  return readFileSync(join(folder, readdirSync(folder)[0]!));
}

const read = (bytes: Buffer) => {
  const reader = createJournalReader(bytesSource(bytes));
  return 'fault' in reader ? reader : { frames: framesOf(reader), reader };
};

function framesIn(bytes: Buffer): ReturnType<typeof framesOf> {
  const result = read(bytes);
  if ('fault' in result) throw new Error(result.fault);
  return result.frames;
}

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

describe('a reader', () => {
  it('finds a prefix of the frames whatever byte is cut or bit turned, or says that the header is wrong', () => {
    const written = [3, 1, 4].map((count) =>
      turnOf(
        Array.from(
          { length: count },
          (_, k) => (usage) => usage.add(keyA, 'net', `m${k}`, k % 2, 3, k > 1, 50, 60, 100 * k),
        ),
      ),
    );
    const whole = segmentOf(written);
    const end = framesIn(whole).at(-1)!.to;
    const original = whole.subarray(0, end + 64);
    const frames = framesIn(whole);
    for (let length = 0; length <= original.length; length++) {
      const result = read(Buffer.from(original.subarray(0, length)));
      if ('fault' in result) expect(length).toBeLessThan(HEADER_BYTES);
      else expect(result.frames).toEqual(frames.filter(({ to }) => to <= length));
    }
    for (let bit = 0; bit < original.length * 8; bit++) {
      const bytes = Buffer.from(original);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      const result = read(bytes);
      if ('fault' in result) expect(bit).toBeLessThan(HEADER_BYTES * 8);
      else {
        expect(bit).toBeGreaterThanOrEqual(HEADER_BYTES * 8);
        const kept = frames.filter(({ to }) => to * 8 <= bit);
        expect(result.frames).toEqual(kept);
        expect(result.reader.torn()).toBeGreaterThan(0);
      }
    }
  });

  it('never throws, and takes no frame of another segment', () => {
    const one = segmentOf([oneCall]);
    const other = segmentOf([oneCall, oneCall]);
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400 }),
        fc.nat(one.length),
        fc.boolean(),
        (noise, at, headless) => {
          const bytes = headless ? Buffer.from(noise) : Buffer.from(one);
          if (!headless) bytes.set(noise.subarray(0, bytes.length - at), at);
          const result = read(bytes);
          if ('frames' in result) expect(result.frames.length).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 500 },
    );
    const mixed = Buffer.concat([segmentOfSlot(9).subarray(0, HEADER_BYTES), other.subarray(HEADER_BYTES)]);
    expect(framesIn(mixed)).toEqual([]);
  });

  it('tells a clean end from a frame that was cut short, and that from damage', () => {
    const bytes = segmentOf([oneCall, oneCall]);
    const [first, second] = framesIn(bytes);
    const clean = read(bytes);
    const cut = Buffer.from(bytes).fill(0, second!.to - 3);
    const torn = read(cut);
    const hurt = Buffer.from(bytes);
    hurt[first!.to - 1]! ^= 1;
    hurt.fill(1, 100_000, 200_000);
    const damaged = read(hurt);
    if ('fault' in clean || 'fault' in torn || 'fault' in damaged) throw new Error('no header');
    expect(clean.reader.torn()).toBe(0);
    expect(torn.frames).toEqual([first]);
    expect(torn.reader.torn()).toBeGreaterThan(0);
    expect(torn.reader.torn()).toBeLessThan(TORN_BYTES_MAX);
    expect(damaged.frames).toEqual([]);
    expect(damaged.reader.torn()).toBeGreaterThan(TORN_BYTES_MAX);
  });

  it('follows a segment that is written to', () => {
    const folder = newFolder();
    const journal = openJournal({ folder });
    const path = join(folder, 'run-0-0-0.journal');
    const reader = createJournalReader({
      size: () => statSync(path).size,
      read: (buffer, length, position) => bytesSource(readFileSync(path)).read(buffer, length, position),
    });
    if ('fault' in reader) throw new Error(reader.fault);
    expect(reader.next()).toBeNull();
    for (let turn = 0; turn < 20; turn++) {
      journal.write(oneCall);
      if (turn % 3 === 0) journal.write(oneCall);
      expect(framesOf(reader).length).toBe(turn % 3 === 0 ? 2 : 1);
    }
  });
});

function segmentOfSlot(slot: number): Buffer {
  const folder = newFolder();
  openJournal({ folder, slot });
  return readFileSync(join(folder, readdirSync(folder)[0]!));
}

describe('a full disk', () => {
  /** A disk that takes no more from some point on. */
  function disk(): { files: JournalFiles; free: number } {
    const sizes = new Map<number, number>();
    const held = {
      free: Number.POSITIVE_INFINITY,
      files: {
        ...journalFiles,
        write(fd: number, bytes: Buffer, length: number, position: number) {
          const growth = position + length - (sizes.get(fd) ?? 0);
          if (growth > held.free) throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
          if (growth > 0) {
            held.free -= growth;
            sizes.set(fd, position + length);
          }
          journalFiles.write(fd, bytes, length, position);
        },
      },
    };
    return held;
  }

  function start(holds: boolean) {
    const folder = newFolder();
    const space = disk();
    const told: boolean[] = [];
    let now = 0;
    const journal = openJournal({
      folder,
      files: space.files,
      holds: () => holds,
      onFull: (full) => told.push(full),
      nowMs: () => now,
    });
    let written = 0;
    const write = (count: number) => {
      for (let k = 0; k < count; k++) journal.write(oneCall);
      written += count;
    };
    const wait = (ms: number) => {
      now += ms;
      journal.tick();
    };
    const kept = () => recordsIn(folder).reduce((sum, { calls }) => sum + calls, 0);
    return { space, told, journal, write, wait, kept, written: () => written };
  }

  it('is told while there is still room for what is under way', () => {
    const { space, told, journal, write, kept } = start(true);
    space.free = 0;
    while (!journal.full) write(1);
    expect(told).toEqual([true]);
    const before = kept();
    write(1500);
    expect(kept()).toBe(before + 1500);
    expect(journal.lost).toBe(0);
  });

  it('loses nothing where it holds what does not fit, and goes on by itself', () => {
    const { space, told, journal, write, wait, kept, written } = start(true);
    space.free = 0;
    write(20_000);
    expect(kept()).toBeLessThan(written());
    wait(999);
    space.free = Number.POSITIVE_INFINITY;
    expect(journal.full).toBe(true);
    wait(1);
    expect([journal.full, journal.lost, told]).toEqual([false, 0, [true, false]]);
    write(10);
    expect(kept()).toBe(written());
  });

  it('counts what is lost where it does not hold', () => {
    const { space, journal, write, wait, kept, written } = start(false);
    space.free = 0;
    write(20_000);
    expect(journal.lost).toBeGreaterThan(0);
    expect(kept() + journal.lost).toBe(written());
    const { lost } = journal;
    space.free = Number.POSITIVE_INFINITY;
    wait(1000);
    write(5);
    expect([journal.full, journal.lost]).toEqual([false, lost]);
    expect(kept() + lost).toBe(written());
  });

  it('is full from the start where nothing can be opened', () => {
    const folder = newFolder();
    const told: string[] = [];
    let now = 0;
    let broken = true;
    const journal = openJournal({
      folder,
      nowMs: () => now,
      onFull: (_full, reason) => told.push(reason),
      files: {
        ...journalFiles,
        create(path) {
          if (broken) throw new Error('EDQUOT: quota exceeded');
          return journalFiles.create(path);
        },
      },
    });
    expect([journal.full, told]).toEqual([true, ['EDQUOT: quota exceeded']]);
    journal.write(oneCall);
    broken = false;
    now = 1000;
    journal.tick();
    expect([journal.full, recordsIn(folder).length]).toEqual([false, 1]);
  });

  it('writes no frame twice where a write failed half-way', () => {
    const folder = newFolder();
    let failing = false;
    let now = 0;
    const journal = openJournal({
      folder,
      nowMs: () => now,
      files: {
        ...journalFiles,
        write(fd, bytes, length, position) {
          if (!failing) return journalFiles.write(fd, bytes, length, position);
          journalFiles.write(fd, bytes, Math.floor(length / 2), position);
          throw new Error('EIO: i/o error');
        },
      },
    });
    journal.write(oneCall);
    failing = true;
    journal.write(oneCall);
    expect(journal.full).toBe(true);
    failing = false;
    now = 1000;
    journal.tick();
    journal.write(oneCall);
    const sum = recordsIn(folder).reduce((calls, record) => calls + record.calls, 0);
    expect([journal.full, journal.lost, sum]).toEqual([false, 0, 3]);
  });
});
