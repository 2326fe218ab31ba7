import { afterEach, describe, expect, it } from 'vitest';
import { type JournalFiles, journalFiles } from './journal-segment.ts';
import { newFolder, oneCall, openJournal, recordsIn, removeFolders } from './testing/journals.ts';

afterEach(removeFolders);

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
