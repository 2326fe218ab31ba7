import { statSync } from 'node:fs';
import { createFold } from './fold.ts';
import { hasBytesAt, type ListedSegment } from './journal-folder.ts';
import { HEADER_BYTES, type HeaderFault } from './journal-format.ts';
import {
  createJournalReader,
  type JournalReader,
  openSegmentFile,
  type SegmentFile,
} from './journal-reader.ts';
import { bytesBehind } from './journal-tail.ts';
import type { Ledger, LedgerBatch, SegmentState } from './ledger.ts';
import { rawChoice, type RawSettings } from './raw-calls.ts';

/** Something of a segment that cannot be read. */
export interface SegmentDamage {
  segment: string;
  what: HeaderFault | 'damaged frames' | 'shorter than what was applied';
  /** Where, and how many bytes stand there. */
  at: number;
  bytes: number;
}

/** The way of one segment into the ledger. */
export interface SegmentApplier {
  readonly segment: ListedSegment;
  /** All that can come of it is in the ledger. */
  readonly done: boolean;
  /** Such a segment is never closed in the ledger: whoever reads it later is told, too. */
  readonly damage: SegmentDamage | null;
  /**
   * Applies what is there. `over`: no frame can come any more. `rest` is waited for after each batch that another follows.
   * Rejects as the ledger or `fs` does; to be called again then.
   */
  run(over: boolean, raw: RawSettings, rest: (tookMs: number) => Promise<void>): Promise<void>;
  /** Bytes that are not in the ledger. */
  lag(): number;
  /** Epoch milliseconds of the last write to the file. */
  modified(): number;
  /** Epoch milliseconds since when what there is of it is in the ledger; null: nothing of it ever was. */
  appliedAt(): number | null;
  /** More was written to it, though that could not be. */
  reopen(): void;
  close(): void;
}

export function createSegmentApplier(
  segment: ListedSegment,
  ledger: Ledger,
  state: SegmentState | undefined,
  epochMs: () => number,
): SegmentApplier {
  const { id, path } = segment;
  let offset = state?.offset ?? 0;
  let closed = state?.closed ?? false;
  let appliedAt = state?.appliedAt ?? null;
  let done = false;
  let damage: SegmentDamage | null = null;
  let file: SegmentFile | null = null;
  let reader: JournalReader | null = null;
  /** Read, and not known to be in the ledger. */
  let pending: LedgerBatch | null = null;
  /** `pending` holds all there was. */
  let caughtUp = false;

  const source = (): SegmentFile => (file ??= openSegmentFile(path));

  function close(): void {
    file?.close();
    file = null;
    reader = null;
  }

  function damaged(what: SegmentDamage['what'], at: number, bytes: number): void {
    damage ??= { segment: id, what, at, bytes };
  }

  /** A reader at the ledger's offset; null where there is nothing to read, now or for ever. */
  function readerAtOffset(over: boolean): JournalReader | null {
    if (reader !== null && reader.position === Math.max(offset, HEADER_BYTES)) return reader;
    const made = createJournalReader(source());
    if ('fault' in made) {
      // A worker is just opening it, or died then: nothing was written behind it.
      const bytes = bytesBehind(source(), 0);
      if (over && (made.fault !== 'no header' || bytes > 0)) damaged(made.fault, 0, bytes);
      return null;
    }
    while (made.position < offset && made.next() !== null);
    if (made.position !== offset && offset !== 0) {
      if (over) damaged('shorter than what was applied', made.position, offset - made.position);
      return null;
    }
    return (reader = made);
  }

  function lookBehind(from: JournalReader): void {
    const tail = from.tail();
    if (tail.damaged) damaged('damaged frames', from.position, tail.bytes);
  }

  function readBatch(over: boolean, raw: RawSettings): LedgerBatch | null {
    const from = readerAtOffset(over);
    if (from === null) return null;
    const fold = createFold(id, offset, rawChoice(raw, id));
    let ended = false;
    while (!fold.full && !ended) {
      const frame = from.next();
      if (frame === null) ended = true;
      else fold.add(frame);
    }
    caughtUp = ended;
    if (over && ended) lookBehind(from);
    const closing = over && ended && damage === null;
    if (fold.empty && !(closing && !closed && offset > 0)) return null;
    return fold.batch(closing);
  }

  async function applyPending(batch: LedgerBatch): Promise<void> {
    if (await ledger.apply(batch)) {
      offset = batch.to;
      closed = batch.closed;
      appliedAt = epochMs();
    } else {
      // Applied before: by a transaction of which no answer came, or by another process.
      const now = (await ledger.segments([id])).get(id);
      const closedSo = now?.closed === true && batch.from === batch.to;
      if ((now?.offset ?? 0) === batch.from && !closedSo)
        throw new Error(`the ledger does not take ${id} from ${batch.from}`);
      offset = now?.offset ?? 0;
      // It may be less than what was read, and all that was read is to be in the ledger after a pass.
      caughtUp = false;
      closed = now?.closed ?? false;
      appliedAt = now?.appliedAt ?? null;
    }
    pending = null;
  }

  return {
    segment,
    get done() {
      return done;
    },
    get damage() {
      return damage;
    },
    async run(over, raw, rest) {
      // Closed by somebody who thought its process dead, and goes on: then it has more than the ledger.
      if (closed && over && !done && !hasBytesAt(path, offset)) done = true;
      if (done) return;
      // What was read before, and refused then, was all there was at that time.
      caughtUp = false;
      for (;;) {
        const began = performance.now();
        if (pending === null) {
          pending = readBatch(over, raw);
          if (pending === null) break;
          if (pending.to > pending.from) await source().sync();
        }
        await applyPending(pending);
        // What was written meanwhile is the next pass's: a ledger with slow transactions would never be done with a busy worker.
        if (caughtUp && !over) break;
        if (!caughtUp) await rest(performance.now() - began);
      }
      if (!over) return;
      done = true;
      close();
    },
    lag: () => (done ? 0 : bytesBehind(source(), offset)),
    modified: () => statSync(path).mtimeMs,
    appliedAt: () => appliedAt,
    reopen() {
      done = false;
      closed = false;
    },
    close,
  };
}
