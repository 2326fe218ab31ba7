import { setImmediate } from 'node:timers/promises';
import type { SegmentState, UsageRecord } from '../../usage/index.ts';
import { isFileError } from './journal-folders.ts';
import type { JournalSegment, JournalSource } from './journal-source.ts';

/** So many records, and frames as much as one, are read at a time: others of the thread get their turn between. */
const RECORDS_AT_ONCE = 10_000;

/** What was read. */
export interface JournalReading {
  segments: number;
  frames: number;
  /** Bytes behind the last frame of a segment: what a kill cut short. No answer had left for them. */
  tornBytes: number;
  /** Segments that cannot be read, or not to their end, with the reason. */
  unreadable: { segment: string; reason: string }[];
}

/** A record, valid for the call only; `pending`: the ledger has not taken it in, by its offsets. */
export type TakeRecord = (record: UsageRecord, pending: boolean) => void;

/** Reads all journals, but for those `skipped`, for frames of [from, to). `offsets`: how far the ledger says it has taken each segment in. */
export async function readJournals(
  source: JournalSource,
  { from, to }: { from: number; to: number },
  offsets: ReadonlyMap<string, SegmentState>,
  take: TakeRecord,
  skipped?: ReadonlySet<string>,
): Promise<JournalReading> {
  const reading: JournalReading = {
    ...{ segments: 0, frames: 0, tornBytes: 0, unreadable: [] },
  };
  for (const segment of source.segments(skipped)) {
    try {
      await readSegment(segment, { from, to }, offsets.get(segment.id)?.offset ?? 0, reading, take);
    } catch (error) {
      if (!isFileError(error)) throw error;
      reading.unreadable.push({ segment: segment.id, reason: error.message });
    } finally {
      segment.close();
    }
  }
  return reading;
}

async function readSegment(
  segment: JournalSegment,
  { from, to }: { from: number; to: number },
  offset: number,
  reading: JournalReading,
  take: TakeRecord,
): Promise<void> {
  reading.segments += 1;
  if (segment.fault !== null) {
    reading.unreadable.push({ segment: segment.id, reason: segment.fault });
    return;
  }
  let records = 0;
  let end = 0;
  for (const frame of segment.frames()) {
    records += 1 + frame.records.length;
    end = frame.to;
    if (records >= RECORDS_AT_ONCE) {
      records = 0;
      await setImmediate();
    }
    const minute = frame.epochMs - (frame.epochMs % 60_000);
    if (minute < from || minute >= to) continue;
    reading.frames += 1;
    for (const record of frame.records) take(record, frame.from >= offset);
  }
  const tail = segment.tail();
  if (!tail.damaged) reading.tornBytes += tail.bytes;
  else reading.unreadable.push({ segment: segment.id, reason: `damaged behind byte ${end}` });
}
