import { closeSync, ftruncateSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import {
  decodeHeader,
  encodeHeader,
  SEGMENT_BYTES,
  type SegmentName,
  segmentFile,
} from './journal-format.ts';

/** By so much a segment's zeros go ahead at a time. */
const STEP_BYTES = 256 * 1024;
const zeros = Buffer.alloc(STEP_BYTES);

/** The calls of the file system that a journal is written with. They throw, or have done the whole of it. */
export interface JournalFiles {
  /** A new file, for its owner only. */
  create(path: string): number;
  write(fd: number, bytes: Buffer, length: number, position: number): void;
  truncate(fd: number, bytes: number): void;
  close(fd: number): void;
  remove(path: string): void;
}

export const journalFiles: JournalFiles = {
  create: (path) => openSync(path, 'wx', 0o600),
  write(fd, bytes, length, position) {
    let done = 0;
    while (done < length) done += writeSync(fd, bytes, done, length - done, position + done);
  },
  truncate: ftruncateSync,
  close: closeSync,
  remove: unlinkSync,
};

/** A segment that is written to. Its file is always longer than what it holds: the rest are zeros. */
export interface OpenSegment {
  readonly salt: number;
  /** Bytes for which there is room without asking the file system for more. */
  readonly room: number;
  /** It is as long as it may become. */
  readonly complete: boolean;
  /** No frame was written. */
  readonly unused: boolean;
  /** Appends; throws where the file system refuses, and then it is not known what stands at the end. */
  append(bytes: Buffer, length: number): void;
  /** Makes more room, or throws. */
  extend(): void;
  /** Cuts off what is behind the last whole frame, and closes. False: it could not be cut off. */
  end(): boolean;
  /** Closes, and leaves the file as it is. */
  close(): void;
  remove(): void;
}

/** Opens a new segment with room for its first frames. Throws, and leaves nothing behind, where there is none. */
export function openSegment(
  folder: string,
  name: SegmentName,
  created: number,
  files: JournalFiles = journalFiles,
): OpenSegment {
  const path = join(folder, segmentFile(name));
  const header = encodeHeader(name, created);
  const decoded = decodeHeader(header);
  if ('fault' in decoded) throw new Error(decoded.fault);
  const fd = files.create(path);
  let filled = 0;
  let position = header.length;

  function extend(): void {
    files.write(fd, zeros, STEP_BYTES, filled);
    filled += STEP_BYTES;
  }
  try {
    extend();
    files.write(fd, header, header.length, 0);
  } catch (error) {
    files.close(fd);
    files.remove(path);
    throw error;
  }

  return {
    salt: decoded.salt,
    extend,
    get room() {
      return filled - position;
    },
    get complete() {
      return filled >= SEGMENT_BYTES;
    },
    get unused() {
      return position === header.length;
    },
    append(bytes, length) {
      files.write(fd, bytes, length, position);
      position += length;
    },
    end() {
      let cut = true;
      try {
        files.truncate(fd, position);
      } catch {
        cut = false;
      }
      files.close(fd);
      return cut;
    },
    close: () => files.close(fd),
    remove: () => files.remove(path),
  };
}
