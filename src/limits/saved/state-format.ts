/**
 * The file that keeps buckets over a drained restart. In the machine's byte order: it stays on the machine.
 *
 *   header   16 u32: magic · format · seed × 4 · rules · buckets · now (f64 µs) · wall (f64 ms) · quotas · bytes · checksum × 2
 *   rule     5 f64: maxUnits · refillUnits · tokenUnits · tickMicros · burstUnits
 *   bucket   u32 tagLo · tagHi · rule · state · f64 level (units) · f64 age of the level (µs before `now`)
 *   quota    u32 period · u32 bytes of the name · f64 used · name in UTF-8, padded to 8
 */
import { createHash64 } from '../hash64.ts';

export const magic = 0x504c494d;
export const format = 1;
export const headerBytes = 64;
export const headerAt = {
  magic: 0,
  format: 1,
  seed: 2,
  rules: 6,
  buckets: 7,
  nowNumber: 4,
  wallNumber: 5,
  quotas: 12,
  bytes: 13,
  checksum: 14,
} as const;
export const savedRuleNumbers = 5;
export const savedBucketBytes = 32;

/** Guards against damage, not against an author: the file is as private as the process. */
export function writeChecksum(file: Uint8Array): void {
  const words = new Uint32Array(file.buffer, file.byteOffset, headerBytes / 4);
  words.set(checksumOf(file), headerAt.checksum);
}

/** A copy of `file` (aligned for typed arrays), or why it is not a whole file of this format. */
export function openFile(file: Uint8Array): Uint8Array | SavedStateProblem {
  if (file.length < headerBytes || file.length % 8 !== 0) return 'damaged';
  const copy = Uint8Array.from(file);
  const words = new Uint32Array(copy.buffer);
  if (words[headerAt.magic] !== magic) return 'not a state file';
  if (words[headerAt.format] !== format) return 'of another format';
  const sum = checksumOf(copy);
  const stored = words.subarray(headerAt.checksum, headerAt.checksum + 2);
  if (words[headerAt.bytes] !== file.length || sum[0] !== stored[0] || sum[1] !== stored[1]) return 'damaged';
  return copy;
}

/** Why a saved state was refused. */
export type SavedStateProblem =
  | 'damaged'
  | 'not a state file'
  | 'of another format'
  | 'of another seed'
  | 'of more limits than fit';

/**
 * The seed that a saved state was made with: `createLimitsMemory` needs it before `load`, since callers' tags hang
 * on it. undefined if the file is not whole.
 */
export function savedSeed(file: Uint8Array): Uint32Array | undefined {
  const opened = openFile(file);
  if (typeof opened === 'string') return undefined;
  return new Uint32Array(opened.buffer, headerAt.seed * 4, 4).slice();
}

function checksumOf(file: Uint8Array): Uint32Array {
  const sum = new Uint32Array(2);
  const hash = createHash64(Uint32Array.of(magic, format, 0, 0));
  hash(file, 0, headerAt.checksum * 4, sum);
  // The header's sum seeds the rest's, so that neither can be exchanged alone.
  createHash64(Uint32Array.of(sum[0]!, sum[1]!, 0, 0))(file, headerBytes, file.length, sum);
  return sum;
}
