import { crc32 } from 'node:zlib';
import { KeptAnswer, type Tenure } from './kept-answer.ts';

/** What instances tell each other with an answer. */
export interface SharedTerms {
  /** One of `lifetimes`, by which it was kept. */
  lifetime: number;
  /** See `Tenure`. */
  height: number;
  /** By the store's clock, epoch milliseconds: when it was asked for at the earliest, and until when it may be given. */
  askedMs: number;
  untilMs: number;
}

/** As it was read: the terms, and the answer without an id in [start, end), where an id belongs at `idAt`. */
export interface SharedAnswer extends SharedTerms {
  bytes: Buffer;
  start: number;
  end: number;
  idAt: number;
}

/** Another layout gets another number: instances of two versions side by side then miss, and misread nothing. */
const MAGIC = 0x5050_4101;
const HEAD_BYTES = 44;
const at = { magic: 0, sum: 4, length: 8, idAt: 12, lifetime: 16, height: 20, asked: 28, until: 36 } as const;

export const sharedBytes = ({ before, after, bytes, idStart, idEnd }: KeptAnswer): number =>
  HEAD_BYTES + (bytes === null ? before.length + after.length : bytes.length - (idEnd - idStart));

export function writeShared(kept: KeptAnswer, terms: SharedTerms): Buffer {
  const all = Buffer.allocUnsafe(sharedBytes(kept));
  all.writeUInt32BE(MAGIC, at.magic);
  all.writeUInt32BE(all.length, at.length);
  all.writeUInt32BE(kept.idStart, at.idAt);
  all.writeUInt32BE(terms.lifetime, at.lifetime);
  all.writeDoubleBE(terms.height, at.height);
  all.writeDoubleBE(terms.askedMs, at.asked);
  all.writeDoubleBE(terms.untilMs, at.until);
  if (kept.bytes === null) {
    all.write(kept.before, HEAD_BYTES, 'latin1');
    all.write(kept.after, HEAD_BYTES + kept.before.length, 'latin1');
  } else {
    kept.bytes.copy(all, HEAD_BYTES, 0, kept.idStart);
    kept.bytes.copy(all, HEAD_BYTES + kept.idStart, kept.idEnd);
  }
  all.writeUInt32BE(crc32(all.subarray(at.length)), at.sum);
  return all;
}

/** undefined: not what `writeShared` wrote. */
export function readShared(all: Buffer): SharedAnswer | undefined {
  if (all.length <= HEAD_BYTES || all.readUInt32BE(at.magic) !== MAGIC) return undefined;
  if (all.readUInt32BE(at.length) !== all.length) return undefined;
  if (all.readUInt32BE(at.sum) !== crc32(all.subarray(at.length))) return undefined;
  const idAt = all.readUInt32BE(at.idAt);
  if (idAt > all.length - HEAD_BYTES) return undefined;
  return {
    lifetime: all.readUInt32BE(at.lifetime),
    height: all.readDoubleBE(at.height),
    askedMs: all.readDoubleBE(at.asked),
    untilMs: all.readDoubleBE(at.until),
    ...{ bytes: all, start: HEAD_BYTES, end: all.length, idAt: HEAD_BYTES + idAt },
  };
}

/** As this worker keeps it. */
export function keptOf(
  { bytes, start, end, idAt }: SharedAnswer,
  key: string,
  hash: number,
  tenure: Tenure,
): KeptAnswer {
  return new KeptAnswer(key, hash, bytes, start, end, idAt, idAt, tenure);
}
