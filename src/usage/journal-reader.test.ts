import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { FRAME_HEAD_BYTES, frameChecksum, HEADER_BYTES, TIME_BYTES } from './journal-format.ts';
import { createJournalReader, openSegmentFile } from './journal-reader.ts';
import {
  bytesSource,
  framesIn,
  framesOf,
  keyA,
  newFolder,
  oneCall,
  openJournal,
  readSegment as read,
  removeFolders,
  segmentOf,
  turnOf,
} from './testing/journals.ts';

afterEach(removeFolders);

describe('a reader', () => {
  it('stops at a frame that checks and makes no sense, and says that it is damaged', () => {
    const whole = segmentOf([oneCall, oneCall]);
    const [first] = framesIn(whole);
    const from = first!.to + FRAME_HEAD_BYTES;
    const length = whole.readUInt32LE(first!.to);
    // An entry of no kind, as another program might write it.
    whole[from + TIME_BYTES] = 0x7f;
    const salt = whole.readUInt32LE(HEADER_BYTES - 4);
    whole.writeUInt32LE(frameChecksum(whole, from, length, salt), first!.to + 4);
    const result = read(whole);
    if ('fault' in result) throw new Error(result.fault);
    expect(result.frames).toEqual([first]);
    expect(result.reader.next()).toBeNull();
    expect(result.reader.tail()).toMatchObject({ damaged: true });
  });

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
      else {
        const kept = frames.filter(({ to }) => to <= length);
        expect(result.frames).toEqual(kept);
        // As a kill leaves it, and with zeros in the place of what is missing.
        for (const end of [Buffer.alloc(0), Buffer.alloc(300)]) {
          const cut = read(Buffer.concat([original.subarray(0, length), end]));
          if ('fault' in cut) throw new Error(cut.fault);
          const { bytes, damaged } = cut.reader.tail();
          expect(damaged).toBe(false);
          expect(bytes).toBeLessThanOrEqual(length - (kept.at(-1)?.to ?? HEADER_BYTES));
        }
      }
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
        const { bytes: behind, damaged } = result.reader.tail();
        expect(behind).toBeGreaterThan(0);
        // Of the last frame, one bit of its length may make it look as one that was cut short.
        if (kept.length < frames.length - 1) expect(damaged).toBe(true);
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
    const bytes = segmentOf([oneCall, oneCall, oneCall]);
    const [first, second, third] = framesIn(bytes);
    const tailOf = (change: (bytes: Buffer) => void) => {
      const changed = Buffer.from(bytes);
      change(changed);
      const result = read(changed);
      if ('fault' in result) throw new Error(result.fault);
      return { frames: result.frames.length, ...result.reader.tail() };
    };
    expect(tailOf(() => undefined)).toEqual({ frames: 3, bytes: 0, damaged: false });
    const cut = (by: number) => tailOf((all) => void all.fill(0, third!.to - by));
    for (let by = 1; by < third!.to - second!.to; by++)
      expect(cut(by)).toMatchObject({ frames: 2, damaged: false });
    const damage: [number, (all: Buffer) => void][] = [
      [0, (all) => (all[first!.to - 1]! ^= 1)],
      [1, (all) => (all[second!.to - 1]! ^= 1)],
      // The last, which is there to its end.
      [2, (all) => (all[third!.to - 5]! ^= 1)],
      // A length that goes beyond all there is, one that no frame has, and none.
      [1, (all) => (all[first!.to + 1] = 0x7f)],
      [1, (all) => (all[first!.to + 3] = 1)],
      [1, (all) => void all.fill(0, first!.to, first!.to + 4)],
      [1, (all) => void all.fill(0, first!.to, second!.to)],
      [3, (all) => void all.fill(1, 200_000, 200_001)],
    ];
    for (const [frames, change] of damage) expect(tailOf(change)).toMatchObject({ frames, damaged: true });
  });

  it('takes a frame that was written while it looked behind it for no damage', () => {
    const whole = segmentOf([oneCall, oneCall]);
    const [first] = framesIn(whole);
    let bytes: Buffer = Buffer.from(whole).fill(0, first!.to + 20);
    const reader = createJournalReader({
      size: () => bytes.length,
      read: (buffer, length, position) => bytesSource(bytes).read(buffer, length, position),
    });
    if ('fault' in reader) throw new Error(reader.fault);
    expect(framesOf(reader).length).toBe(1);
    bytes = whole;
    expect(reader.tail()).toEqual({ bytes: 0, damaged: false });
    expect(framesOf(reader).length).toBe(1);
  });

  it('needs no right to write to a file, as on a mount for reading alone, also to sync it', async () => {
    // A program that runs may be written to by nobody.
    const file = openSegmentFile(process.execPath);
    const head = Buffer.alloc(4);
    expect(file.read(head, 4, 0)).toBe(4);
    await file.sync();
    file.close();
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
