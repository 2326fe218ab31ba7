const form = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;

/** Epoch milliseconds of `2026-11-01` (its midnight, UTC) or `2026-11-01T12:00:00Z`; undefined if it is none. */
export function parseMoment(text: string): number | undefined {
  if (!form.test(text)) return undefined;
  const at = Date.parse(text);
  // Date.parse rolls 2027-02-30 over in some forms: the day must come back as it went in.
  const day = new Date(Date.parse(`${text.slice(0, 10)}T00:00:00Z`));
  if (Number.isNaN(at) || Number.isNaN(day.getTime())) return undefined;
  return day.toISOString().startsWith(text.slice(0, 10)) ? at : undefined;
}
