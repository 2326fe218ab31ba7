import { checksum } from './checksum.ts';

/**
 * A segment of a journal, little-endian:
 *
 *     header, 128 bytes   0 magic `PPUSAGE\n`   8 version   12 length of the header   16 created (float64, epoch ms)
 *                         24 slot   28 start   32 number   36 length of the run's id   40 run's id, ASCII
 *                         124 CRC-32 of bytes 0–123
 *     frames              0 length of the payload, above 0   4 checksum   8 payload
 *     zeros               room ahead
 *
 * A frame's checksum is the CRC-32 of its payload, begun with its length xor the header's CRC: so the length is checked as well,
 * and no frame of another segment ever checks. A payload is the time of its turn (epoch ms, 48 bits) and entries; see
 * `record-encoder.ts`. What a segment names is defined in it, before its first use.
 */
export const HEADER_BYTES = 128;
export const FRAME_HEAD_BYTES = 8;
/** A payload begins with the time of its turn. */
export const TIME_BYTES = 6;
/** Longest payload that is written, and that is believed. */
export const PAYLOAD_BYTES_MAX = 64 * 1024;
export const SEGMENT_BYTES = 16 << 20;

const FORMAT_VERSION = 1;
const MAGIC = 'PPUSAGE\n';
const RUN_BYTES_MAX = 64;

/** Whose segment it is: the `number`-th of the `start`-th worker that a run had in a slot. */
export interface SegmentName {
  /** Id of the process's run: lower-case letters and digits, at most 64. */
  run: string;
  slot: number;
  start: number;
  number: number;
}

export interface SegmentHeader extends SegmentName {
  /** Epoch milliseconds. */
  created: number;
  /** What its frames' checksums begin with. */
  salt: number;
}

const fileName = /^([a-z0-9]{1,64})-(\d{1,9})-(\d{1,9})-(\d{1,9})\.journal$/;

/** `<run>-<slot>-<start>-<number>`: what the ledger knows a segment by. */
export function segmentId({ run, slot, start, number }: SegmentName): string {
  return `${run}-${slot}-${start}-${number}`;
}

export function segmentFile(name: SegmentName): string {
  return `${segmentId(name)}.journal`;
}

/** Undefined for a file that is no segment. */
export function parseSegmentFile(file: string): SegmentName | undefined {
  const [, run, slot, start, number] = fileName.exec(file) ?? [];
  if (run === undefined) return undefined;
  return { run, slot: Number(slot), start: Number(start), number: Number(number) };
}

export function encodeHeader(name: SegmentName, created: number): Buffer {
  const { run, slot, start, number } = name;
  if (parseSegmentFile(segmentFile(name)) === undefined) throw new RangeError(`no name of a run: ${run}`);
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, 0, 'latin1');
  header.writeUInt32LE(FORMAT_VERSION, 8);
  header.writeUInt32LE(HEADER_BYTES, 12);
  header.writeDoubleLE(created, 16);
  header.writeUInt32LE(slot, 24);
  header.writeUInt32LE(start, 28);
  header.writeUInt32LE(number, 32);
  header.writeUInt32LE(run.length, 36);
  header.write(run, 40, 'latin1');
  header.writeUInt32LE(checksum(header, 0, HEADER_BYTES - 4, 0), HEADER_BYTES - 4);
  return header;
}

/** Why a file's beginning is no header that can be read here. */
export type HeaderFault =
  /** Too short, or not a journal's. A worker that died while it opened it leaves such a file, without frames. */
  | 'no header'
  /** Of a later version of the program. */
  | 'unknown version'
  | 'damaged header';

export function decodeHeader(bytes: Buffer): SegmentHeader | { fault: HeaderFault } {
  if (bytes.length < HEADER_BYTES || bytes.toString('latin1', 0, 8) !== MAGIC) return { fault: 'no header' };
  const salt = bytes.readUInt32LE(HEADER_BYTES - 4);
  if (checksum(bytes, 0, HEADER_BYTES - 4, 0) !== salt) return { fault: 'damaged header' };
  if (bytes.readUInt32LE(8) !== FORMAT_VERSION) return { fault: 'unknown version' };
  const runLength = bytes.readUInt32LE(36);
  if (bytes.readUInt32LE(12) !== HEADER_BYTES || runLength > RUN_BYTES_MAX)
    return { fault: 'damaged header' };
  return {
    run: bytes.toString('latin1', 40, 40 + runLength),
    slot: bytes.readUInt32LE(24),
    start: bytes.readUInt32LE(28),
    number: bytes.readUInt32LE(32),
    created: bytes.readDoubleLE(16),
    salt,
  };
}

/** Of bytes [from, from + length): a frame's payload. */
export function frameChecksum(bytes: Buffer, from: number, length: number, salt: number): number {
  return checksum(bytes, from, from + length, (length ^ salt) >>> 0);
}
