import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { HEADER_BYTES, SEGMENT_BYTES, segmentFile } from './journal-format.ts';
import { type JournalFiles, journalFiles, openSegment } from './journal-segment.ts';
import { newFolder, removeFolders } from './testing/journals.ts';

afterEach(removeFolders);

const name = { run: 'run', slot: 0, start: 0, number: 0 };

/** The file system, of which one call fails, and what is open and there. */
function failing(folder: string, fails: (path: 'create' | 'truncate' | number) => boolean) {
  let writes = 0;
  const open = new Set<number>();
  const refuse = (what: 'create' | 'truncate' | number): void => {
    if (fails(what)) throw new Error('EIO');
  };
  const files: JournalFiles = {
    create(path) {
      refuse('create');
      const fd = journalFiles.create(path);
      open.add(fd);
      return fd;
    },
    write(fd, bytes, length, position) {
      refuse((writes += 1));
      journalFiles.write(fd, bytes, length, position);
    },
    truncate(fd, bytes) {
      refuse('truncate');
      journalFiles.truncate(fd, bytes);
    },
    close(fd) {
      open.delete(fd);
      journalFiles.close(fd);
    },
    remove: journalFiles.remove,
  };
  return { files, left: () => ({ open: open.size, files: readdirSync(folder) }) };
}

describe('a segment', () => {
  it.each(['create', 1, 2] as const)('that cannot be opened leaves nothing behind: %s', (at) => {
    const folder = newFolder();
    const { files, left } = failing(folder, (what) => what === at);
    expect(() => openSegment(folder, name, 0, files)).toThrow('EIO');
    expect(left()).toEqual({ open: 0, files: [] });
  });

  it('is never opened over one that is there', () => {
    const folder = newFolder();
    const first = openSegment(folder, name, 0);
    first.append(Buffer.from('frame'), 5);
    expect(() => openSegment(folder, name, 0)).toThrow('EEXIST');
    first.end();
    expect(
      readFileSync(join(folder, segmentFile(name)))
        .subarray(HEADER_BYTES)
        .toString(),
    ).toBe('frame');
  });

  it('keeps room ahead of what it holds, and is cut to it at its end', () => {
    const folder = newFolder();
    const path = join(folder, segmentFile(name));
    const segment = openSegment(folder, name, 0);
    expect([segment.unused, segment.complete, segment.room]).toEqual([
      true,
      false,
      statSync(path).size - HEADER_BYTES,
    ]);
    const room = segment.room;
    segment.append(Buffer.from('frame and more'), 5);
    expect([segment.unused, segment.room]).toEqual([false, room - 5]);
    while (!segment.complete) segment.extend();
    expect([statSync(path).size, segment.room]).toEqual([SEGMENT_BYTES, SEGMENT_BYTES - HEADER_BYTES - 5]);
    expect(segment.end()).toBe(true);
    expect(statSync(path).size).toBe(HEADER_BYTES + 5);
  });

  it('that cannot be cut is closed all the same, and says so', () => {
    const folder = newFolder();
    const { files, left } = failing(folder, (what) => what === 'truncate');
    const segment = openSegment(folder, name, 0, files);
    expect(segment.end()).toBe(false);
    expect(left()).toEqual({ open: 0, files: [segmentFile(name)] });
    segment.remove();
    expect(existsSync(join(folder, segmentFile(name)))).toBe(false);
  });
});
