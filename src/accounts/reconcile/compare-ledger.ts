import type { Store, UsageFilter } from '../../store/index.ts';
import { AccountsError } from '../error.ts';
import { agrees } from './compare.ts';
import type { JournalSource } from './journal-source.ts';
import { createPiece, type Piece } from './piece.ts';
import { type JournalReading, readJournals } from './read-journals.ts';
import type { Subject } from './tally.ts';

/** How often a piece begins anew because the ledger moved on while the journals were read. */
const TRIES = 5;

/** How much is in memory at a time. */
export interface PieceSizes {
  /** Lines of the ledger. */
  lines: number;
  /** Subjects of either side; more than `lines`. */
  subjects: number;
}

/** Some 30 MB. The journals are read anew for each piece, so it is no smaller. */
const usualSizes: PieceSizes = { lines: 20_000, subjects: 40_000 };

/**
 * Compares journals and ledger over a time, piece by piece in the ledger's order: memory does not grow with the keys and methods that there
 * are. Each piece is as both sides were at one moment. Rejects with AccountsError `unavailable` where they do not stand still for it.
 */
export async function compareLedger(
  store: Pick<Store, 'segments' | 'usage'>,
  journals: JournalSource,
  range: Required<Pick<UsageFilter, 'from' | 'to'>>,
  take: (piece: Piece) => void,
  sizes: PieceSizes = usualSizes,
): Promise<JournalReading> {
  const first = journals.ids();
  let agreed = true;
  for (let after: Subject | null = null; ; ) {
    const { piece, reading } = await readPiece(store, journals, range, after, sizes);
    agreed &&= agrees(piece.entries);
    take(piece);
    after = piece.upTo;
    if (after !== null) continue;
    const left = new Set(journals.ids());
    if (!agreed && first.some((id) => !left.has(id)))
      throw new AccountsError(
        'unavailable',
        'Journals were deleted while they were read, since they are old enough: give a later --from',
      );
    return reading;
  }
}

/** Read anew where the ledger took something in meanwhile. */
async function readPiece(
  store: Pick<Store, 'segments' | 'usage'>,
  journals: JournalSource,
  range: Required<Pick<UsageFilter, 'from' | 'to'>>,
  after: Subject | null,
  sizes: PieceSizes,
): Promise<{ piece: Piece; reading: JournalReading }> {
  for (let tries = 1; ; tries += 1) {
    const ids = journals.ids();
    const offsets = await store.segments(ids);
    const lines = await store.usage(
      { ...range, ...(after !== null && { after }) },
      ['key', 'network', 'method', 'status'],
      sizes.lines,
    );
    const piece = createPiece(after, lines, lines.length < sizes.lines, sizes.subjects);
    const reading = await readJournals(journals, range, offsets, piece.take);
    const now = await store.segments(ids);
    const moved = ids.some((id) => offsets.get(id)?.offset !== now.get(id)?.offset);
    if (!moved || agrees(piece.entries)) return { piece, reading };
    if (tries >= TRIES)
      throw new AccountsError(
        'unavailable',
        'The ledger takes in usage of that time faster than it can be read: give an earlier --to',
      );
  }
}
