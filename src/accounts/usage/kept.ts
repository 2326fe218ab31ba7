import { AccountsError } from '../error.ts';
import { isoTime } from '../input/time.ts';

/** How old sums may become, in milliseconds; Infinity: any age. */
export interface Retention {
  minutesMs: number;
  hoursMs: number;
  daysMs: number;
}

interface Range {
  /** Epoch milliseconds, whole minutes: [from, to). */
  from: number;
  to: number;
}

interface Kept {
  retention: Retention;
  now: number;
  /** The finest time that is told apart. */
  unit: 'minute' | 'hour' | 'day';
  /** Where minutes or hours of a bound are gone: the whole hour or day is taken in, or left out. */
  bound: 'widen' | 'narrow';
}

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];

/**
 * The time nearest to the asked that the ledger still has all sums of: a bound within an hour needs minutes and one within a day hours,
 * which are dropped before the hours and days that they make up. Throws `refused` where nothing is left.
 */
export function keptRange({ from, to }: Range, { retention, now, unit, bound }: Kept): Range {
  const [minutesFrom, hoursFrom, daysFrom] = [
    floor(now - retention.minutesMs, minute),
    floor(now - retention.hoursMs, hour),
    floor(now - retention.daysMs, day),
  ];
  const oldest = { minute: minutesFrom, hour: hoursFrom, day: daysFrom }[unit];
  const [first, last] = bound === 'widen' ? ([floor, ceil] as const) : ([ceil, floor] as const);
  let kept = { from, to };
  const round = (size: number, finerFrom: number) => {
    const before = kept;
    if (before.from < finerFrom) kept = { ...kept, from: first(before.from, size) };
    if (Math.max(before.from, floor(before.to, size)) < finerFrom)
      kept = { ...kept, to: last(before.to, size) };
  };
  if (unit !== 'minute') round(hour, minutesFrom);
  if (unit === 'day') round(day, hoursFrom);
  kept.from = Math.max(kept.from, oldest);
  if (kept.from >= kept.to)
    throw new AccountsError(
      'refused',
      `Usage from ${isoTime(from)} to ${isoTime(to)} by the ${unit} is no longer kept: ask for a later or a longer time, or by less`,
    );
  return kept;
}

function floor(at: number, size: number): number {
  return Math.floor(at / size) * size;
}

function ceil(at: number, size: number): number {
  return Math.ceil(at / size) * size;
}
