import { closeSync, fdatasync, fstatSync, openSync, readSync } from 'node:fs';
import {
  decodeHeader,
  FRAME_HEAD_BYTES,
  frameChecksum,
  HEADER_BYTES,
  type HeaderFault,
  PAYLOAD_BYTES_MAX,
  type SegmentHeader,
} from './journal-format.ts';
import { bytesBehind, readTail, type SegmentBytes, type Tail } from './journal-tail.ts';
import type { UsageRecord } from './record.ts';
import type { Place } from './fold-row.ts';
import { createRecordDecoder } from './record-decoder.ts';

/** Of each segment that is read; more than a frame. */
const CHUNK_BYTES = 256 * 1024;

/** One turn's usage. Reused by the next `next()`. */
export interface Frame {
  /** Epoch milliseconds. */
  epochMs: number;
  /** Bytes [from, to) of the segment. */
  from: number;
  to: number;
  records: readonly UsageRecord[];
  /** One for each record: where the row that one like it went into may be found. */
  places: readonly Place[];
}

/** Reads one segment from its start, so that what its frames name is known. Never throws for what the bytes are. */
export interface JournalReader {
  readonly header: SegmentHeader;
  /** Where the next frame begins: the end of the last one that was read. */
  readonly position: number;
  /** The next frame; null where none checks now. A segment that is written to may have more later. */
  next(): Frame | null;
  /** What stands behind `position`, once `next` gave null. A frame that checks, and says what this program does not understand, is damage. */
  tail(): Tail;
}

export function createJournalReader(source: SegmentBytes): JournalReader | { fault: HeaderFault } {
  const head = Buffer.alloc(HEADER_BYTES);
  const decoded = decodeHeader(head.subarray(0, source.read(head, HEADER_BYTES, 0)));
  if ('fault' in decoded) return decoded;
  const header = decoded;
  const decoder = createRecordDecoder();
  const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  const frame: Frame = { epochMs: 0, from: 0, to: 0, records: [], places: decoder.places };
  let position = HEADER_BYTES;
  /** Bytes [chunkAt, chunkAt + chunkLength) of the segment are in `chunk`. */
  let chunkAt = 0;
  let chunkLength = 0;
  let senseless = false;

  function load(): void {
    chunkAt = position;
    chunkLength = source.read(chunk, CHUNK_BYTES, position);
  }

  /** Nothing was written there, as a look at the next frame's length says: cheap, for segments that are idle. */
  function isEnd(): boolean {
    return source.read(head, 4, position) < 4 || head.readUInt32LE(0) === 0;
  }

  /** Length of the payload of a frame that checks, at `at` of the chunk; -1 for none. */
  function check(at: number): number {
    if (at + FRAME_HEAD_BYTES > chunkLength) return -1;
    const length = chunk.readUInt32LE(at);
    if (length === 0 || length > PAYLOAD_BYTES_MAX || at + FRAME_HEAD_BYTES + length > chunkLength) return -1;
    const expected = chunk.readUInt32LE(at + 4);
    return frameChecksum(chunk, at + FRAME_HEAD_BYTES, length, header.salt) === expected ? length : -1;
  }

  return {
    header,
    get position() {
      return position;
    },
    next() {
      if (senseless) return null;
      let at = position - chunkAt;
      let length = check(at);
      if (length < 0) {
        // What was read may be cut at the chunk's end, or older than what stands there now.
        if (isEnd()) return null;
        load();
        at = 0;
        length = check(0);
        if (length < 0) return null;
      }
      const from = at + FRAME_HEAD_BYTES;
      const records = decoder.decode(chunk, from, from + length);
      if (records === undefined) {
        senseless = true;
        return null;
      }
      frame.epochMs = decoder.epochMs;
      frame.from = position;
      frame.to = position += FRAME_HEAD_BYTES + length;
      frame.records = records;
      return frame;
    },
    tail: () =>
      senseless
        ? { bytes: bytesBehind(source, position), damaged: true }
        : readTail(source, position, header),
  };
}

/** A segment's file, opened for reading. */
export interface SegmentFile extends SegmentBytes {
  /** What was read so far stays, whatever becomes of the machine. */
  sync(): Promise<void>;
  close(): void;
}

/** Throws as `fs` does. For reading alone, as from a back-up that is mounted so: Linux syncs such a descriptor, too. */
export function openSegmentFile(path: string): SegmentFile {
  const fd = openSync(path, 'r');
  // Opened it could be, and not read.
  if (fstatSync(fd).isDirectory()) {
    closeSync(fd);
    throw Object.assign(new Error(`EISDIR: ${path} is a folder`), { code: 'EISDIR', syscall: 'open', path });
  }
  return {
    size: () => fstatSync(fd).size,
    read(buffer, length, position) {
      let done = 0;
      while (done < length) {
        const count = readSync(fd, buffer, done, length - done, position + done);
        if (count === 0) break;
        done += count;
      }
      return done;
    },
    sync: () =>
      new Promise((resolve, reject) =>
        fdatasync(fd, (error) => (error === null ? resolve() : reject(error))),
      ),
    close: () => closeSync(fd),
  };
}
