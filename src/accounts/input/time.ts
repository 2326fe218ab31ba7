import { parseDuration, parseMoment } from '../../config/index.ts';

/** Is it `2026-11-01`, `2026-11-01T12:00:00Z` or a duration such as `24h`? */
export function isTimeText(text: string): boolean {
  return parseMoment(text) !== undefined || parseDuration(text) !== undefined;
}

/** Epoch milliseconds of a text that {@link isTimeText} took; a duration counts back from `now`. */
export function pastTimeOf(text: string, now: number): number {
  return parseMoment(text) ?? now - (parseDuration(text) ?? 0);
}

/** The same where a duration counts on from `now`. */
export function futureTimeOf(text: string, now: number): number {
  return parseMoment(text) ?? now + (parseDuration(text) ?? 0);
}

/** Epoch milliseconds of a month's beginning and end, UTC, `2026-11`. */
export function monthBounds(month: string): { from: number; to: number } {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return { from: Date.UTC(year, number - 1), to: Date.UTC(year, number) };
}

/** As results hold times: `2026-11-28T19:09:30.000Z`. */
export function isoTime(at: number): string {
  return new Date(at).toISOString();
}

/** The same where there may be none. */
export function isoTimeOrNull(at: number | null): string | null {
  return at === null ? null : isoTime(at);
}
