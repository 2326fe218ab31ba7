import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checksum } from './checksum.ts';
import { decodeHeader, encodeHeader, parseSegmentFile, segmentFile, segmentId } from './journal-format.ts';

describe('a segment', () => {
  it('is named by run, slot, start and number, and by nothing else', () => {
    const name = { run: 'mx0t8yrxa9f5', slot: 3, start: 12, number: 0 };
    expect([segmentId(name), segmentFile(name)]).toEqual([
      'mx0t8yrxa9f5-3-12-0',
      'mx0t8yrxa9f5-3-12-0.journal',
    ]);
    expect(parseSegmentFile(segmentFile(name))).toEqual(name);
    for (const file of [
      '',
      'a-1-2.journal',
      'a-1-2-3.journal.bak',
      'A-1-2-3.journal',
      '../a-1-2-3.journal',
      'a-1-2-3',
    ])
      expect(parseSegmentFile(file)).toBeUndefined();
    expect(() => encodeHeader({ ...name, run: '../x' }, 0)).toThrow(RangeError);
  });

  it('of another version is not taken for a damaged one', () => {
    const header = encodeHeader({ run: 'r', slot: 0, start: 0, number: 0 }, 1_700_000_000_000);
    expect(decodeHeader(header)).toMatchObject({ run: 'r', created: 1_700_000_000_000 });
    const later = Buffer.from(header);
    later.writeUInt32LE(2, 8);
    expect(decodeHeader(later)).toEqual({ fault: 'damaged header' });
    later.writeUInt32LE(checksum(later, 0, 124, 0), 124);
    expect(decodeHeader(later)).toEqual({ fault: 'unknown version' });
    // As long as no header is, or with a longer name than one has: its checksum is right all the same.
    for (const [at, value] of [
      [12, 64],
      [36, 1000],
    ] as const) {
      const senseless = Buffer.from(header);
      senseless.writeUInt32LE(value, at);
      senseless.writeUInt32LE(checksum(senseless, 0, 124, 0), 124);
      expect(decodeHeader(senseless)).toEqual({ fault: 'damaged header' });
    }
    expect(decodeHeader(header.subarray(0, 127))).toEqual({ fault: 'no header' });
    expect(decodeHeader(Buffer.alloc(128))).toEqual({ fault: 'no header' });
  });
});

describe('a checksum', () => {
  it('is zlib’s CRC-32, whichever of the two computes it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.nat(0xffffffff), fc.nat(5), (bytes, seed, from) => {
        const buffer = Buffer.from(bytes);
        const at = Math.min(from, buffer.length);
        expect(checksum(buffer, at, buffer.length, seed)).toBe(crc32(buffer.subarray(at), seed));
      }),
    );
  });
});
