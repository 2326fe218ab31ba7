import {
  bytesBehind,
  createJournalReader,
  type ListedSegment,
  listSegments,
  openSegmentFile,
} from '../../usage/index.ts';
import { AccountsError } from '../error.ts';
import type { JournalFrame, JournalSegment, JournalSource } from './journal-source.ts';

/** The journals in folders of gateways, which may be running. A folder that is not there has none. */
export function journalFolders(folders: readonly string[], keepMs: number): JournalSource {
  return {
    keepMs,
    ids: () => folders.flatMap((folder) => segmentsIn(folder).map(({ id }) => id)),
    *segments(skipped) {
      for (const folder of folders) {
        for (const listed of segmentsIn(folder)) {
          if (skipped?.has(listed.id) === true) continue;
          const segment = openSegment(listed);
          if (segment !== undefined) yield segment;
        }
      }
    },
  };
}

function segmentsIn(folder: string): ListedSegment[] {
  try {
    return listSegments(folder);
  } catch (error) {
    if (!isFileError(error)) throw error;
    throw new AccountsError('refused', `The usage journals cannot be listed: ${error.message}`);
  }
}

function openSegment({ id, path }: ListedSegment): JournalSegment | undefined {
  let file: ReturnType<typeof openSegmentFile>;
  try {
    file = openSegmentFile(path);
  } catch (error) {
    if (!isFileError(error)) throw error;
    // Its gateway took it away meanwhile: it was unused, or old.
    return error.code === 'ENOENT' ? undefined : unreadable(id, error.message);
  }
  try {
    const reader = createJournalReader(file);
    if ('fault' in reader) {
      // A worker that is just opening it, or died then, has written nothing into it.
      const fault = reader.fault === 'no header' && bytesBehind(file, 0) === 0 ? null : reader.fault;
      return { ...unreadable(id, fault), close: file.close };
    }
    return {
      id,
      *frames() {
        for (let frame: JournalFrame | null = reader.next(); frame !== null; frame = reader.next())
          yield frame;
      },
      tail: reader.tail,
      fault: null,
      close: file.close,
    };
  } catch (error) {
    file.close();
    if (!isFileError(error)) throw error;
    return unreadable(id, error.message);
  }
}

function unreadable(id: string, fault: string | null): JournalSegment {
  return {
    id,
    frames: () => [],
    tail: () => ({ bytes: 0, damaged: false }),
    fault,
    close: () => undefined,
  };
}

/** Of the file system, not of the program. */
export function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}
