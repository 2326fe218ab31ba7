import type { LedgerBatch } from '../../usage/index.ts';

/**
 * Throws RangeError on a batch that could not be applied exactly once: with usage but of no length its offset says nothing
 * about whether it was applied.
 */
export function assertBatch({ segment, from, to, rows, raw }: LedgerBatch): void {
  if (!(Number.isSafeInteger(from) && Number.isSafeInteger(to) && from >= 0 && to >= from))
    throw new RangeError(`segment ${segment}: no piece is [${from}, ${to})`);
  if (from === to && rows.length + raw.length > 0)
    throw new RangeError(`segment ${segment}: usage in a piece without length`);
}
