import {
  FRAME_HEAD_BYTES,
  frameChecksum,
  PAYLOAD_BYTES_MAX,
  type SegmentHeader,
  TIME_BYTES,
} from './journal-format.ts';

/** Where the bytes of a segment are. */
export interface SegmentBytes {
  /** How long it is now. */
  size(): number;
  /** Reads into `buffer` from its start; less than `length` at the end only. */
  read(buffer: Buffer, length: number, position: number): number;
}

/** What stands behind the last frame of a segment that could be read. */
export interface Tail {
  /** Up to the last that is not zero. 0 at a clean end. */
  bytes: number;
  /** Frames stood there. False: it is one frame at most, that a kill cut short or that is being written. */
  damaged: boolean;
}

const CHUNK_BYTES = 256 * 1024;
/** What a payload may end with that is not told from the zeros behind it. */
const ZEROS_MAX = 64;
/** Frames are of times as near to that of their header. */
const TIME_SPAN_MS = 366 * 86_400_000;

/**
 * Tells a frame that was cut short, which leaves less than its own length and zeros behind, from frames that were whole once: those have something
 * behind them, or are there to their last byte. `position`: where a frame begins that did not check.
 */
export function readTail(source: SegmentBytes, position: number, header: SegmentHeader): Tail {
  // First: a frame with another behind it was written whole before, so that it checks below, unless it is damaged.
  const bytes = bytesBehind(source, position);
  if (bytes === 0) return { bytes, damaged: false };
  const block = Buffer.alloc(Math.min(bytes, FRAME_HEAD_BYTES + PAYLOAD_BYTES_MAX) + ZEROS_MAX);
  source.read(block, block.length, position);
  if (checks(block, 0, header.salt)) return { bytes: 0, damaged: false };
  const length = block.readUInt32LE(0);
  const damaged =
    length === 0 ||
    length > PAYLOAD_BYTES_MAX ||
    bytes >= FRAME_HEAD_BYTES + length ||
    holdsFrame(block, bytes, header);
  return { bytes, damaged };
}

/** From `position` to the last byte that is not zero. */
export function bytesBehind(source: SegmentBytes, position: number): number {
  let end = source.size();
  const bytes = Buffer.alloc(Math.min(CHUNK_BYTES, Math.max(0, end - position)));
  while (end > position) {
    const from = Math.max(position, end - bytes.length);
    const length = source.read(bytes, end - from, from);
    for (let k = length - 1; k >= 0; k--) if (bytes[k] !== 0) return from + k + 1 - position;
    end = from;
  }
  return 0;
}

/** Whether a frame begins behind the first byte: its length says the less, the more of it is damaged. */
function holdsFrame(block: Buffer, bytes: number, { salt, created }: SegmentHeader): boolean {
  for (let at = 1; at + FRAME_HEAD_BYTES + TIME_BYTES <= bytes; at++) {
    // Nearly all places are ruled out by what they would be the time of: a checksum of 64 KiB for each would take seconds.
    const time = block.readUIntLE(at + FRAME_HEAD_BYTES, TIME_BYTES);
    if (Math.abs(time - created) < TIME_SPAN_MS && checks(block, at, salt)) return true;
  }
  return false;
}

function checks(block: Buffer, at: number, salt: number): boolean {
  const length = block.readUInt32LE(at);
  const from = at + FRAME_HEAD_BYTES;
  if (length === 0 || length > PAYLOAD_BYTES_MAX || from + length > block.length) return false;
  return frameChecksum(block, from, length, salt) === block.readUInt32LE(at + 4);
}
