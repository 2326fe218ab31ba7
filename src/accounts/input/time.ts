import { parseDuration } from '../../config/index.ts';

const momentForm = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;

/** Is it `2026-11-01`, `2026-11-01T12:00:00Z` or a duration such as `24h`? */
export function isTimeText(text: string): boolean {
  return momentOf(text) !== undefined || parseDuration(text) !== undefined;
}

/** Epoch milliseconds of a text that {@link isTimeText} took; a duration counts back from `now`. */
export function pastTimeOf(text: string, now: number): number {
  return momentOf(text) ?? now - (parseDuration(text) ?? 0);
}

/** The same where a duration counts on from `now`. */
export function futureTimeOf(text: string, now: number): number {
  return momentOf(text) ?? now + (parseDuration(text) ?? 0);
}

/** A date begins at midnight UTC. */
function momentOf(text: string): number | undefined {
  if (!momentForm.test(text)) return undefined;
  const at = Date.parse(text);
  // Date.parse rolls 2027-02-30 over in some forms: the day must come back as it went in.
  const day = new Date(Date.parse(`${text.slice(0, 10)}T00:00:00Z`));
  if (Number.isNaN(at) || Number.isNaN(day.getTime())) return undefined;
  return day.toISOString().startsWith(text.slice(0, 10)) ? at : undefined;
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
