import { rollupUnits } from '../ledger/rollup-rows.ts';

/** Part of a time: which rollup says it, from when to when (epoch milliseconds, [from, to)). */
export interface Span {
  unit: keyof typeof rollupUnits;
  from: number;
  to: number;
}

const finer = { day: 'hour', hour: 'minute' } as const;

/**
 * Cuts [from, to) so that whole days are read as days, whole hours beside them as hours and the rest as minutes, none
 * coarser than `unit`. Bounds may be infinite. A minute belongs to where it begins.
 */
export function spansOf(from: number, to: number, unit: Span['unit']): Span[] {
  const size = rollupUnits[unit];
  const first = Math.ceil(from / size) * size;
  if (unit === 'minute') {
    const end = Math.ceil(to / size) * size;
    return first < end ? [{ unit, from: first, to: end }] : [];
  }
  const last = Math.floor(to / size) * size;
  if (first >= last) return spansOf(from, to, finer[unit]);
  return [
    ...spansOf(from, first, finer[unit]),
    { unit, from: first, to: last },
    ...spansOf(last, to, finer[unit]),
  ];
}
