import { type BanRecord, readPrefix } from '../../admission/index.ts';

/** Latest that a Date can be. */
export const TIME_MAX = 8_640_000_000_000_000;

/** As it stands in Redis. `origin`: of whoever writes it. Half of a surrogate pair, which the JSON of scripts does not take, is replaced. */
export function recordText(record: BanRecord, origin: string): string {
  const { reason, by } = record;
  return JSON.stringify({ ...record, reason: reason.toWellFormed(), by: by.toWellFormed(), origin });
}

/**
 * null: it is no record of this prefix, nor is it one to the script that puts them. Others may write there, too: one that cannot be read
 * must not keep this instance from those that come after it.
 */
export function readRecord(text: string, prefix: string): BanRecord | null {
  let found: Partial<Record<keyof BanRecord, unknown>> | null;
  try {
    found = JSON.parse(text) as typeof found;
  } catch {
    return null;
  }
  if (typeof found !== 'object' || found === null) return null;
  const { reason, by, times, beganAt, until, endedAt } = found;
  const isSound =
    found.prefix === prefix &&
    readPrefix(prefix)?.prefix === prefix &&
    typeof reason === 'string' &&
    typeof by === 'string' &&
    Number.isInteger(times) &&
    (times as number) >= 1 &&
    isTime(beganAt) &&
    (until === null || isTime(until)) &&
    (endedAt === null || isTime(endedAt));
  return isSound ? ({ prefix, reason, by, times, beganAt, until, endedAt } as BanRecord) : null;
}

const isTime = (value: unknown): boolean => typeof value === 'number' && value >= 0 && value <= TIME_MAX;
