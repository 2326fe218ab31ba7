import { createJournalReader, type ListedSegment, listSegments, openSegmentFile } from '../../usage/index.ts';
import type { JournalFrame, JournalSegment, JournalSource } from './journal-source.ts';

/** The journals in folders of gateways, which may be running. A folder that is not there has none. */
export function journalFolders(folders: readonly string[], keepMs: number): JournalSource {
  return {
    keepMs,
    ids: () => folders.flatMap((folder) => listSegments(folder).map(({ id }) => id)),
    *segments(skipped) {
      for (const folder of folders) {
        for (const listed of listSegments(folder)) {
          if (skipped?.has(listed.id) === true) continue;
          const segment = openSegment(listed);
          if (segment !== undefined) yield segment;
        }
      }
    },
  };
}

function openSegment({ id, path }: ListedSegment): JournalSegment | undefined {
  let file: ReturnType<typeof openSegmentFile>;
  try {
    file = openSegmentFile(path);
  } catch (error) {
    // Its gateway took it away meanwhile: it was unused, or old.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const reader = createJournalReader(file);
  if ('fault' in reader) {
    const { fault } = reader;
    // A worker that is just opening it, or died then, has written nothing into it.
    return {
      id,
      frames: () => [],
      torn: () => 0,
      fault: fault === 'no header' ? null : fault,
      close: file.close,
    };
  }
  return {
    id,
    *frames() {
      for (let frame: JournalFrame | null = reader.next(); frame !== null; frame = reader.next()) yield frame;
    },
    torn: () => reader.torn(),
    fault: null,
    close: file.close,
  };
}
