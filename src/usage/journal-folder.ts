import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { HEADER_BYTES, parseSegmentFile, type SegmentName, segmentId } from './journal-format.ts';

/** A segment's file, as the folder shows it. */
export interface ListedSegment {
  name: SegmentName;
  id: string;
  path: string;
}

/** Oldest first within a worker; nothing where the folder is not there. Throws what else `fs` does. */
export function listSegments(folder: string): ListedSegment[] {
  let files: string[];
  try {
    files = readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return files
    .flatMap((file) => {
      const name = parseSegmentFile(file);
      return name === undefined ? [] : [{ name, id: segmentId(name), path: join(folder, file) }];
    })
    .sort((a, b) => compare(a.name, b.name));
}

/**
 * Whether no frame can come any more: its worker has another in its place, or has begun the next segment (one that is only held ready
 * does not count), or its process is not this one.
 */
export function isOver(segment: ListedSegment, all: readonly ListedSegment[], run: string): boolean {
  const { name } = segment;
  if (name.run !== run) return true;
  return all.some(
    (other) =>
      other.name.run === name.run &&
      other.name.slot === name.slot &&
      (other.name.start > name.start ||
        (other.name.start === name.start && other.name.number > name.number && hasFrames(other.path))),
  );
}

function hasFrames(path: string): boolean {
  try {
    const fd = openSync(path, 'r');
    const length = Buffer.alloc(4);
    const count = readSync(fd, length, 0, 4, HEADER_BYTES);
    closeSync(fd);
    return count === 4 && length.readUInt32LE(0) !== 0;
  } catch {
    return false;
  }
}

function compare(a: SegmentName, b: SegmentName): number {
  if (a.run !== b.run) return a.run < b.run ? -1 : 1;
  return a.slot - b.slot || a.start - b.start || a.number - b.number;
}
