import { mkdirSync } from 'node:fs';
import { createHeldUsage } from './held-usage.ts';
import { type JournalFiles, journalFiles, type OpenSegment, openSegment } from './journal-segment.ts';
import type { UsageRecord } from './record.ts';
import { createRecordEncoder } from './record-encoder.ts';

/**
 * Below so much room more is asked for. Where there is none, what is under way still has this: some 3000 calls of distinct keys
 * and methods.
 */
const RESERVE_BYTES = 128 * 1024;
const RETRY_MS = 1000;

/** A worker's journal. Nothing here ever throws for what the disk does. */
export interface JournalWriter {
  /**
   * Appends a turn's records with one write: when it returns they are with the kernel and survive the process. Without room they are
   * held in memory until there is some, or lost, as the options say. Some 2 µs.
   */
  write(records: readonly UsageRecord[]): void;
  /** The disk took no more at the last try; there may be room yet for what is under way. */
  readonly full: boolean;
  /** Calls and events that were answered and are in no journal, since it was opened. */
  readonly lost: number;
  /** To be called every 100 ms or so: tries a full disk again once a second. */
  tick(): void;
  /** Ends it; what is held is tried once more. Returns how many calls were not written. */
  close(): number;
}

export interface JournalOptions {
  /** Made where it is missing, for its owner only. */
  folder: string;
  run: string;
  slot: number;
  start: number;
  /** What does not fit is kept in memory until it does; else it is counted as lost. */
  holds: () => boolean;
  /** Each time that `full` changes; `reason` is the file system's. */
  onFull: (full: boolean, reason: string) => void;
  epochMs: () => number;
  /** Steady milliseconds. */
  nowMs: () => number;
  files?: JournalFiles;
}

export function createJournalWriter(options: JournalOptions): JournalWriter {
  const { folder, run, slot, start, epochMs, nowMs, files = journalFiles } = options;
  const encoder = createRecordEncoder();
  const held = createHeldUsage();
  let current: OpenSegment | null = null;
  let next: OpenSegment | null = null;
  let number = 0;
  let full = false;
  let triedAt = 0;
  let lost = 0;

  function open(): OpenSegment {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return openSegment(folder, { run, slot, start, number: number++ }, Math.floor(epochMs()), files);
  }

  function use(segment: OpenSegment | null): void {
    current = segment;
    if (segment !== null) encoder.begin(segment.salt);
  }

  function setFull(error: unknown): void {
    triedAt = nowMs();
    if (full) return;
    full = true;
    options.onFull(true, error instanceof Error ? error.message : String(error));
  }

  /** Room ahead of its need. True where there is. */
  function makeRoom(): boolean {
    try {
      if (current === null) use(open());
      else if (current.room < RESERVE_BYTES || encoder.full) {
        if (current.complete || encoder.full) next ??= open();
        else current.extend();
      }
      return true;
    } catch (error) {
      setFull(error);
      return false;
    }
  }

  /** On to the next segment, if there is one: nothing may be appended to one whose last frame was not written. */
  function advance(): void {
    current?.close();
    use(next);
    next = null;
  }

  /** One frame; returns how many records it holds: 0 without room, NaN where it is not known whether it was written. */
  function append(records: readonly UsageRecord[], from: number, at: number): number {
    if (encoder.full && next !== null) advance();
    for (; current !== null; advance()) {
      const count = encoder.encode(records, from, at);
      if (encoder.length > current.room) continue;
      try {
        current.append(encoder.bytes, encoder.length);
        return count;
      } catch (error) {
        setFull(error);
        const sure = current.end();
        use(next);
        next = null;
        return sure ? append(records, from, at) : Number.NaN;
      }
    }
    return 0;
  }

  function appendAll(records: readonly UsageRecord[]): boolean {
    const at = Math.floor(epochMs());
    for (let from = 0; from < records.length; ) {
      const count = append(records, from, at);
      if (count > 0) {
        from += count;
        if (from < records.length && !full) makeRoom();
      } else {
        // What may have been written is not written again: it would count twice.
        if (count === 0 && options.holds()) held.add(records, from);
        else for (const { calls } of records.slice(from)) lost += calls;
        return false;
      }
    }
    return true;
  }

  function retry(): void {
    triedAt = nowMs();
    if (!makeRoom() || !appendAll(held.take())) return;
    full = false;
    options.onFull(false, '');
  }

  makeRoom();

  return {
    get full() {
      return full;
    },
    get lost() {
      return lost;
    },
    write(records) {
      const written = appendAll(records);
      if (full) return;
      if (written) makeRoom();
      else setFull(new Error('no room for a frame'));
    },
    tick() {
      if (full && nowMs() - triedAt >= RETRY_MS) retry();
    },
    close() {
      if (full) retry();
      for (const { calls } of held.take()) lost += calls;
      if (current !== null) current.end();
      if (next !== null) {
        next.close();
        next.remove();
      }
      current = next = null;
      return lost;
    },
  };
}
