import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
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

/** What was written to this lately may have been since: its time has no finer grain. */
export const FRESH_MS = 1000;

/** {@link listSegments}, read again only where the folder was changed: of 6,000 segments that took 12 ms and more each time. */
export interface JournalListing {
  /** The same array where nothing is another than before. */
  list(): readonly ListedSegment[];
}

export function createJournalListing(folder: string, epochMs: () => number): JournalListing {
  let listed: readonly ListedSegment[] = [];
  let readAt = Number.NaN;
  return {
    list() {
      const mtimeMs = statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Number.NaN;
      // As it is of a time well before it was read, it would be another now.
      if (mtimeMs === readAt) return listed;
      const now = epochMs();
      listed = listSegments(folder);
      readAt = now - mtimeMs > FRESH_MS ? mtimeMs : Number.NaN;
      return listed;
    },
  };
}

/**
 * Whether no frame can come any more to the one `at` this place of a listing: its worker has another in its place, or has begun the
 * next segment (one that is only held ready does not count), or its process is not this one.
 */
export function isOver(all: readonly ListedSegment[], at: number, run: string): boolean {
  const { name } = all[at]!;
  if (name.run !== run) return true;
  for (let next = at + 1; next < all.length; next++) {
    const other = all[next]!;
    if (other.name.run !== run || other.name.slot !== name.slot) return false;
    if (other.name.start > name.start || hasFrames(other.path)) return true;
  }
  return false;
}

/** Whether something stands there, as the length that a frame begins with says. Throws as `fs` does. */
export function hasBytesAt(path: string, position: number): boolean {
  const fd = openSync(path, 'r');
  try {
    const length = Buffer.alloc(4);
    return readSync(fd, length, 0, 4, position) === 4 && length.readUInt32LE(0) !== 0;
  } finally {
    closeSync(fd);
  }
}

function hasFrames(path: string): boolean {
  try {
    return hasBytesAt(path, HEADER_BYTES);
  } catch {
    return false;
  }
}

function compare(a: SegmentName, b: SegmentName): number {
  if (a.run !== b.run) return a.run < b.run ? -1 : 1;
  return a.slot - b.slot || a.start - b.start || a.number - b.number;
}
